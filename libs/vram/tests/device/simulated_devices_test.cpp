#include "vram/simulated_devices.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/duration.hpp"
#include "base/files.hpp"
#include "temporary_directory.hpp"
#include "vram/open_probe.hpp"
#include "vram/testing/holder.hpp"

namespace vram {
namespace {

using base::literals::operator""_GiB;
using base::literals::operator""_MiB;
using std::chrono::milliseconds;
using std::chrono::seconds;

class SimulatedDevicesTest : public ::testing::Test {
 protected:
  std::shared_ptr<SimulatedDevices> open(std::vector<Bytes> sizes = {4_GiB, 2_GiB}) {
    auto opened = SimulatedDevices::open(directory_.path(), sizes);
    if (!opened) {
      ADD_FAILURE() << opened.error().message;
      return nullptr;
    }
    return *opened;
  }
  std::unique_ptr<testing::Holder> child(const DeviceUuid& device, Bytes bytes) {
    return std::make_unique<testing::Holder>(
        VRAM_CONFORMANCE,
        std::vector<std::string>{"--hold", "sim:4GiB,sim:2GiB", directory_.path(), device.text(), std::to_string(bytes.count())});
  }
  static Bytes free_of(SimulatedDevices& devices, const DeviceUuid& device) {
    const auto sample = devices.sample(device);
    return sample ? sample->free : Bytes();
  }
  TemporaryDirectory directory_;
};

TEST_F(SimulatedDevicesTest, HaveUuidsThatFollowFromIndexAndSize) {
  const auto devices = open();
  ASSERT_EQ(devices->devices().size(), 2U);
  EXPECT_EQ(devices->devices()[0].uuid.text(), "SIM-0-4294967296");
  EXPECT_EQ(devices->devices()[1].uuid.text(), "SIM-1-2147483648");
  EXPECT_EQ(devices->devices()[1].index, 1);
  EXPECT_EQ(devices->devices()[0].name, "Simulated GPU");
}

TEST_F(SimulatedDevicesTest, AllocationsLowerTheFreeFigureForEverybodyAndComeBack) {
  const auto one = open(), other = open();
  const DeviceUuid gpu = one->devices()[0].uuid;
  {
    const auto held = one->allocate(gpu, 3_GiB);
    ASSERT_TRUE(held);
    EXPECT_EQ(free_of(*other, gpu), 1_GiB);
    EXPECT_EQ(free_of(*other, one->devices()[1].uuid), 2_GiB);
  }
  EXPECT_EQ(free_of(*other, gpu), 4_GiB);
}

TEST_F(SimulatedDevicesTest, RefuseWhatIsNotFree) {
  const auto one = open(), other = open();
  const DeviceUuid gpu = one->devices()[0].uuid;
  const auto held = one->allocate(gpu, 3_GiB);
  const auto refused = other->allocate(gpu, 2_GiB);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::InsufficientMemory);
  EXPECT_EQ(free_of(*one, gpu), 1_GiB);
  EXPECT_TRUE(other->allocate(gpu, 1_GiB));
  EXPECT_FALSE(other->allocate(gpu, Bytes::max()));
}

TEST_F(SimulatedDevicesTest, GiveBackTheMemoryOfAKilledProcess) {
  const auto devices = open();
  const DeviceUuid gpu = devices->devices()[0].uuid;
  const auto holder = child(gpu, 3_GiB);
  ASSERT_EQ(holder->line(), "ready");
  EXPECT_EQ(free_of(*devices, gpu), 1_GiB);
  ASSERT_EQ(devices->snapshot()[0].processes.size(), 1U);
  EXPECT_EQ(devices->snapshot()[0].processes[0].pid, holder->pid());
  holder->kill();
  EXPECT_EQ(free_of(*devices, gpu), 4_GiB);
  EXPECT_TRUE(devices->snapshot()[0].processes.empty());
  EXPECT_TRUE(devices->allocate(gpu, 4_GiB));
}

TEST_F(SimulatedDevicesTest, NeverHandOutMoreThanThereIsToManyProcesses) {
  const auto devices = open();
  const DeviceUuid gpu = devices->devices()[0].uuid;
  std::vector<std::unique_ptr<testing::Holder>> holders;
  for (int number = 0; number < 8; ++number) holders.push_back(child(gpu, 1_GiB));
  int ready = 0;
  for (const auto& holder : holders) ready += holder->line() == "ready" ? 1 : 0;
  EXPECT_EQ(ready, 4);
  EXPECT_EQ(free_of(*devices, gpu), Bytes());
}

TEST_F(SimulatedDevicesTest, KeepTheFigureDownForTheReleaseLag) {
  const auto devices = open();
  const DeviceUuid gpu = devices->devices()[0].uuid;
  ASSERT_TRUE(devices->set_release_lag(gpu, seconds(3600)));
  { const auto held = devices->allocate(gpu, 1_GiB); }
  EXPECT_EQ(free_of(*devices, gpu), 3_GiB);
  const auto holder = child(gpu, 1_GiB);
  ASSERT_EQ(holder->line(), "ready");
  holder->kill();
  EXPECT_EQ(free_of(*devices, gpu), 2_GiB);
  EXPECT_FALSE(devices->allocate(gpu, 3_GiB)) << "the card does not have it back yet";
  ASSERT_TRUE(devices->set_release_lag(gpu, milliseconds(0)));
  EXPECT_EQ(free_of(*devices, gpu), 3_GiB) << "that of the killed process";
}

TEST_F(SimulatedDevicesTest, RefuseAnotherListWhileTheOldOneIsUsed) {
  auto devices = open();
  const auto refused = SimulatedDevices::open(directory_.path(), {8_GiB});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Configuration);
  EXPECT_NE(refused.error().message.find("sim:4GiB,sim:2GiB"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("sim:8GiB"), std::string::npos);
  devices.reset();
  EXPECT_TRUE(SimulatedDevices::open(directory_.path(), {8_GiB})) << "nobody uses the old list any more";
}

TEST_F(SimulatedDevicesTest, RefuseAFileThatIsSomethingElse) {
  ASSERT_TRUE(base::write_file_atomically(directory_.path() + "/sim-devices", "hello"));
  const auto refused = SimulatedDevices::open(directory_.path(), {1_GiB});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Configuration);
  EXPECT_FALSE(SimulatedDevices::open(directory_.path() + "/absent", {1_GiB}));
}

TEST_F(SimulatedDevicesTest, FailAsTheyAreTold) {
  const auto devices = open();
  const DeviceUuid gpu = devices->devices()[0].uuid;
  ASSERT_TRUE(devices->set_fault(gpu, SimulatedFault::Sample));
  EXPECT_EQ(devices->sample(gpu).error().code, ErrorCode::Unavailable);
  EXPECT_TRUE(devices->sample(devices->devices()[1].uuid)) << "the other device is well";
  ASSERT_TRUE(devices->set_fault(gpu, SimulatedFault::Allocate));
  EXPECT_TRUE(devices->sample(gpu));
  EXPECT_EQ(devices->allocate(gpu, 1_MiB).error().code, ErrorCode::InsufficientMemory);
  ASSERT_TRUE(devices->set_fault(gpu, SimulatedFault::Lost));
  EXPECT_FALSE(devices->sample(gpu));
  EXPECT_FALSE(devices->allocate(gpu, 1_MiB));
  EXPECT_EQ(devices->snapshot()[0].fault, SimulatedFault::Lost);
  ASSERT_TRUE(devices->set_fault(gpu, SimulatedFault::Lost, milliseconds(0)));
  EXPECT_TRUE(devices->sample(gpu)) << "its time is over";
  ASSERT_TRUE(devices->clear(gpu));
  EXPECT_TRUE(devices->allocate(gpu, 1_MiB));
}

TEST_F(SimulatedDevicesTest, HangUntilTheHangIsTakenAway) {
  const auto devices = open();
  const DeviceUuid gpu = devices->devices()[0].uuid;
  ASSERT_TRUE(devices->set_hang(gpu, seconds(3600)));
  EXPECT_GT(devices->snapshot()[0].hang_left, seconds(3000)) << "the snapshot does not hang";
  std::atomic<bool> answered{false};
  std::thread asking([&] { answered = devices->sample(gpu).has_value(); });
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_FALSE(answered);
  ASSERT_TRUE(devices->clear(gpu));
  asking.join();
  EXPECT_TRUE(answered);
}

TEST_F(SimulatedDevicesTest, FreeWhatStrangersTookAndNothingElse) {
  const auto ours = open(), stranger = open();
  const DeviceUuid gpu = ours->devices()[0].uuid;
  const auto held = ours->allocate(gpu, 1_GiB);
  const auto taken = stranger->take(gpu, 2_GiB);
  ASSERT_TRUE(held && taken);
  EXPECT_TRUE(taken->still_held());
  ASSERT_TRUE(ours->free_taken(gpu));
  EXPECT_FALSE(taken->still_held());
  EXPECT_TRUE(held->still_held());
  EXPECT_EQ(free_of(*ours, gpu), 3_GiB);
}

TEST_F(SimulatedDevicesTest, FaultNamesAreReadBack) {
  for (const char* name : {"none", "sample", "lost", "allocate"}) EXPECT_EQ(name_of(*parse_simulated_fault(name)), name);
  EXPECT_NE(parse_simulated_fault("explode").error().message.find("none, sample, lost, allocate"), std::string::npos);
}

TEST_F(SimulatedDevicesTest, AForkedChildNeitherGivesBackNorKeepsAliveWhatItsParentHolds) {
  const auto watcher = open();
  const DeviceUuid gpu = watcher->devices()[0].uuid;
  int hold_on[2];
  ASSERT_EQ(::pipe(hold_on), 0);
  // A middle process holds memory and forks a grandchild that outlives it.
  const pid_t middle = ::fork();
  if (middle == 0) {
    std::vector<base::Result<std::shared_ptr<SimulatedDevices>>> many;  // one of many that a process has open
    for (int i = 0; i < 70; ++i) many.push_back(SimulatedDevices::open(directory_.path(), {4_GiB, 2_GiB}));
    auto devices = SimulatedDevices::open(directory_.path(), {4_GiB, 2_GiB});
    auto held = (*devices)->allocate(gpu, 1_GiB);
    if (::fork() == 0) {
      const bool refused = !(*devices)->allocate(gpu, 1_MiB);
      held->reset();  // must change nothing
      char letter = refused ? 'r' : 'a';
      (void)!::write(hold_on[1], &letter, 1);
      ::pause();
    }
    ::pause();
  }
  char letter = 0;
  ASSERT_EQ(::read(hold_on[0], &letter, 1), 1);
  EXPECT_EQ(letter, 'r');
  EXPECT_EQ(free_of(*watcher, gpu), 3_GiB);
  const auto grandchildren = base::read_file("/proc/" + std::to_string(middle) + "/task/" + std::to_string(middle) + "/children");
  ::kill(middle, SIGKILL);
  ::waitpid(middle, nullptr, 0);
  EXPECT_EQ(free_of(*watcher, gpu), 4_GiB) << "the grandchild still lives";
  if (grandchildren) ::kill(static_cast<pid_t>(std::stoi(*grandchildren)), SIGKILL);
  ::close(hold_on[0]);
  ::close(hold_on[1]);
}

TEST_F(SimulatedDevicesTest, AreReachedThroughOpenProbeAndOpenAllocator) {
  const ProbeOptions options{{}, directory_.path(), {}, "/sys"};
  const auto choice = *DeviceChoice::parse("sim:4GiB");
  const auto probe = open_probe(choice, options);
  const auto allocator = open_allocator(choice, options);
  ASSERT_TRUE(probe && allocator);
  const auto devices = (*probe)->devices();
  const auto block = (*allocator)->allocate(devices->front().uuid, 1_GiB);
  ASSERT_TRUE(block);
  EXPECT_EQ((*probe)->sample(devices->front().uuid)->free, 3_GiB);
  EXPECT_EQ((*allocator)->allocate(devices->front().uuid, 4_GiB).error().code, ErrorCode::InsufficientMemory);
  EXPECT_TRUE((*allocator)->allocate(DeviceUuid(), 4_GiB)) << "without a device nothing is taken";
}

}  // namespace
}  // namespace vram
