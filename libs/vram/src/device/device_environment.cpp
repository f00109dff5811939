#include "vram/device_environment.hpp"

#include <cstdlib>

namespace vram {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

}  // namespace

DeviceEnvironment DeviceEnvironment::from_environment() {
  return {.nvml_path = variable("VRAM_NVML_PATH"),
          .cuda_path = variable("VRAM_CUDA_PATH"),
          .gpu = variable("CLAMS_GPU"),
          .cuda_visible_devices = variable("CUDA_VISIBLE_DEVICES"),
          .nvidia_visible_devices = variable("NVIDIA_VISIBLE_DEVICES"),
          .cuda_device_order = variable("CUDA_DEVICE_ORDER")};
}

}  // namespace vram
