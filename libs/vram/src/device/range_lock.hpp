// Open-file-description locks on one byte. They belong to the description, not to process or thread: the kernel drops them when its
// last descriptor is gone, SIGKILL included, and they cross PID namespaces. Threads that share a description do not exclude each
// other.
#pragma once
#include <cstdint>

#include "base/result.hpp"

namespace vram {

enum class RangeLockKind { Shared, Exclusive };

// True: taken (or converted). False: somebody else has it.
base::Result<bool> try_lock_byte(int fd, std::int64_t byte, RangeLockKind kind);
void unlock_byte(int fd, std::int64_t byte) noexcept;
// Does another description hold this byte? Locks of `fd` itself are not seen. Counts as locked when the kernel cannot tell.
bool is_locked_elsewhere(int fd, std::int64_t byte) noexcept;

}  // namespace vram
