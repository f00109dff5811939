// The file of call counts: 96 records of 64 bytes, a name (56 bytes, zero-padded, empty = end) and a 64-bit count.
#pragma once
#include <atomic>
#include <cstdint>

namespace vram::testing {

struct CallCount {
  char name[56];
  std::atomic<std::uint64_t> count;
};
inline constexpr std::size_t kMostCalls = 96;
static_assert(sizeof(CallCount) == 64);

}  // namespace vram::testing
