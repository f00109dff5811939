#include "vram/cuda_driver.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "fake_driver_test.hpp"
#include "vram/open_probe.hpp"

namespace vram {
namespace {

using ::testing::HasSubstr;

class CudaDriverTest : public FakeDriverTest {
 protected:
  ~CudaDriverTest() override { ::unsetenv("CUDA_VISIBLE_DEVICES"); }
  Result<std::shared_ptr<CudaDriver>> open() { return CudaDriver::open(copy_of(CLAMS_FAKE_CUDA)); }
};

TEST_F(CudaDriverTest, TellsDevicesByUuidWithoutAContext) {
  gpu.devices.push_back({.uuid = second.text(), .total = 16_GiB, .pci = "0000:02:00.0"});
  write();
  const auto driver = open();
  ASSERT_TRUE(driver) << driver.error().message;
  ASSERT_EQ((*driver)->devices().size(), 2U);
  EXPECT_EQ((*driver)->devices()[1].uuid, second);
  EXPECT_EQ((*driver)->devices()[1].total, 16_GiB);
  EXPECT_EQ(gpu.calls("cuDevicePrimaryCtxRetain"), 0U);
}

TEST_F(CudaDriverTest, AllocationsTakeAContextAndBytesAndGiveBothBack) {
  gpu.devices[0].context = 500_MiB;
  write();
  const auto probe = nvml();
  const auto driver = open();
  ASSERT_TRUE(driver);
  {
    auto one = (*driver)->allocate(first, 2_GiB);
    ASSERT_TRUE(one) << one.error().message;
    EXPECT_NE(one->address(), 0U);
    EXPECT_EQ(probe->sample(first)->free, 22_GiB - 500_MiB);
    auto two = (*driver)->allocate(first, 1_GiB);
    ASSERT_TRUE(two);
    EXPECT_EQ(probe->sample(first)->free, 21_GiB - 500_MiB) << "one context for both";
    // Freed by another thread than the one that allocated.
    std::thread([&] { one->reset(); }).join();
    EXPECT_EQ(probe->sample(first)->free, 23_GiB - 500_MiB);
  }
  EXPECT_EQ(probe->sample(first)->free, 24_GiB);
}

TEST_F(CudaDriverTest, TooMuchIsAnOutOfMemoryErrorAndTakesNothing) {
  gpu.devices[0].context = 500_MiB;
  write();
  const auto driver = open();
  const auto refused = (*driver)->allocate(first, 24_GiB);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::InsufficientMemory);
  EXPECT_THAT(refused.error().message, HasSubstr("code 2"));
  EXPECT_EQ(nvml()->sample(first)->free, 24_GiB);
  EXPECT_EQ((*driver)->allocate(second, 1_GiB).error().code, ErrorCode::NotFound);
}

TEST_F(CudaDriverTest, ReadsMemoryOnlyWhereThereIsAContextAlready) {
  gpu.devices[0].others = 1_GiB;
  write();
  const auto driver = open();
  const auto probe = make_cuda_probe(*driver);
  EXPECT_EQ(probe->sample(first).error().code, ErrorCode::Unsupported);
  EXPECT_EQ(gpu.calls("cuDevicePrimaryCtxRetain"), 0U) << "asking made none";
  const auto held = (*driver)->allocate(first, 1_GiB);
  EXPECT_EQ(probe->sample(first)->free, 22_GiB);
  EXPECT_EQ(probe->driver(), "cuda");
}

TEST_F(CudaDriverTest, AStubLibraryOrNoDeviceIsNoDriver) {
  gpu.fail("cuInit", 34);
  write();
  const auto stub = open();
  ASSERT_FALSE(stub);
  EXPECT_EQ(stub.error().code, ErrorCode::NotFound);
  EXPECT_THAT(stub.error().message, HasSubstr("stub"));
  gpu.clear();
  gpu.devices.clear();
  write();
  EXPECT_EQ(open().error().code, ErrorCode::NotFound);
  EXPECT_EQ(CudaDriver::open("/nowhere/libcuda.so.1").error().code, ErrorCode::NotFound);
  EXPECT_EQ(CudaDriver::open(std::string(CLAMS_FAKE_NVML)).error().code, ErrorCode::NotFound);
}

TEST_F(CudaDriverTest, OtherFailuresOfTheDriverAreUnavailable) {
  gpu.fail("cuInit", 999);
  write();
  EXPECT_EQ(open().error().code, ErrorCode::Unavailable);
}

TEST_F(CudaDriverTest, FindsASliceByItsOwnUuid) {
  const std::string slice = "MIG-33333333-3333-3333-3333-333333333333";
  gpu.devices = {{.mig = true}, {.uuid = slice, .total = 10_GiB, .slice_of = first.text()}};
  write();
  const auto driver = open();
  ASSERT_TRUE(driver) << driver.error().message;
  EXPECT_EQ((*driver)->devices().front().uuid.text(), slice);
  EXPECT_TRUE((*driver)->allocate(DeviceUuid(slice), 1_GiB));
}

TEST_F(CudaDriverTest, IsWhatTheAllocatorOfAutoUsesAndLoadsItOnlyWhenNeeded) {
  const ProbeOptions options{{.cuda_path = copy_of(CLAMS_FAKE_CUDA)}, "", {}, "/sys"};
  const auto allocator = open_allocator({}, options);
  ASSERT_TRUE(allocator);
  EXPECT_TRUE((*allocator)->allocate(DeviceUuid(), 1_GiB)) << "without a device nothing is taken";
  EXPECT_EQ(gpu.calls("cuInit"), 0U);
  const auto block = (*allocator)->allocate(first, 2_GiB);
  ASSERT_TRUE(block) << block.error().message;
  EXPECT_EQ(nvml()->sample(first)->free, 22_GiB);
}

}  // namespace
}  // namespace vram
