// The only one that asks drivers on behalf of decisions. It knows that a driver can be slow, fail, or hang for ever, and that
// nobody may wait for it without a deadline.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/duration.hpp"
#include "base/log.hpp"
#include "vram/probe.hpp"

namespace vram {

struct MonitorOptions {
  std::chrono::milliseconds deadline{250};  // a driver call that takes longer counts as hung
  std::chrono::milliseconds max_age{5};     // how old a shared sample may be, unless the caller says otherwise
  std::chrono::milliseconds grace{5000};    // how long the last good sample stands in for one that cannot be had
  std::chrono::milliseconds refresh{
      2000};                             // background sampling, so that status is fresh and a failing driver is noticed; 0 = none
  std::chrono::milliseconds retry{100};  // pause after the first failure, doubled up to 1 s
  std::chrono::milliseconds replace_after{
      5000};  // a thread that hangs so long is given up for a fresh one (twice that after the twelfth)
  std::chrono::milliseconds first_deadline{
      10000};  // for the list of devices: without persistence mode the first touch of a GPU takes seconds
  std::chrono::milliseconds listing_interval{2000};  // process lists: at most one in this time
};

enum class SampleState {
  Ok,       // as fresh as was asked for
  Stale,    // the driver does not answer now; the last good sample, at most `grace` old
  Unknown,  // no usable figure: neither zero nor infinity, the policy for unknown decides
};
std::string_view name_of(SampleState state) noexcept;  // "ok", "stale", "unknown"

struct Reading {
  SampleState state = SampleState::Unknown;
  MemorySample sample;             // meaningful unless Unknown
  std::chrono::nanoseconds age{};  // of the sample
  std::string reason;              // empty when Ok; else what the driver said or did
};

struct DeviceState {
  DeviceInfo info;
  SampleState state = SampleState::Unknown;
  std::optional<MemorySample> last;  // the last good sample, however old
  std::chrono::nanoseconds age{};    // of `last`
  std::string reason;
};

// Every driver call runs on a thread of the monitor that can be abandoned: one per device for samples, one for the list of devices,
// one per device for process lists (started when first asked). A call that exceeds the deadline opens the circuit of its device:
// from then on nobody waits until a call has ended in time again. Meanwhile the monitor tries in the background, on fresh threads
// if the old ones stay stuck (at most 48). Thread-safe. Not usable in a forked child. No lock is held while a driver is called.
class DeviceMonitor {
 public:
  // Starts asking for the list of devices at once. `clock` (CLOCK_MONOTONIC for ages) must outlive the process's threads: the
  // system clock, or in tests a clock that outlives the monitor.
  static std::shared_ptr<DeviceMonitor> create(std::shared_ptr<Probe> probe, MonitorOptions options = {}, base::Logger log = {},
                                               const base::Clock& clock = base::system_clock());
  // Returns within 100 ms even if the driver hangs; the stuck threads own what they touch.
  ~DeviceMonitor();
  DeviceMonitor(const DeviceMonitor&) = delete;
  DeviceMonitor& operator=(const DeviceMonitor&) = delete;

  std::string_view driver() const noexcept;  // the probe's: "nvml", "amdgpu", "sim", "none"

  // The list as first told by the driver, never waits. Empty: there is no GPU and nothing is constrained. Error: not known yet, or
  // the driver cannot be read; it is tried again in the background, so ask again later. Whether requests pass meanwhile is the
  // policy for unknown.
  Result<std::vector<DeviceInfo>> devices() const;
  // The same, waiting up to `patience` for the first answer: for the start of a program.
  Result<std::vector<DeviceInfo>> wait_for_devices(std::chrono::milliseconds patience) const;

  // Empty: there are devices. Else why there are none, by what is known now: a driver that fails or does not answer is told from no
  // card. Never waits.
  std::optional<NoDevices> why_no_devices() const;

  // Brings the samples of all devices to at most `max_age`, waiting up to `wait` for all of them together: for status pages, which
  // read states() next. A driver that is slower than that is not held to be failing.
  void freshen(std::chrono::nanoseconds max_age, std::chrono::nanoseconds wait) const;

  // A sample that was begun at most `max_age` ago (0: begun after this call). Waits for the driver up to `wait`, and no time at all
  // while the driver is failing or hanging. Calls for the same device share one driver call.
  Reading sample(const DeviceUuid& device, std::chrono::nanoseconds max_age, std::chrono::nanoseconds wait) const;
  Reading sample(const DeviceUuid& device) const { return sample(device, options_.max_age, options_.deadline); }
  Reading sample(const DeviceUuid& device, std::chrono::nanoseconds max_age) const {
    return sample(device, max_age, options_.deadline);
  }

  // For status and metrics: what is known, without touching the driver or waiting for it. In the order of devices().
  std::vector<DeviceState> states() const;

  // The driver's list of processes, not older than `listing_interval`, for display and background readers; never on the request
  // path. Waits up to the deadline.
  Result<std::vector<ProcessUse>> processes(const DeviceUuid& device) const;

 private:
  class Impl;
  DeviceMonitor(std::unique_ptr<Impl> impl, MonitorOptions options);
  std::unique_ptr<Impl> impl_;
  const MonitorOptions options_;
};

}  // namespace vram
