// AMD devices as the kernel shows them in sysfs: no library of the vendor is needed.
#pragma once
#include <memory>
#include <string>

#include "vram/probe.hpp"

namespace vram {

// `sysfs_root` is "/sys" on a real host. UUIDs are "AMD-<pci address>" ("AMD-0000:03:00.0"). A device with little memory of its own
// and at least four times as much GTT (an APU) counts both. Process lists show ROCm compute alone.
std::shared_ptr<Probe> make_amdgpu_probe(std::string sysfs_root = "/sys");

}  // namespace vram
