#include "vram/open_probe.hpp"

#include <atomic>

#include "vram/amdgpu_probe.hpp"
#include "vram/nvml_probe.hpp"
#include "vram/simulated_devices.hpp"

namespace vram {
namespace {

class NoProbe final : public Probe {
 public:
  std::string_view driver() const noexcept override { return "none"; }
  Result<std::vector<DeviceInfo>> devices() override { return std::vector<DeviceInfo>{}; }
  NoDevices why_empty() const override {
    return {"disabled", "no GPU is used, as --gpu none or CLAMS_GPU=none says: apps run on the CPU, and nothing is refused"};
  }
  Result<MemorySample> sample(const DeviceUuid& device) override { return unknown(device); }
  Result<std::vector<ProcessUse>> processes(const DeviceUuid& device) override { return unknown(device); }

 private:
  static Error unknown(const DeviceUuid& device) {
    return {ErrorCode::NotFound, "there is no device '" + device.text() + "': no GPU is used"};
  }
};

// The first driver that has devices. Until then a driver that is ill counts as there: its GPU must not be taken for none.
class FirstDriver final : public Probe {
 public:
  // `unusable`: a driver's library that is there and cannot be used, if any.
  FirstDriver(std::vector<std::shared_ptr<Probe>> candidates, std::optional<Error> unusable)
      : candidates_(std::move(candidates)), unusable_(std::move(unusable)) {}

  std::string_view driver() const noexcept override {
    const Probe* chosen = chosen_.load();
    if (chosen != nullptr) return chosen->driver();
    return candidates_.empty() ? "none" : candidates_.front()->driver();
  }
  Result<std::vector<DeviceInfo>> devices() override {
    if (Probe* chosen = chosen_.load()) return chosen->devices();
    std::optional<Error> ill;
    for (const auto& candidate : candidates_) {
      auto list = candidate->devices();
      if (list && !list->empty()) {
        chosen_.store(candidate.get());
        return list;
      }
      if (!list && !ill) ill = std::move(list).error();
    }
    if (ill) return *ill;
    return std::vector<DeviceInfo>{};
  }
  NoDevices why_empty() const override {
    if (unusable_) return {"driver_error", unusable_->message, unusable_->native};
    for (const auto& candidate : candidates_) {
      NoDevices why = candidate->why_empty();
      if (why.reason != "no_gpu") return why;
    }
    return Probe::why_empty();
  }
  Result<MemorySample> sample(const DeviceUuid& device) override {
    if (Probe* chosen = chosen_.load()) return chosen->sample(device);
    return Error{ErrorCode::Unavailable, "no driver has shown a device yet"};
  }
  Result<std::vector<ProcessUse>> processes(const DeviceUuid& device) override {
    if (Probe* chosen = chosen_.load()) return chosen->processes(device);
    return Error{ErrorCode::Unavailable, "no driver has shown a device yet"};
  }

 private:
  const std::vector<std::shared_ptr<Probe>> candidates_;
  const std::optional<Error> unusable_;
  std::atomic<Probe*> chosen_{nullptr};
};

}  // namespace

Result<DeviceChoice> choose_devices(const std::optional<std::string>& setting, const DeviceEnvironment& environment) {
  if (setting) return DeviceChoice::parse(*setting);
  if (environment.gpu && !environment.gpu->empty()) {
    auto choice = DeviceChoice::parse(*environment.gpu);
    if (!choice) return Error{choice.error().code, "CLAMS_GPU: " + choice.error().message};
    return choice;
  }
  return DeviceChoice{};
}

Result<std::shared_ptr<Probe>> open_probe(const DeviceChoice& choice, const ProbeOptions& options) {
  if (choice.kind == DeviceChoice::Kind::None) return std::shared_ptr<Probe>(std::make_shared<NoProbe>());
  if (choice.kind == DeviceChoice::Kind::Simulated) {
    BASE_TRY_ASSIGN(auto devices, SimulatedDevices::open(options.directory, choice.simulated));
    return make_simulated_probe(std::move(devices));
  }
  std::vector<std::shared_ptr<Probe>> candidates;
  auto nvidia = open_nvml_probe({options.environment, options.log, "/proc/meminfo"});
  std::optional<Error> unusable;
  if (nvidia) {
    candidates.push_back(std::move(nvidia).value());
  } else {
    options.log.debug(nvidia.error().message);
    if (nvidia.error().code != ErrorCode::NotFound) unusable = nvidia.error();
  }
  candidates.push_back(make_amdgpu_probe(options.sysfs_root));
  return std::shared_ptr<Probe>(std::make_shared<FirstDriver>(std::move(candidates), std::move(unusable)));
}

}  // namespace vram
