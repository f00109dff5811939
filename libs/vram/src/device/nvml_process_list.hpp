// Process lists of NVML in their several forms, merged to one line per process.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "nvml_api.hpp"
#include "vram/probe.hpp"

namespace vram::nvml {

class ProcessMerge {
 public:
  // A process in several lists has one memory: the largest figure counts.
  void add(std::uint32_t pid, std::uint64_t bytes);
  std::vector<ProcessUse> result() const;

 private:
  std::map<std::uint32_t, ProcessUse> by_pid_;
};

// Adds the newest form of a list that the library has. kFunctionNotFound: it has none.
int list_processes(const Api& api, const Api::ProcessLists& lists, Device device, ProcessMerge& merge);

}  // namespace vram::nvml
