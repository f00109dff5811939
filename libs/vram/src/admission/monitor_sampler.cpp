#include "vram/sampler.hpp"

namespace vram {
namespace {

class MonitorSampler final : public Sampler {
 public:
  explicit MonitorSampler(std::shared_ptr<DeviceMonitor> monitor) : monitor_(std::move(monitor)) {}
  Result<std::vector<DeviceInfo>> devices() override { return monitor_->devices(); }
  Reading sample(const DeviceUuid& device, std::chrono::nanoseconds max_age) override { return monitor_->sample(device, max_age); }

 private:
  std::shared_ptr<DeviceMonitor> monitor_;
};

}  // namespace

std::shared_ptr<Sampler> make_monitor_sampler(std::shared_ptr<DeviceMonitor> monitor) {
  return std::make_shared<MonitorSampler>(std::move(monitor));
}

}  // namespace vram
