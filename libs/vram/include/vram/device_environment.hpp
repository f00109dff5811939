// What the surroundings of a process say about devices. Libraries are handed this; only programs read it from the environment.
#pragma once
#include <optional>
#include <string>

namespace vram {

struct DeviceEnvironment {
  std::optional<std::string> nvml_path = {};               // VRAM_NVML_PATH: the library to load instead of libnvidia-ml.so.1
  std::optional<std::string> cuda_path = {};               // VRAM_CUDA_PATH: the library to load instead of libcuda.so.1
  std::optional<std::string> gpu = {};                     // CLAMS_GPU: as --gpu, see DeviceChoice
  std::optional<std::string> cuda_visible_devices = {};    // CUDA_VISIBLE_DEVICES; set and empty means no device
  std::optional<std::string> nvidia_visible_devices = {};  // NVIDIA_VISIBLE_DEVICES
  std::optional<std::string> cuda_device_order = {};       // CUDA_DEVICE_ORDER

  // Reads the environment of this process: for `main` functions, before they start threads.
  static DeviceEnvironment from_environment();
};

}  // namespace vram
