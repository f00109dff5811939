#include "clams/gpu_memory.hpp"
#include "gpu_state.hpp"

namespace clams {
namespace {

// "GPU 0 NVIDIA H100 (79.65 GiB, headroom 7.96 GiB)"
std::string device_text(const vram::DeviceInfo& device, const vram::Headroom& headroom) {
  return "GPU " + std::to_string(device.index) + " " + device.name + " (" + base::to_string(device.total) + ", headroom " +
         base::to_string(headroom.of(device.total)) + ")";
}

}  // namespace

std::string GpuMemory::start_line() const {
  const GpuMemoryState& s = *state_;
  std::string line;
  for (const auto& device : s.monitor->states())
    line += (line.empty() ? "" : ", ") + device_text(device.info, s.options.admission.headroom);
  if (line.empty()) return line;
  line += s.ledger ? "; ledger " + s.ledger->path() + " (" + std::string(vram::to_string(s.scope)) + ")" : "; no ledger";
  return line + (s.options.profile_root.empty() ? "; what runs need is kept in memory only"
                                                : "; what runs need is kept in " + s.options.profile_root);
}

}  // namespace clams
