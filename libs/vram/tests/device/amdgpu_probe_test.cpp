#include "vram/amdgpu_probe.hpp"

#include <gtest/gtest.h>

#include "base/files.hpp"
#include "temporary_directory.hpp"

namespace vram {
namespace {

class AmdgpuTest : public ::testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) {
    const std::string whole = directory_.path() + "/" + path;
    ASSERT_TRUE(base::make_directories(whole.substr(0, whole.rfind('/'))));
    ASSERT_TRUE(base::write_file_atomically(whole, text + "\n"));
  }
  void card(const std::string& name, const std::string& pci, std::uint64_t total, std::uint64_t used,
            const std::string& vendor = "0x1002") {
    const std::string at = "class/drm/" + name + "/device/";
    put(at + "vendor", vendor);
    put(at + "uevent", "DRIVER=amdgpu\nPCI_SLOT_NAME=" + pci);
    put(at + "mem_info_vram_total", std::to_string(total));
    put(at + "mem_info_vram_used", std::to_string(used));
  }
  std::shared_ptr<Probe> probe() { return make_amdgpu_probe(directory_.path()); }
  TemporaryDirectory directory_;
};

TEST_F(AmdgpuTest, HostWithoutCardsHasNoDevices) {
  EXPECT_TRUE(probe()->devices()->empty());
  card("card0", "0000:00:02.0", 1000, 0, "0x8086");
  put("class/drm/card0-DP-1/device/vendor", "0x1002");
  EXPECT_TRUE(probe()->devices()->empty());
}

TEST_F(AmdgpuTest, CardsComeInPciOrderWithTheirMemory) {
  card("card0", "0000:83:00.0", 16000, 1000);
  card("card1", "0000:03:00.0", 8000, 500);
  put("class/drm/card1/device/product_name", "Radeon Test");
  const auto devices = probe()->devices();
  ASSERT_EQ(devices->size(), 2U);
  EXPECT_EQ((*devices)[0].uuid.text(), "AMD-0000:03:00.0");
  EXPECT_EQ((*devices)[0].name, "Radeon Test");
  EXPECT_EQ((*devices)[1].total, Bytes(16000));
  const auto sample = probe()->sample((*devices)[1].uuid);
  EXPECT_EQ(sample->free, Bytes(15000));
}

TEST_F(AmdgpuTest, AnApuCountsTheMemoryItSharesWithTheHost) {
  card("card0", "0000:03:00.0", 512, 112);
  put("class/drm/card0/device/mem_info_gtt_total", "2048");
  put("class/drm/card0/device/mem_info_gtt_used", "48");
  const auto sample = probe()->sample(DeviceUuid("AMD-0000:03:00.0"));
  EXPECT_EQ(sample->total, Bytes(2560));
  EXPECT_EQ(sample->free, Bytes(2400));
}

TEST_F(AmdgpuTest, ACardWithMemoryOfItsOwnDoesNotCountTheHosts) {
  card("card0", "0000:03:00.0", 1024, 24);
  put("class/drm/card0/device/mem_info_gtt_total", "4095");
  put("class/drm/card0/device/mem_info_gtt_used", "0");
  EXPECT_EQ(probe()->sample(DeviceUuid("AMD-0000:03:00.0"))->total, Bytes(1024));
}

TEST_F(AmdgpuTest, ComputeProcessesAreListedByTheCardsNumber) {
  card("card0", "0000:03:00.0", 8000, 500);
  EXPECT_EQ(probe()->processes(DeviceUuid("AMD-0000:03:00.0")).error().code, ErrorCode::Unsupported);
  put("class/kfd/kfd/topology/nodes/0/gpu_id", "0");
  put("class/kfd/kfd/topology/nodes/0/properties", "location_id 768\ndomain 0");
  put("class/kfd/kfd/topology/nodes/1/gpu_id", "4711");
  put("class/kfd/kfd/topology/nodes/1/properties", "simd_count 4\nlocation_id 768\ndomain 0");
  put("class/kfd/kfd/proc/321/vram_4711", "123");
  put("class/kfd/kfd/proc/322/vram_99", "5");
  const auto list = probe()->processes(DeviceUuid("AMD-0000:03:00.0"));
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1U);
  EXPECT_EQ(list->front().pid, 321);
  EXPECT_EQ(list->front().bytes, Bytes(123));
}

TEST_F(AmdgpuTest, FiguresThatAreNoNumbersAndCardsThatWentAreErrors) {
  card("card0", "0000:03:00.0", 8000, 500);
  put("class/drm/card0/device/mem_info_vram_used", "many");
  EXPECT_EQ(probe()->sample(DeviceUuid("AMD-0000:03:00.0")).error().code, ErrorCode::Corrupt);
  EXPECT_EQ(probe()->sample(DeviceUuid("AMD-0000:04:00.0")).error().code, ErrorCode::NotFound);
}

}  // namespace
}  // namespace vram
