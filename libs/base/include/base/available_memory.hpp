// How much memory this process may use.
#pragma once
#include <string>

#include "base/bytes.hpp"

namespace base {

struct AvailableMemory {
  Bytes bytes;        // the smallest of all that limits it
  Bytes machine;      // what there is; Bytes::max() where the kernel does not say
  std::string limit;  // what keeps it below the machine's: "memory.max of the control group /a"; empty: nothing does
};

// The machine's memory (/proc/meminfo), or less: memory.max and memory.high of version 2 and memory.limit_in_bytes of version 1, of
// the process's control group and of those above it (control_groups.hpp), and the limit on its address space (ulimit -v). What
// cannot be read is left out. `root` replaces "/" in every path (tests).
AvailableMemory available_memory(const std::string& root = {});

}  // namespace base
