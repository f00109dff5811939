// Which devices the variables CUDA_VISIBLE_DEVICES and NVIDIA_VISIBLE_DEVICES leave to a process. NVML ignores both, so whoever
// asks NVML must cut the list itself.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "vram/device_environment.hpp"

namespace vram {

// One GPU, or one MIG slice of it. Handed over in PCI order, the slices of a GPU one after the other in place of their GPU.
struct VisibleCandidate {
  std::string uuid;    // of the GPU ("GPU-…") or of the slice ("MIG-…")
  std::string parent;  // UUID of the GPU a slice lies on; empty for a whole GPU
  int gpu = 0;         // position of the (parent) GPU in PCI order
  int slice = 0;       // number of the slice on its GPU
  std::string name;    // tells whether all GPUs are alike
};

struct VisibleSelection {
  std::vector<std::size_t> chosen;  // positions in the candidates, ascending
  std::vector<std::string> notes;   // for the log: entries that name nothing, an order that cannot be known here
};

// Pure. Rules:
// CUDA_VISIBLE_DEVICES (the driver's): unset = all; set and empty = none; numbers as nvidia-smi counts; UUIDs, also as a unique
// prefix; the first entry that names nothing (or more than one device, or is of another kind than the first) cuts the list there;
// an entry given twice makes the list empty. A GPU in MIG mode stands for all its slices. NVIDIA_VISIBLE_DEVICES (the container
// tools'): unset, empty, "all" = all; "none" = none; numbers, "GPU:SLICE" numbers, UUIDs; entries that name nothing are left out.
// "void" tells the tools to leave the container alone (CDI sets it in containers that do have devices): all that are there. Numbers
// count the host's devices; a list as long as the devices that are there, with a number beyond them, has been applied already. Both
// set: a device must pass both; numbers of CUDA_VISIBLE_DEVICES count what NVIDIA_VISIBLE_DEVICES left.
VisibleSelection select_visible(const std::vector<VisibleCandidate>& candidates, const DeviceEnvironment& environment);

// The entries of both variables that begin with "MIG-": such a device can be asked by its UUID where its GPU may not be opened
// (containers).
std::vector<std::string> mig_entries(const DeviceEnvironment& environment);

}  // namespace vram
