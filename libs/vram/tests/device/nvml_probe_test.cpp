#include "vram/nvml_probe.hpp"

#include <gmock/gmock.h>

#include "device/nvml_api.hpp"
#include "device/nvml_error.hpp"
#include "fake_driver_test.hpp"
#include "vram/open_probe.hpp"

namespace vram {
namespace {

using ::testing::HasSubstr;

class NvmlProbeTest : public FakeDriverTest {
 protected:
  static std::vector<std::string> uuids(Probe& probe) {
    std::vector<std::string> list;
    for (const DeviceInfo& info : probe.devices().value_or({})) list.push_back(info.uuid.text());
    return list;
  }
  void two_gpus() {
    gpu.devices = {{.pci = "0000:81:00.0"}, {.uuid = second.text(), .total = 16_GiB, .pci = "0000:02:00.0", .name = "Fake T4"}};
    write();
  }
};

TEST_F(NvmlProbeTest, TellsDevicesInPciOrder) {
  two_gpus();
  const auto devices = nvml()->devices();
  ASSERT_TRUE(devices);
  ASSERT_EQ(devices->size(), 2U);
  EXPECT_EQ((*devices)[0].uuid, second);
  EXPECT_EQ((*devices)[0].name, "Fake T4");
  EXPECT_EQ((*devices)[0].total, 16_GiB);
  EXPECT_EQ((*devices)[0].driver_version, "570.124.06");
  EXPECT_EQ((*devices)[1].index, 1);
}

TEST_F(NvmlProbeTest, ReadsFreeMemoryOfAllProcesses) {
  gpu.devices[0].others = 5_GiB;
  gpu.devices[0].reserved = 512_MiB;
  write();
  const auto sample = nvml()->sample(first);
  ASSERT_TRUE(sample) << sample.error().message;
  EXPECT_EQ(sample->total, 24_GiB);
  EXPECT_EQ(sample->free, 24_GiB - 5_GiB - 512_MiB);
}

TEST_F(NvmlProbeTest, AsksTheSecondFormWithItsExactVersion) {
  ASSERT_TRUE(nvml()->sample(first));
  EXPECT_EQ(gpu.calls("nvmlDeviceGetMemoryInfo_v2"), 1U) << "the fake answers 25 to any other version word";
  EXPECT_EQ(gpu.calls("nvmlDeviceGetMemoryInfo"), 0U);
}

TEST_F(NvmlProbeTest, FallsBackToTheFirstFormAndStaysWithIt) {
  gpu.fail("nvmlDeviceGetMemoryInfo_v2", nvml::kStructVersion);
  write();
  const auto probe = nvml();
  EXPECT_EQ(probe->sample(first)->free, 24_GiB);
  EXPECT_EQ(probe->sample(first)->free, 24_GiB);
  EXPECT_EQ(gpu.calls("nvmlDeviceGetMemoryInfo_v2"), 1U);
  EXPECT_EQ(gpu.calls("nvmlDeviceGetMemoryInfo"), 2U);
}

TEST_F(NvmlProbeTest, WorksWithADriverThatHasTheOldFormsOnly) {
  gpu.process(first.text(), 77, 1_GiB);
  write();
  const auto probe = nvml(CLAMS_FAKE_NVML_OLD);
  EXPECT_EQ(uuids(*probe), std::vector<std::string>{first.text()});
  EXPECT_EQ(probe->sample(first)->free, 24_GiB);
  const auto list = probe->processes(first);
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->size(), 1U);
  EXPECT_EQ(list->front().pid, 77);
  EXPECT_EQ(list->front().bytes, 1_GiB);
}

TEST_F(NvmlProbeTest, ReadsTheLongEntriesOfThe535Drivers) {
  gpu.process(first.text(), 77, 1_GiB);
  gpu.process(first.text(), 78, 2_GiB);
  write();
  for (const char* library : {CLAMS_FAKE_NVML_535, CLAMS_FAKE_NVML}) {
    const auto list = nvml(library)->processes(first);
    ASSERT_TRUE(list);
    ASSERT_EQ(list->size(), 2U) << library;
    EXPECT_EQ((*list)[1].pid, 78);
    EXPECT_EQ((*list)[1].bytes, 2_GiB);
  }
}

TEST_F(NvmlProbeTest, SaysWhenAProcesssBytesAreNotKnown) {
  gpu.process_of_unknown_size(first.text(), 77);
  gpu.process(first.text(), 78, Bytes());  // what some drivers say inside containers
  for (unsigned pid = 100; pid < 300; ++pid) gpu.process(first.text(), pid, 1_MiB);
  write();
  const auto list = nvml()->processes(first);
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->size(), 202U) << "more than the first buffer holds";
  EXPECT_FALSE((*list)[0].known);
  EXPECT_FALSE((*list)[1].known);
  EXPECT_TRUE((*list)[2].known);
}

TEST_F(NvmlProbeTest, NeverListsProcessesToSample) {
  const auto probe = nvml();
  (void)probe->devices();
  for (int round = 0; round < 20; ++round) ASSERT_TRUE(probe->sample(first));
  EXPECT_EQ(gpu.listing_calls(), 0U);
  ASSERT_TRUE(probe->processes(first));
  EXPECT_GT(gpu.listing_calls(), 0U) << "the count counts";
}

TEST_F(NvmlProbeTest, InitialisesOnceForAllProbesOfTheProcessAndNeverShutsDown) {
  for (int round = 0; round < 3; ++round) {
    const auto probe = nvml();
    (void)probe->devices();
    ASSERT_TRUE(probe->sample(first));
  }
  EXPECT_EQ(gpu.calls("nvmlInit_v2"), 1U);
  EXPECT_EQ(gpu.calls("nvmlShutdown"), 0U);
}

TEST_F(NvmlProbeTest, InitialisesAgainWhenTheDriverSaysItIsNot) {
  const auto probe = nvml();
  ASSERT_TRUE(probe->sample(first));
  gpu.fail("nvmlDeviceGetMemoryInfo*", nvml::kUninitialized);
  write();
  EXPECT_FALSE(probe->sample(first));
  gpu.clear();
  write();
  EXPECT_TRUE(probe->sample(first));
  EXPECT_EQ(gpu.calls("nvmlInit_v2"), 2U);
}

TEST_F(NvmlProbeTest, NamesDriverCallDeviceAndCodeInErrors) {
  const auto probe = nvml();
  ASSERT_TRUE(probe->sample(first));
  gpu.fail("nvmlDeviceGetMemoryInfo*", nvml::kGpuLost, first.text());
  write();
  const auto lost = probe->sample(first);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().native, 15);
  for (const char* part : {"nvml", "570.124.06", "nvmlDeviceGetMemoryInfo", first.text().c_str(), "code 15", "GPU lost"}) {
    EXPECT_THAT(lost.error().message, HasSubstr(part));
  }
  gpu.clear();
  write();
  EXPECT_TRUE(probe->sample(first)) << "it is looked up again";
}

TEST_F(NvmlProbeTest, TellsAMismatchOfDriverAndLibraryAndWhatToDo) {
  gpu.fail("nvmlInit_v2", nvml::kVersionMismatch);
  write();
  const auto devices = nvml()->devices();
  ASSERT_FALSE(devices) << "there is a driver; its GPU is not taken for none";
  EXPECT_EQ(devices.error().native, 18);
  EXPECT_THAT(devices.error().message, HasSubstr("reboot"));
}

TEST_F(NvmlProbeTest, EveryCodeHasAnErrorThatNamesIt) {
  for (const int code : {1, 2, 3, 4, 6, 7, 8, 9, 10, 12, 13, 15, 16, 17, 18, 20, 25, 28, 999, 4711}) {
    const Error error = nvml::error_of(nvml::Api{}, "1.2", "call", "GPU-x", code);
    EXPECT_EQ(error.native, code);
    EXPECT_THAT(error.message, HasSubstr("code " + std::to_string(code)));
  }
}

TEST_F(NvmlProbeTest, HostWithoutDriverOrGpuHasNoDevices) {
  for (const int code : {nvml::kDriverNotLoaded, nvml::kGpuNotFound, nvml::kLibraryNotFound}) {
    gpu.clear();
    gpu.fail("nvmlInit_v2", code);
    write();
    const auto devices = nvml()->devices();
    ASSERT_TRUE(devices) << code;
    EXPECT_TRUE(devices->empty());
  }
  EXPECT_EQ(open_nvml_probe({{.nvml_path = "/nowhere/libnvidia-ml.so.1"}, {}, ""}).error().code, ErrorCode::NotFound);
  EXPECT_EQ(open_nvml_probe({{.nvml_path = CLAMS_FAKE_CUDA}, {}, ""}).error().code, ErrorCode::Unsupported)
      << "a library that is no NVML is there, and is not taken for none";
}

TEST_F(NvmlProbeTest, LeavesOutAGpuThatIsLostOrClosedToUs) {
  two_gpus();
  gpu.fail("nvmlDeviceGetMemoryInfo*", nvml::kGpuLost, first.text());
  write();
  EXPECT_EQ(uuids(*nvml()), std::vector<std::string>{second.text()});
  gpu.clear();
  gpu.fail("handle", nvml::kNoPermission, second.text());
  write();
  EXPECT_EQ(uuids(*nvml()), std::vector<std::string>{first.text()});
}

TEST_F(NvmlProbeTest, DoesNotTellAListWithAHoleWhenAFailureMayPass) {
  two_gpus();
  gpu.fail("nvmlDeviceGetMemoryInfo*", nvml::kUnknown, first.text());
  write();
  const auto probe = nvml();
  EXPECT_EQ(probe->devices().error().native, 999);
  gpu.clear();
  write();
  EXPECT_EQ(uuids(*probe).size(), 2U);
}

TEST_F(NvmlProbeTest, CutsTheListAsTheVariablesSay) {
  two_gpus();
  EXPECT_EQ(uuids(*nvml(CLAMS_FAKE_NVML, {.cuda_visible_devices = "1"})), std::vector<std::string>{first.text()});
  EXPECT_EQ(uuids(*nvml(CLAMS_FAKE_NVML, {.cuda_visible_devices = "GPU-2222"})), std::vector<std::string>{second.text()});
  EXPECT_TRUE(uuids(*nvml(CLAMS_FAKE_NVML, {.cuda_visible_devices = ""})).empty());
  EXPECT_EQ(uuids(*nvml(CLAMS_FAKE_NVML, {.nvidia_visible_devices = "0"})), std::vector<std::string>{second.text()});
  EXPECT_EQ(nvml(CLAMS_FAKE_NVML, {.cuda_visible_devices = "1"})->devices()->front().index, 0) << "counted over what is visible";
}

TEST_F(NvmlProbeTest, ShowsTheSlicesOfAGpuInMigMode) {
  const std::string slice = "MIG-33333333-3333-3333-3333-333333333333", other = "MIG-44444444-4444-4444-4444-444444444444";
  gpu.devices = {{.mig = true},
                 {.uuid = slice, .total = 10_GiB, .slice_of = first.text()},
                 {.uuid = other, .total = 5_GiB, .slice_of = first.text()}};
  write();
  EXPECT_EQ(uuids(*nvml()), (std::vector<std::string>{slice, other}));
  EXPECT_EQ(uuids(*nvml(CLAMS_FAKE_NVML, {.cuda_visible_devices = other})), std::vector<std::string>{other});
  EXPECT_EQ(nvml()->sample(DeviceUuid(slice))->total, 10_GiB);
  // In a container the GPU itself is closed; the slice that the variable names can still be asked.
  gpu.fail("handle", nvml::kNoPermission, first.text());
  write();
  EXPECT_EQ(uuids(*nvml(CLAMS_FAKE_NVML, {.nvidia_visible_devices = slice})), std::vector<std::string>{slice});
}

TEST_F(NvmlProbeTest, ADeviceWithoutMemoryOfItsOwnHasThatOfTheHost) {
  ASSERT_TRUE(base::write_file_atomically(directory_.path() + "/meminfo",
                                          "MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    600 kB\n"));
  gpu.fail("nvmlDeviceGetMemoryInfo*", nvml::kNotSupported);
  write();
  const auto sample = nvml()->sample(first);
  ASSERT_TRUE(sample) << sample.error().message;
  EXPECT_EQ(sample->total, Bytes(1000 * 1024));
  EXPECT_EQ(sample->free, Bytes(600 * 1024));
}

TEST_F(NvmlProbeTest, SeesWhatOtherProcessesTakeThroughTheCudaDriver) {
  gpu.devices[0].context = 300_MiB;
  write();
  const auto probe = nvml();
  const auto holder = cuda_child(first.text(), 2_GiB);
  ASSERT_EQ(holder->line(), "ready");
  EXPECT_EQ(probe->sample(first)->free, 22_GiB - 300_MiB);
  holder->say("free");
  ASSERT_EQ(holder->line(), "freed");
  EXPECT_EQ(probe->sample(first)->free, 24_GiB - 300_MiB);
  holder->kill();
  EXPECT_EQ(probe->sample(first)->free, 24_GiB);
}

TEST_F(NvmlProbeTest, SeesMemoryOfAKilledProcessOnlyAfterTheDriversLag) {
  gpu.release_lag = std::chrono::hours(1);
  write();
  const auto probe = nvml();
  const auto holder = cuda_child(first.text(), 2_GiB);
  ASSERT_EQ(holder->line(), "ready");
  holder->kill();
  EXPECT_EQ(probe->sample(first)->free, 22_GiB);
  gpu.release_lag = {};
  write();
  EXPECT_EQ(probe->sample(first)->free, 24_GiB);
}

TEST_F(NvmlProbeTest, IsWhatAutoOpensAndAHostWithoutAnyDriverHasNoDevices) {
  ProbeOptions options{{.nvml_path = copy_of(CLAMS_FAKE_NVML)}, "", {}, directory_.path()};
  const auto probe = open_probe({}, options);
  ASSERT_TRUE(probe);
  EXPECT_EQ((*probe)->devices()->size(), 1U);
  EXPECT_EQ((*probe)->driver(), "nvml");
  EXPECT_TRUE((*probe)->sample(first));
  options.environment.nvml_path = "/nowhere/libnvidia-ml.so.1";
  EXPECT_TRUE((*open_probe({}, options))->devices()->empty());
  EXPECT_TRUE((*open_probe({DeviceChoice::Kind::None, {}}, options))->devices()->empty());
}

TEST_F(NvmlProbeTest, AnIllDriverIsNotTakenForNone) {
  gpu.fail("nvmlInit_v2", nvml::kUnknown);
  write();
  const auto probe = open_probe({}, {{.nvml_path = copy_of(CLAMS_FAKE_NVML)}, "", {}, directory_.path()});
  EXPECT_EQ((*probe)->devices().error().native, 999);
  gpu.clear();
  write();
  EXPECT_EQ((*probe)->devices()->size(), 1U);
}

}  // namespace
}  // namespace vram
