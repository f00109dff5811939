// Open-file-description byte-range locks (fcntl(2), F_OFD_*): dropped by the kernel when the last descriptor of the description is
// closed, SIGKILL included; they cross PID namespaces. They do not exclude threads that share a description.
#pragma once
#include <cstdint>

#include "base/result.hpp"

namespace vram::ofd {

enum class Mode { Shared, Exclusive };

// True: taken. False: someone else has it. Error Unsupported: this file system has no such locks.
base::Result<bool> try_lock(int fd, std::uint64_t offset, std::uint64_t length = 1, Mode mode = Mode::Exclusive) noexcept;
void unlock(int fd, std::uint64_t offset, std::uint64_t length = 1) noexcept;
// True when another description holds the byte in any way. A byte that `fd` itself holds reads as free: nobody probes an own token.
base::Result<bool> held_by_other(int fd, std::uint64_t offset, std::uint64_t length = 1) noexcept;

}  // namespace vram::ofd
