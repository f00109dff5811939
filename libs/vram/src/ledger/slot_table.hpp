// Claiming slots, and what is done about slots whose owner died.
#pragma once
#include <cstdint>
#include <string_view>

#include "ledger/core.hpp"

namespace vram::slot_table {

inline bool is_claimed(std::uint64_t generation) noexcept { return (generation & 1U) != 0; }

struct ClaimOptions {
  int token_fd = -1;  // whose description takes the token
  bool worker = false;
  std::string_view app;
  std::int64_t pid = 0;
  std::uint64_t start_ns = 0;
};
// The lowest free slot: token taken on `token_fd`, words zero, generation odd. A worker's slot is pinned on core.fd() as well.
// Error QueueFull when there is none.
base::Result<std::uint32_t> claim(LedgerCore& core, const ClaimOptions& options);

// Ends an own slot: words zero, generation even, token and pin given back.
void end_own(LedgerCore& core, std::uint32_t slot);
// This process accounts for the worker's slot no longer. Others may reuse the slot once the worker is dead and drained.
void unpin(LedgerCore& core, std::uint32_t slot);

// Stores the time of death when nobody holds the slot's token. True when the slot is dead (now or before). Never asks about an own
// token.
bool mark_if_dead(LedgerCore& core, std::uint32_t slot);
// REQUIRES: the device's lock. The dead slot's bytes on this device are back: it counts no more.
void bury(LedgerCore& core, std::uint32_t device, std::uint32_t slot);

}  // namespace vram::slot_table
