#include "monitor_health.hpp"

namespace vram {

std::string MonitorHealth::begins(const std::string& reason) const {
  return "GPU driver " + std::string(probe_->driver()) + " cannot be read: " + reason + "; the last figures serve for " +
         base::to_string(grace_) + ", then requests go by the policy for unknown (--unknown)";
}

void MonitorHealth::report(bool failing, const std::string& reason) {
  std::string line;
  {
    const std::lock_guard lock(mutex_);
    failing_ += failing ? 1 : -1;
    const bool begins_now = failing && failing_ == 1;
    const bool well_now = !failing && failing_ == 0;
    if (begins_now) {
      since_ = clock_.monotonic();
      line = begins(reason);
    } else if (well_now) {
      const auto lasted = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.monotonic() - since_);
      line = "GPU driver " + std::string(probe_->driver()) + " can be read again after " + base::to_string(lasted);
    }
  }
  if (!line.empty()) log_.warning(line);
}

}  // namespace vram
