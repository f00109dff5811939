// Where admission gets its devices and readings: DeviceMonitor in programs, a fake in tests.
#pragma once
#include <chrono>
#include <memory>
#include <vector>

#include "vram/device_monitor.hpp"
#include "vram/probe.hpp"

namespace vram {

// Thread-safe. Never waits for the driver longer than its deadline (250 ms). Called without any lock held.
class Sampler {
 public:
  virtual ~Sampler() = default;
  // In index order, without waiting; the first good answer is taken for good. Empty: no GPU, nothing is refused. Error: not known
  // yet, or the driver cannot be read; the policy for unknown applies.
  virtual Result<std::vector<DeviceInfo>> devices() = 0;
  // A sample that was begun at most `max_age` ago; zero: begun after this call. Its `taken_at` must be no later than the moment at
  // which the driver looked: a later one would make bytes count as visible that the driver did not show.
  virtual Reading sample(const DeviceUuid& device, std::chrono::nanoseconds max_age) = 0;
};

std::shared_ptr<Sampler> make_monitor_sampler(std::shared_ptr<DeviceMonitor> monitor);

}  // namespace vram
