// From a choice of devices to what reads them, and to what takes their memory.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "vram/device_choice.hpp"
#include "vram/device_environment.hpp"
#include "vram/probe.hpp"

namespace vram {

struct ProbeOptions {
  DeviceEnvironment environment;
  std::string directory;  // of the ledger: where simulated devices keep their state; must exist for them
  base::Logger log;
  std::string sysfs_root = "/sys";
};

// A setting (flag, configuration file) wins over `environment.gpu`; "auto" if neither is given. Error InvalidArgument as
// DeviceChoice::parse.
Result<DeviceChoice> choose_devices(const std::optional<std::string>& setting, const DeviceEnvironment& environment);

// Auto: NVML, else amdgpu, else no devices; which one it is shows at the first devices() call, which asks the drivers. None: a
// probe without devices. Makes no driver call itself, so it cannot hang. Errors only for simulated devices (see
// SimulatedDevices::open).
Result<std::shared_ptr<Probe>> open_probe(const DeviceChoice& choice, const ProbeOptions& options);

// Memory that a process really takes (clams-vram-demo, the conformance suite). Freed when the block goes.
class DeviceBlock {
 public:
  virtual ~DeviceBlock() = default;
};
class DeviceAllocator {
 public:
  virtual ~DeviceAllocator() = default;
  // An empty UUID or a choice without devices: a block of nothing. Error InsufficientMemory: the device does not have the bytes.
  virtual Result<std::unique_ptr<DeviceBlock>> allocate(const DeviceUuid& device, Bytes bytes) = 0;
};
// For the process that uses the device, never the front: with Auto, the first allocation on an NVIDIA device loads the CUDA driver.
Result<std::shared_ptr<DeviceAllocator>> open_allocator(const DeviceChoice& choice, const ProbeOptions& options);

}  // namespace vram
