#include <mutex>

#include "vram/cuda_driver.hpp"
#include "vram/open_probe.hpp"
#include "vram/simulated_devices.hpp"

namespace vram {
namespace {

template <class Allocation>
class Block final : public DeviceBlock {
 public:
  explicit Block(Allocation allocation) : allocation_(std::move(allocation)) {}

 private:
  Allocation allocation_;
};

template <class Allocation>
Result<std::unique_ptr<DeviceBlock>> as_block(Result<Allocation> allocation) {
  if (!allocation) return std::move(allocation).error();
  return std::unique_ptr<DeviceBlock>(std::make_unique<Block<Allocation>>(std::move(allocation).value()));
}

class NothingAllocator final : public DeviceAllocator {
 public:
  Result<std::unique_ptr<DeviceBlock>> allocate(const DeviceUuid&, Bytes) override {
    return std::unique_ptr<DeviceBlock>(std::make_unique<Block<int>>(0));
  }
};

class SimulatedAllocator final : public DeviceAllocator {
 public:
  explicit SimulatedAllocator(std::shared_ptr<SimulatedDevices> devices) : devices_(std::move(devices)) {}
  Result<std::unique_ptr<DeviceBlock>> allocate(const DeviceUuid& device, Bytes bytes) override {
    if (device.empty()) return NothingAllocator().allocate(device, bytes);
    return as_block(devices_->allocate(device, bytes));
  }

 private:
  std::shared_ptr<SimulatedDevices> devices_;
};

class CudaAllocator final : public DeviceAllocator {
 public:
  explicit CudaAllocator(std::optional<std::string> path) : path_(std::move(path)) {}
  Result<std::unique_ptr<DeviceBlock>> allocate(const DeviceUuid& device, Bytes bytes) override {
    if (device.empty()) return NothingAllocator().allocate(device, bytes);
    if (!device.text().starts_with("GPU-") && !device.text().starts_with("MIG-")) {
      return Error{ErrorCode::Unsupported,
                   "memory of '" + device.text() + "' can only be taken by its own runtime, not through the CUDA driver"};
    }
    BASE_TRY_ASSIGN(auto driver, loaded());
    return as_block(driver->allocate(device, bytes));
  }

 private:
  Result<std::shared_ptr<CudaDriver>> loaded() {
    const std::lock_guard lock(mutex_);  // the first allocation is slow; others need the driver too
    if (!driver_) { BASE_TRY_ASSIGN(driver_, CudaDriver::open(path_)); }
    return driver_;
  }
  const std::optional<std::string> path_;
  std::mutex mutex_;
  std::shared_ptr<CudaDriver> driver_;
};

}  // namespace

Result<std::shared_ptr<DeviceAllocator>> open_allocator(const DeviceChoice& choice, const ProbeOptions& options) {
  if (choice.kind == DeviceChoice::Kind::None) return std::shared_ptr<DeviceAllocator>(std::make_shared<NothingAllocator>());
  if (choice.kind == DeviceChoice::Kind::Auto)
    return std::shared_ptr<DeviceAllocator>(std::make_shared<CudaAllocator>(options.environment.cuda_path));
  BASE_TRY_ASSIGN(auto devices, SimulatedDevices::open(options.directory, choice.simulated));
  return std::shared_ptr<DeviceAllocator>(std::make_shared<SimulatedAllocator>(std::move(devices)));
}

}  // namespace vram
