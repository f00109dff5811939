// One pass over a device's column of the table.
#pragma once
#include <array>
#include <cstdint>

#include "ledger/core.hpp"

namespace vram {

struct DrainingSlot {
  std::uint32_t slot;
  std::uint64_t death_ns;
  Bytes bytes;
};

struct Scan {
  DeviceFigures figures;
  std::uint32_t draining_count = 0;
  std::array<DrainingSlot, layout::kSlots> draining;  // the first draining_count
};

// Sums the device's words. Under the device's lock `charges` can only fall while the lock is held.
void scan_device(const LedgerCore& core, std::uint32_t device, const Observation& observation, Scan& scan);

// Probes the token of every slot that counts on the device. True when one was found dead that was not known to be.
bool sweep_dead(LedgerCore& core, std::uint32_t device);

// REQUIRES: the device's lock, and that `scan` was taken under it. Ends the draining of those whose bytes the sample shows to be
// back, oldest first.
void bury_returned(LedgerCore& core, std::uint32_t device, const Scan& scan, std::chrono::nanoseconds sampled_at);

}  // namespace vram
