// How much memory this process may use.
#pragma once
#include <string>

#include "base/bytes.hpp"

namespace base {

// The machine's memory, or less where a control group (version 2, or version 1's memory controller) says so: the smallest limit of
// the process's group and those above it. What cannot be read is left out. The folders are for tests.
Bytes usable_memory(const std::string& proc = "/proc", const std::string& cgroups = "/sys/fs/cgroup");

}  // namespace base
