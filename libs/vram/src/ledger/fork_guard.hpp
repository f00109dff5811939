// What must not survive fork in a child that does not exec: descriptors that carry locks. An inherited descriptor keeps the
// parent's life token alive after the parent's death, and an unlock in the child would take the parent's lock away; closing does
// neither harm.
#pragma once
#include <atomic>
#include <cstdint>

namespace vram {

// Registers a descriptor for closing in forked children. `forked` (optional) is set to true there first. Move-free; lives as long
// as the descriptor.
class ForkGuard {
 public:
  explicit ForkGuard(int fd, std::atomic<bool>* forked = nullptr);
  ~ForkGuard();
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;

 private:
  std::uint64_t id_;
};

}  // namespace vram
