// The arithmetic of one decision, as pure functions: no clock, no lock, no driver.
#pragma once
#include <cstdint>

#include "vram/probe.hpp"

namespace vram {

// What a device looks like at the moment of a decision. Sums over the ledger are taken under the device's lock; `driver_free` was
// sampled before.
struct DeviceFigures {
  Bytes total;
  Bytes driver_free;  // counts every process of the host, in the ledger or not; meaningless unless `driver_known`
  bool driver_known = false;
  Bytes charges;              // promised to living slots
  Bytes unseen;               // of `charges`, what driver_free cannot show yet
  Bytes draining;             // promised to slots whose owner died less than 5 s ago
  Bytes draining_unsampled;   // of `draining`, those found dead after driver_free was sampled
  Bytes headroom;             // never handed out: the largest that any living slot asked for
  std::uint32_t running = 0;  // requests running on the device, of all living slots
};

// Memory the living were promised and hold already: the driver shows it as used.
Bytes seen_by_driver(const DeviceFigures& figures) noexcept;

// What is still held back for the dead: all of it for those whose death is younger than the sample; for the others at most what the
// driver shows as used beyond what the living hold, since the rest is evidently back.
Bytes effective_draining(const DeviceFigures& figures) noexcept;

// What one request could be promised now: min(driver_free - unseen, total - charges - draining) - headroom, saturating at zero.
// `unseen` comes off the driver term only: off both it would be counted twice. Without a driver figure the second term alone.
Bytes available(const DeviceFigures& figures) noexcept;

// total - headroom: a request beyond this never fits on this device.
Bytes ceiling(const DeviceFigures& figures) noexcept;

// One process on a device: max(0, reserved - what the driver can already show). `before` and `now` are its materialised bytes as
// read before and after the sample; the smaller counts, since the sample lies between.
Bytes unseen_of(Bytes reserved, Bytes materialised_before, Bytes materialised_now) noexcept;

enum class Verdict { Fits, Short, NeverFits };
// `need` = bytes to be charged now, context and all.
Verdict decide(const DeviceFigures& figures, Bytes need) noexcept;

}  // namespace vram
