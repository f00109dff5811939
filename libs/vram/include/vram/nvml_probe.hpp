// NVIDIA devices as the driver's management library shows them. It creates no CUDA context and never touches libcuda.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "vram/device_environment.hpp"
#include "vram/probe.hpp"

namespace vram {

namespace nvml {
struct Api;
}

struct NvmlOptions {
  DeviceEnvironment environment;  // nvml_path, and the variables that cut the list of devices
  base::Logger log;
  std::string meminfo_path = "/proc/meminfo";  // memory of devices that have none of their own (SoC)
};

// Loads the library of `environment.nvml_path`, else that of WSL, else libnvidia-ml.so.1. No driver call is made yet: the library
// is initialised once per process, at the first call of the probe, and never shut down nor unloaded. Error NotFound: there is no
// such library (no NVIDIA driver here); Unsupported: it lacks functions that every NVML has. The probe's devices() is empty when
// the driver is not loaded or there is no NVIDIA GPU.
Result<std::shared_ptr<Probe>> open_nvml_probe(NvmlOptions options);

// Over a given table of functions (tests).
std::shared_ptr<Probe> make_nvml_probe(const nvml::Api& api, NvmlOptions options);

}  // namespace vram
