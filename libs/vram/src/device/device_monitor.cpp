#include "vram/device_monitor.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "driver_lane.hpp"
#include "monitor_health.hpp"

namespace vram {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

using ListLane = DriverLane<std::vector<DeviceInfo>>;
using SampleLane = DriverLane<MemorySample>;
using ProcessLane = DriverLane<std::vector<ProcessUse>>;

constexpr milliseconds kTickWhenWell{250};
constexpr milliseconds kTickWhenFailing{50};

struct DeviceLanes {
  DeviceInfo info;
  std::unique_ptr<SampleLane> samples;
  std::unique_ptr<ProcessLane> processes;
};

std::string reason_of(const SampleLane::View& view) {
  if (view.error) return view.error->message;
  return "the driver has not answered in time";
}

SampleState state_without_driver(const SampleLane::View& view, nanoseconds age, milliseconds grace) {
  return view.value && age <= grace ? SampleState::Stale : SampleState::Unknown;
}

}  // namespace

std::string_view name_of(SampleState state) noexcept {
  switch (state) {
    case SampleState::Ok: return "ok";
    case SampleState::Stale: return "stale";
    case SampleState::Unknown: break;
  }
  return "unknown";
}

class DeviceMonitor::Impl {
 public:
  Impl(std::shared_ptr<Probe> probe, MonitorOptions options, base::Logger log, const base::Clock& clock)
      : probe_(std::move(probe)),
        options_(options),
        clock_(clock),
        health_(std::make_shared<MonitorHealth>(probe_, std::move(log), options.grace, clock)),
        list_([probe = probe_] { return probe->devices(); }, list_options(), clock, listener()) {
    keeper_ = std::thread([this] { keep(); });
  }
  ~Impl() {
    {
      const std::lock_guard lock(keeper_mutex_);
      stop_ = true;
    }
    keeper_wake_.notify_all();
    keeper_.join();  // it never calls the driver
  }

  std::string_view driver() const noexcept { return probe_->driver(); }

  Result<std::vector<DeviceInfo>> devices(nanoseconds patience) {
    const ListLane::View view = patience > nanoseconds{} ? list_.ask(nanoseconds{}, patience) : list_.view();
    adopt(view);  // before anybody can ask for a sample of what is returned here
    if (view.value) return *view.value;
    if (view.error) return *view.error;
    return Error{ErrorCode::Unavailable,
                 "GPU driver " + std::string(driver()) + " has not told its devices yet; try again in a moment"};
  }

  std::optional<NoDevices> why_no_devices() {
    const ListLane::View view = list_.view();
    if (view.value && !view.value->empty()) return std::nullopt;
    if (view.value) return probe_->why_empty();
    const bool silent = !view.error || view.error->code == ErrorCode::Timeout;
    const auto told = devices({});
    return NoDevices{silent ? "driver_silent" : "driver_error", told.error().message, told.error().native};
  }

  const base::Clock& clock() const { return clock_; }

  // The lanes of a device, or null. They live as long as this object.
  DeviceLanes* lanes(const DeviceUuid& device) {
    adopt_what_is_told();
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(devices_.begin(), devices_.end(), [&](const auto& one) { return one->info.uuid == device; });
    return found == devices_.end() ? nullptr : found->get();
  }
  std::vector<DeviceLanes*> all() {
    adopt_what_is_told();
    const std::lock_guard lock(mutex_);
    std::vector<DeviceLanes*> list;
    for (const auto& one : devices_) list.push_back(one.get());
    return list;
  }

 private:
  LaneOptions list_options() const {
    return {"list of devices", options_.first_deadline, nanoseconds{}, options_.retry, options_.replace_after};
  }
  SampleLane::Listener listener() const {
    return [health = health_](bool failing, const std::string& reason) { health->report(failing, reason); };
  }

  void adopt_what_is_told() {
    if (!adopted_.load()) adopt(list_.view());
  }
  // The first list the driver tells is the list: each of its devices gets its lanes.
  void adopt(const ListLane::View& view) {
    if (adopted_.load() || !view.value) return;
    const std::lock_guard lock(mutex_);
    if (adopted_.load()) return;
    for (const DeviceInfo& info : *view.value) {
      auto lanes = std::make_unique<DeviceLanes>();
      lanes->info = info;
      lanes->samples = std::make_unique<SampleLane>(
          [probe = probe_, uuid = info.uuid] { return probe->sample(uuid); },
          LaneOptions{"memory of " + info.uuid.text(), options_.deadline, options_.refresh, options_.retry, options_.replace_after},
          clock_, listener());
      // Failing lists are told to the one who asks, not to the log.
      lanes->processes = std::make_unique<ProcessLane>(
          [probe = probe_, uuid = info.uuid] { return probe->processes(uuid); },
          LaneOptions{"processes on " + info.uuid.text(), options_.deadline, nanoseconds{}, nanoseconds{}, options_.replace_after},
          clock_, nullptr);
      devices_.push_back(std::move(lanes));
    }
    adopted_.store(true);
  }

  void keep() {
    (void)list_.ask(nanoseconds{}, nanoseconds{});
    std::unique_lock lock(keeper_mutex_);
    while (!stop_) {
      lock.unlock();
      const bool failing = tick();
      if (adopted_.load() && all().empty()) return;  // no GPU: nothing to keep
      lock.lock();
      keeper_wake_.wait_for(lock, failing ? kTickWhenFailing : kTickWhenWell, [&] { return stop_; });
    }
  }

  bool tick() {
    if (!adopted_.load()) list_.tick();
    adopt_what_is_told();
    bool failing = list_.view().failing || !adopted_.load();
    for (DeviceLanes* device : all()) {
      device->samples->tick();
      device->processes->tick();
      failing = failing || device->samples->view().failing;
    }
    return failing;
  }

  const std::shared_ptr<Probe> probe_;
  const MonitorOptions options_;
  const base::Clock& clock_;
  const std::shared_ptr<MonitorHealth> health_;
  ListLane list_;
  std::mutex mutex_;  // for devices_, which only grows once
  std::vector<std::unique_ptr<DeviceLanes>> devices_;
  std::atomic<bool> adopted_{false};
  std::mutex keeper_mutex_;
  std::condition_variable keeper_wake_;
  bool stop_ = false;
  std::thread keeper_;
};

DeviceMonitor::DeviceMonitor(std::unique_ptr<Impl> impl, MonitorOptions options) : impl_(std::move(impl)), options_(options) {}
DeviceMonitor::~DeviceMonitor() = default;

std::shared_ptr<DeviceMonitor> DeviceMonitor::create(std::shared_ptr<Probe> probe, MonitorOptions options, base::Logger log,
                                                     const base::Clock& clock) {
  auto impl = std::make_unique<Impl>(std::move(probe), options, std::move(log), clock);
  return std::shared_ptr<DeviceMonitor>(new DeviceMonitor(std::move(impl), options));
}

std::string_view DeviceMonitor::driver() const noexcept { return impl_->driver(); }

Result<std::vector<DeviceInfo>> DeviceMonitor::devices() const { return impl_->devices({}); }

Result<std::vector<DeviceInfo>> DeviceMonitor::wait_for_devices(milliseconds patience) const { return impl_->devices(patience); }

std::optional<NoDevices> DeviceMonitor::why_no_devices() const { return impl_->why_no_devices(); }

void DeviceMonitor::freshen(nanoseconds max_age, nanoseconds wait) const {
  const nanoseconds begun = impl_->clock().monotonic();
  const nanoseconds not_before = begun - max_age;
  const auto lanes = impl_->all();
  // All drivers are asked at once, then each is waited for.
  for (DeviceLanes* device : lanes) (void)device->samples->ask(not_before, nanoseconds{});
  const nanoseconds patience = std::min<nanoseconds>(wait, options_.deadline / 2);  // shorter than what counts as hung
  for (DeviceLanes* device : lanes) {
    const nanoseconds left = std::max(begun + patience - impl_->clock().monotonic(), nanoseconds{});
    (void)device->samples->ask(not_before, left);
  }
}

Reading DeviceMonitor::sample(const DeviceUuid& device, nanoseconds max_age, nanoseconds wait) const {
  DeviceLanes* lanes = impl_->lanes(device);
  if (lanes == nullptr) return {SampleState::Unknown, {}, {}, "the driver has shown no device '" + device.text() + "'"};
  const nanoseconds not_before = impl_->clock().monotonic() - max_age;
  const SampleLane::View view = lanes->samples->ask(not_before, wait);
  const nanoseconds age = impl_->clock().monotonic() - view.begun;
  if (view.value && view.begun >= not_before) return {SampleState::Ok, *view.value, age, ""};
  const SampleState state = state_without_driver(view, age, options_.grace);
  if (state == SampleState::Unknown) return {state, {}, {}, reason_of(view)};
  return {state, *view.value, age, reason_of(view)};
}

std::vector<DeviceState> DeviceMonitor::states() const {
  std::vector<DeviceState> list;
  for (DeviceLanes* lanes : impl_->all()) {
    const SampleLane::View view = lanes->samples->view();
    DeviceState state{lanes->info, SampleState::Unknown, view.value, {}, ""};
    if (view.value) state.age = impl_->clock().monotonic() - view.begun;
    if (!view.failing && view.value)
      state.state = SampleState::Ok;
    else
      state.state = state_without_driver(view, state.age, options_.grace);
    if (state.state != SampleState::Ok) state.reason = view.error ? view.error->message : "not sampled yet";
    list.push_back(std::move(state));
  }
  return list;
}

Result<std::vector<ProcessUse>> DeviceMonitor::processes(const DeviceUuid& device) const {
  DeviceLanes* lanes = impl_->lanes(device);
  if (lanes == nullptr) return Error{ErrorCode::NotFound, "the driver has shown no device '" + device.text() + "'"};
  const nanoseconds not_before = impl_->clock().monotonic() - options_.listing_interval;
  const ProcessLane::View view = lanes->processes->ask(not_before, options_.deadline);
  if (view.value && view.begun >= not_before) return *view.value;
  if (view.error) return *view.error;
  return Error{ErrorCode::Timeout, "the driver did not list the processes on " + device.text() + " in time"};
}

}  // namespace vram
