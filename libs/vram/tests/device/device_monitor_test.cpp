#include "vram/device_monitor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "fake_driver_test.hpp"
#include "vram/simulated_devices.hpp"

namespace vram {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr seconds kPatience{30};  // a watchdog, far beyond what anything here takes

bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    if (holds()) return true;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return false;
}

// A driver whose calls can be held back, let go and made to fail.
class FakeProbe final : public Probe {
 public:
  std::string_view driver() const noexcept override { return "nvml"; }
  Result<std::vector<DeviceInfo>> devices() override {
    gate(hold_lists, list_calls);
    const std::lock_guard lock(mutex_);
    if (fail_lists) return Error{ErrorCode::Unavailable, "the list is broken", 999};
    return std::vector<DeviceInfo>{{one, "One", 0, 24_GiB}, {two, "Two", 1, 16_GiB}};
  }
  Result<MemorySample> sample(const DeviceUuid& device) override {
    gate(hold_samples, device == one ? calls_of_one : calls_of_two);
    const std::lock_guard lock(mutex_);
    if (fail_samples && device == one) return Error{ErrorCode::Unavailable, "nvml: code 15 (GPU lost)", 15};
    return MemorySample{24_GiB, free_, base::system_clock().monotonic()};
  }
  Result<std::vector<ProcessUse>> processes(const DeviceUuid&) override {
    ++listings;
    return std::vector<ProcessUse>{{7, 1_GiB, true}};
  }
  void set(bool& flag, bool value) {
    const std::lock_guard lock(mutex_);
    flag = value;
    changed_.notify_all();
  }
  void set_free(Bytes free) {
    const std::lock_guard lock(mutex_);
    free_ = free;
  }
  // Lets everybody who waits now go, and holds those who come later.
  void let_go_once() {
    const std::lock_guard lock(mutex_);
    ++round_;
    changed_.notify_all();
  }

  const DeviceUuid one{"GPU-one"}, two{"GPU-two"};
  bool hold_lists = false, hold_samples = false, fail_lists = false, fail_samples = false;  // through set()
  std::atomic<int> list_calls{0}, calls_of_one{0}, calls_of_two{0}, listings{0}, inside{0};

 private:
  void gate(const bool& held, std::atomic<int>& calls) {
    std::unique_lock lock(mutex_);
    ++calls;
    ++inside;
    const int round = round_;
    changed_.wait(lock, [&] { return !held || round != round_; });
    --inside;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  int round_ = 0;
  Bytes free_ = 20_GiB;
};

class RecordingSink final : public base::LogSink {
 public:
  void write(base::LogLevel, std::string_view, std::string_view message) noexcept override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(message);
  }
  bool enabled(base::LogLevel level) const noexcept override { return level >= base::LogLevel::Warning; }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

class DeviceMonitorTest : public ::testing::Test {
 protected:
  ~DeviceMonitorTest() override {
    probe->set(probe->hold_samples, false);
    probe->set(probe->hold_lists, false);
  }
  // Background sampling is off unless a test wants it, so that calls can be counted.
  static MonitorOptions options() {
    MonitorOptions chosen;
    chosen.deadline = milliseconds(2000);
    chosen.refresh = milliseconds(0);
    return chosen;
  }
  static MonitorOptions hasty() {
    MonitorOptions chosen = options();
    chosen.deadline = milliseconds(400);  // a busy machine answers within that, what is held back does not
    return chosen;
  }
  std::shared_ptr<DeviceMonitor> monitor(MonitorOptions chosen) {
    auto made = DeviceMonitor::create(probe, chosen, base::Logger(sink), clock);
    const auto devices = made->wait_for_devices(kPatience);
    EXPECT_TRUE(devices);
    return made;
  }
  std::shared_ptr<FakeProbe> probe = std::make_shared<FakeProbe>();
  std::shared_ptr<RecordingSink> sink = std::make_shared<RecordingSink>();
  base::FakeClock fake_clock;
  const base::Clock& clock = base::system_clock();
};

TEST_F(DeviceMonitorTest, GivesFreshSamplesAndSharesYoungOnes) {
  const auto m = monitor(options());
  const Reading first = m->sample(probe->one);
  ASSERT_EQ(first.state, SampleState::Ok) << first.reason;
  EXPECT_EQ(first.sample.free, 20_GiB);
  probe->set_free(10_GiB);
  EXPECT_EQ(m->sample(probe->one, hours(1)).sample.free, 20_GiB) << "young enough to be shared";
  EXPECT_EQ(m->sample(probe->one, nanoseconds(0)).sample.free, 10_GiB);
  EXPECT_EQ(probe->calls_of_one, 2);
}

TEST_F(DeviceMonitorTest, FreshenMakesTheSamplesOfAllDevicesYoungForStates) {
  const auto m = monitor(options());
  m->freshen(milliseconds(100), milliseconds(1000));
  ASSERT_EQ(m->states().size(), 2U);
  for (const DeviceState& state : m->states()) EXPECT_EQ(state.last->free, 20_GiB) << state.info.uuid.text();
  probe->set_free(10_GiB);
  m->freshen(hours(1), milliseconds(1000));
  EXPECT_EQ(m->states().front().last->free, 20_GiB) << "young enough";
  m->freshen(nanoseconds(0), milliseconds(1000));
  for (const DeviceState& state : m->states()) EXPECT_EQ(state.last->free, 10_GiB) << state.info.uuid.text();
}

// A status page waits less than a decision: its impatience must not make decisions go by the policy for unknown.
TEST_F(DeviceMonitorTest, FreshenDoesNotCallADriverIllThatIsSlowerThanItsPatience) {
  const auto m = monitor(options());
  m->freshen(nanoseconds(0), milliseconds(1000));
  probe->set(probe->hold_samples, true);
  m->freshen(nanoseconds(0), milliseconds(20));
  for (const DeviceState& state : m->states()) EXPECT_EQ(state.state, SampleState::Ok) << state.reason;
  EXPECT_TRUE(eventually([&] { return probe->inside == 2; })) << "all devices are asked at once";
  probe->set(probe->hold_samples, false);
  EXPECT_EQ(m->sample(probe->one, nanoseconds(0)).state, SampleState::Ok);
  EXPECT_TRUE(sink->lines().empty());
}

TEST_F(DeviceMonitorTest, SaysWhyThereAreNoDevices) {
  probe->set(probe->hold_lists, true);
  const auto m = DeviceMonitor::create(probe, options(), base::Logger(sink), clock);
  ASSERT_TRUE(m->why_no_devices());
  EXPECT_EQ(m->why_no_devices()->reason, "driver_silent");
  probe->set(probe->fail_lists, true);
  probe->set(probe->hold_lists, false);
  EXPECT_TRUE(eventually([&] { return m->why_no_devices()->reason == "driver_error"; }));
  EXPECT_EQ(m->why_no_devices()->code, 999);
  EXPECT_THAT(m->why_no_devices()->message, HasSubstr("the list is broken"));
  probe->set(probe->fail_lists, false);
  EXPECT_TRUE(eventually([&] { return !m->why_no_devices(); }));
}

TEST_F(DeviceMonitorTest, CallersAtTheSameTimeShareOneCall) {
  const auto m = monitor(options());
  probe->set(probe->hold_samples, true);
  std::atomic<int> good{0};
  std::vector<std::thread> callers;
  for (int number = 0; number < 8; ++number) {
    callers.emplace_back([&] { good += m->sample(probe->one, hours(1), kPatience).state == SampleState::Ok ? 1 : 0; });
  }
  ASSERT_TRUE(eventually([&] { return probe->inside == 1; }));
  probe->set(probe->hold_samples, false);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(good, 8);
  EXPECT_LE(probe->calls_of_one, 2);
}

TEST_F(DeviceMonitorTest, ASampleOfAgeZeroIsNotTheOneThatWasUnderWay) {
  const auto m = monitor(options());
  probe->set(probe->hold_samples, true);
  std::thread earlier([&] { (void)m->sample(probe->one, nanoseconds(0), kPatience); });
  ASSERT_TRUE(eventually([&] { return probe->inside == 1; }));
  std::atomic<bool> done{false};
  std::thread later([&] {
    EXPECT_EQ(m->sample(probe->one, nanoseconds(0), kPatience).state, SampleState::Ok);
    done = true;
  });
  std::this_thread::sleep_for(milliseconds(20));  // let it queue
  probe->let_go_once();
  ASSERT_TRUE(eventually([&] { return probe->calls_of_one == 2; }));
  EXPECT_FALSE(done);
  probe->set(probe->hold_samples, false);
  earlier.join();
  later.join();
}

TEST_F(DeviceMonitorTest, AHangingDriverOpensTheCircuitAndNobodyWaitsAnyMore) {
  const auto m = monitor(hasty());
  ASSERT_EQ(m->sample(probe->one).state, SampleState::Ok);
  probe->set(probe->hold_samples, true);
  const Reading stale = m->sample(probe->one, nanoseconds(0));
  EXPECT_EQ(stale.state, SampleState::Stale);
  EXPECT_EQ(stale.sample.free, 20_GiB);
  EXPECT_THAT(stale.reason, HasSubstr("no answer within 400 ms"));
  // With patience for an hour: it would hang here if anybody waited.
  for (int round = 0; round < 100; ++round) EXPECT_EQ(m->sample(probe->one, nanoseconds(0), hours(1)).state, SampleState::Stale);
  EXPECT_EQ(m->states()[0].state, SampleState::Stale);
}

TEST_F(DeviceMonitorTest, AHangIsNoticedInTheBackgroundToo) {
  MonitorOptions chosen = hasty();
  chosen.refresh = milliseconds(1);
  probe->set(probe->hold_samples, true);
  const auto m = monitor(chosen);
  ASSERT_TRUE(eventually([&] { return !sink->lines().empty(); }));
  EXPECT_EQ(m->sample(probe->one, nanoseconds(0), hours(1)).state, SampleState::Unknown) << "there never was a sample";
}

TEST_F(DeviceMonitorTest, RecoversByItselfAndLogsOneLineEachWay) {
  const auto m = monitor(hasty());
  ASSERT_EQ(m->sample(probe->one).state, SampleState::Ok);
  ASSERT_EQ(m->sample(probe->two).state, SampleState::Ok);
  probe->set(probe->hold_samples, true);
  EXPECT_NE(m->sample(probe->one, nanoseconds(0)).state, SampleState::Ok);
  EXPECT_NE(m->sample(probe->two, nanoseconds(0)).state, SampleState::Ok);
  for (int round = 0; round < 20; ++round) (void)m->sample(probe->one, nanoseconds(0));
  ASSERT_TRUE(eventually([&] { return !sink->lines().empty(); }));
  probe->set_free(3_GiB);
  probe->set(probe->hold_samples, false);
  // Nobody asks in between: the monitor tries again on its own.
  ASSERT_TRUE(eventually([&] { return m->states()[0].state == SampleState::Ok && m->states()[1].state == SampleState::Ok; }));
  EXPECT_EQ(m->sample(probe->one, nanoseconds(0)).sample.free, 3_GiB);
  ASSERT_TRUE(eventually([&] { return sink->lines().size() == 2; }));
  EXPECT_THAT(sink->lines()[0], HasSubstr("nvml"));
  EXPECT_THAT(sink->lines()[0], HasSubstr("cannot be read"));
  EXPECT_THAT(sink->lines()[1], HasSubstr("can be read again"));
}

TEST_F(DeviceMonitorTest, AThreadThatStaysStuckIsReplaced) {
  MonitorOptions chosen = hasty();
  chosen.replace_after = milliseconds(10);
  const auto m = monitor(chosen);
  probe->set(probe->hold_samples, true);
  EXPECT_EQ(m->sample(probe->one).state, SampleState::Unknown);
  ASSERT_TRUE(eventually([&] { return probe->calls_of_one >= 3; })) << "fresh threads try, while the old ones are stuck";
  const int stuck = probe->inside;
  EXPECT_GE(stuck, 2);
  probe->set(probe->hold_samples, false);
  EXPECT_TRUE(eventually([&] { return m->sample(probe->one).state == SampleState::Ok; }));
}

TEST_F(DeviceMonitorTest, StuckThreadsAreBounded) {
  MonitorOptions chosen = hasty();
  chosen.deadline = milliseconds(1);
  chosen.replace_after = milliseconds(0);
  const auto m = monitor(chosen);
  probe->set(probe->hold_samples, true);
  (void)m->sample(probe->one);
  ASSERT_TRUE(eventually([&] { return probe->inside >= 49; }));
  std::this_thread::sleep_for(milliseconds(200));  // several ticks more
  EXPECT_EQ(probe->inside, 49);
}

TEST_F(DeviceMonitorTest, DestructionDoesNotWaitForAHangingDriver) {
  auto m = monitor(hasty());
  probe->set(probe->hold_samples, true);
  (void)m->sample(probe->one);
  (void)m->sample(probe->two);
  m.reset();  // a driver that never answers would keep us here for ever
  EXPECT_EQ(probe->inside, 2);
  probe->set(probe->hold_samples, false);
  EXPECT_TRUE(eventually([&] { return probe->inside == 0; }));
  EXPECT_TRUE(eventually([&] { return probe.use_count() == 1; })) << "the threads let go of what they owned";
}

TEST_F(DeviceMonitorTest, ALostDeviceIsUnknownAfterTheGraceAndTheOtherIsWell) {
  MonitorOptions chosen = options();
  chosen.retry = milliseconds(10);
  const auto m = DeviceMonitor::create(probe, chosen, base::Logger(sink), fake_clock);
  ASSERT_TRUE(m->wait_for_devices(kPatience));
  ASSERT_EQ(m->sample(probe->one).state, SampleState::Ok);
  probe->set(probe->fail_samples, true);
  fake_clock.advance(seconds(1));
  const Reading stale = m->sample(probe->one);
  EXPECT_EQ(stale.state, SampleState::Stale);
  EXPECT_EQ(stale.age, seconds(1));
  EXPECT_THAT(stale.reason, HasSubstr("code 15"));
  fake_clock.advance(seconds(5));
  const Reading unknown = m->sample(probe->one);
  EXPECT_EQ(unknown.state, SampleState::Unknown);
  EXPECT_THAT(unknown.reason, HasSubstr("code 15"));
  EXPECT_EQ(m->states()[0].state, SampleState::Unknown);
  EXPECT_EQ(m->states()[0].age, seconds(6));
  EXPECT_TRUE(m->states()[0].last);
  EXPECT_EQ(m->sample(probe->two).state, SampleState::Ok);
  probe->set(probe->fail_samples, false);
  EXPECT_TRUE(eventually([&] {
    fake_clock.advance(milliseconds(100));
    return m->sample(probe->one).state == SampleState::Ok;
  }));
}

TEST_F(DeviceMonitorTest, AFailingDriverIsNotAskedByEveryRequest) {
  const auto m = DeviceMonitor::create(probe, options(), base::Logger(sink), fake_clock);
  ASSERT_TRUE(m->wait_for_devices(kPatience));
  probe->set(probe->fail_samples, true);
  for (int round = 0; round < 50; ++round) {
    EXPECT_EQ(m->sample(probe->one, nanoseconds(0)).state, SampleState::Unknown);
    fake_clock.advance(milliseconds(1));
    std::this_thread::sleep_for(milliseconds(1));  // room for a call that should not be made
  }
  EXPECT_LE(probe->calls_of_one, 2) << "it is tried again after a pause";
}

TEST_F(DeviceMonitorTest, StatusNeverTouchesTheDriver) {
  const auto m = monitor(options());
  ASSERT_EQ(m->states().size(), 2U);
  EXPECT_EQ(m->states()[0].state, SampleState::Unknown);
  EXPECT_EQ(m->states()[0].reason, "not sampled yet");
  EXPECT_EQ(probe->calls_of_one + probe->calls_of_two, 0);
  (void)m->sample(probe->one);
  EXPECT_EQ(m->states()[0].state, SampleState::Ok);
  EXPECT_EQ(m->states()[0].last->free, 20_GiB);
  EXPECT_EQ(probe->calls_of_one, 1);
}

TEST_F(DeviceMonitorTest, ADriverThatIsIllAtTheStartIsTriedUntilItTellsItsDevices) {
  probe->set(probe->fail_lists, true);
  const auto m = DeviceMonitor::create(probe, options(), base::Logger(sink));
  EXPECT_THAT(m->wait_for_devices(kPatience).error().message, HasSubstr("the list is broken"));
  EXPECT_FALSE(m->devices());
  EXPECT_EQ(m->sample(probe->one).state, SampleState::Unknown);
  EXPECT_TRUE(m->states().empty());
  probe->set(probe->fail_lists, false);
  EXPECT_TRUE(eventually([&] { return m->devices().has_value(); }));
  EXPECT_EQ(m->sample(probe->one).state, SampleState::Ok);
}

TEST_F(DeviceMonitorTest, ADriverThatHangsAtTheStartKeepsNobody) {
  probe->set(probe->hold_lists, true);
  const auto m = DeviceMonitor::create(probe, options(), base::Logger(sink));
  EXPECT_EQ(m->wait_for_devices(milliseconds(20)).error().code, ErrorCode::Unavailable);
  EXPECT_FALSE(m->devices());
  EXPECT_EQ(m->sample(probe->one, nanoseconds(0), hours(1)).state, SampleState::Unknown);
  probe->set(probe->hold_lists, false);
  EXPECT_TRUE(m->wait_for_devices(kPatience));
}

TEST_F(DeviceMonitorTest, ProcessesAreListedOnlyWhenAskedAndNotTooOften) {
  const auto m = DeviceMonitor::create(probe, options(), base::Logger(sink), fake_clock);
  ASSERT_TRUE(m->wait_for_devices(kPatience));
  (void)m->sample(probe->one);
  EXPECT_EQ(probe->listings, 0);
  EXPECT_EQ(m->processes(probe->one)->front().pid, 7);
  EXPECT_TRUE(m->processes(probe->one));
  EXPECT_EQ(probe->listings, 1);
  fake_clock.advance(seconds(3));
  EXPECT_TRUE(m->processes(probe->one));
  EXPECT_EQ(probe->listings, 2);
  EXPECT_EQ(m->processes(DeviceUuid("GPU-none")).error().code, ErrorCode::NotFound);
}

TEST_F(DeviceMonitorTest, UnknownDevicesHaveUnknownState) {
  EXPECT_EQ(monitor(options())->sample(DeviceUuid("GPU-none")).state, SampleState::Unknown);
}

class MonitorOverFakeDriver : public FakeDriverTest {
 protected:
  std::shared_ptr<RecordingSink> sink = std::make_shared<RecordingSink>();
};

TEST_F(MonitorOverFakeDriver, SurvivesAHangOfTheRealLibraryInterface) {
  const auto m = DeviceMonitor::create(nvml(), {}, base::Logger(sink));
  ASSERT_TRUE(m->wait_for_devices(kPatience));
  ASSERT_TRUE(eventually([&] { return m->sample(first).state == SampleState::Ok; }));
  gpu.hang("nvmlDeviceGetMemoryInfo*", hours(1));
  gpu.devices[0].others = 7_GiB;
  write();
  ASSERT_TRUE(eventually([&] { return m->sample(first, nanoseconds(0)).state != SampleState::Ok; }));
  gpu.clear();
  write();
  ASSERT_TRUE(eventually([&] { return m->sample(first, nanoseconds(0)).state == SampleState::Ok; }));
  EXPECT_EQ(m->sample(first).sample.free, 17_GiB);
  EXPECT_EQ(gpu.listing_calls(), 0U);
}

TEST_F(MonitorOverFakeDriver, SurvivesCallsThatAreStuckForEver) {
  MonitorOptions options;
  options.replace_after = milliseconds(100);
  const auto m = DeviceMonitor::create(nvml(), options, base::Logger(sink));
  ASSERT_TRUE(m->wait_for_devices(kPatience));
  gpu.hang_fixed("nvmlDeviceGetMemoryInfo*", milliseconds(10000));
  write();
  ASSERT_TRUE(eventually([&] { return m->sample(first, nanoseconds(0)).state != SampleState::Ok; }));
  gpu.clear();
  write();
  EXPECT_TRUE(eventually([&] { return m->sample(first, nanoseconds(0)).state == SampleState::Ok; }));
}

TEST_F(MonitorOverFakeDriver, SurvivesAHangInTheDriversFirstCall) {
  gpu.hang("nvmlInit_v2", hours(1));
  write();
  const auto m = DeviceMonitor::create(nvml(), {}, base::Logger(sink));
  EXPECT_FALSE(m->wait_for_devices(milliseconds(50)));
  gpu.clear();
  write();
  EXPECT_TRUE(m->wait_for_devices(kPatience));
}

TEST_F(MonitorOverFakeDriver, SeesASimulatedDeviceHangAndComeBack) {
  const auto devices = SimulatedDevices::open(directory_.path(), {4_GiB});
  ASSERT_TRUE(devices);
  const DeviceUuid sim = (*devices)->devices()[0].uuid;
  const auto m = DeviceMonitor::create(make_simulated_probe(*devices), {}, base::Logger(sink));
  ASSERT_TRUE(m->wait_for_devices(kPatience));
  ASSERT_TRUE((*devices)->set_hang(sim, hours(1)));
  ASSERT_TRUE(eventually([&] { return m->sample(sim, nanoseconds(0)).state != SampleState::Ok; }));
  ASSERT_TRUE((*devices)->clear(sim));
  EXPECT_TRUE(eventually([&] { return m->sample(sim, nanoseconds(0)).state == SampleState::Ok; }));
}

}  // namespace
}  // namespace vram
