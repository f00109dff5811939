// Memory of the host, for devices that share it.
#pragma once
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vram {

struct HostMemory {
  base::Bytes total;
  base::Bytes available;  // what can be had without swapping
};
base::Result<HostMemory> read_meminfo(const std::string& path);

}  // namespace vram
