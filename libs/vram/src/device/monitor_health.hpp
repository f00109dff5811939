// One line when the driver begins to fail and one when it is well again, however many devices and calls are concerned.
#pragma once
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "base/duration.hpp"
#include "base/log.hpp"
#include "vram/probe.hpp"

namespace vram {

class MonitorHealth {
 public:
  MonitorHealth(std::shared_ptr<Probe> probe, base::Logger log, std::chrono::milliseconds grace, const base::Clock& clock)
      : probe_(std::move(probe)), log_(std::move(log)), grace_(grace), clock_(clock) {}

  // Thread-safe: one kind of call has begun to fail, or is well again.
  void report(bool failing, const std::string& reason);

 private:
  std::string begins(const std::string& reason) const;

  const std::shared_ptr<Probe> probe_;
  const base::Logger log_;
  const std::chrono::milliseconds grace_;
  const base::Clock& clock_;
  std::mutex mutex_;
  int failing_ = 0;
  std::chrono::nanoseconds since_{};
};

}  // namespace vram
