// What every handle of one attached process shares: the mapped file, the in-process mutexes, the clock. Lives until the last
// Ledger, slot or lease.
#pragma once
#include <array>
#include <atomic>
#include <bitset>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "base/duration.hpp"
#include "ledger/fork_guard.hpp"
#include "ledger/ledger_file.hpp"
#include "vram/ledger.hpp"

namespace vram {

struct LedgerCore {
  LedgerCore(LedgerFile opened, LedgerOptions given);
  ~LedgerCore();
  LedgerCore(const LedgerCore&) = delete;
  LedgerCore& operator=(const LedgerCore&) = delete;

  layout::File& file() const noexcept { return ledger_file.file(); }
  int fd() const noexcept { return ledger_file.fd.get(); }
  std::uint64_t now() const noexcept { return static_cast<std::uint64_t>(clock->monotonic().count()); }
  std::uint64_t drain_ns() const noexcept {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(options.drain_time).count());
  }
  std::uint32_t slots_used() const noexcept;
  std::uint32_t device_count() const noexcept;
  // Error Unavailable in a forked child and after the file was removed under us (looked at no more than ten times a second).
  base::Status check_usable() const;
  // The same, and the file is looked at now.
  base::Status check_current() const;

  LedgerFile ledger_file;
  LedgerOptions options;
  const base::Clock* clock;
  std::atomic<bool> forked{false};
  std::optional<ForkGuard> fork_guard;

  // Held before the byte lock of the same device: threads that share a description do not exclude each other by it.
  std::array<std::mutex, layout::kDevices> device_mutexes;
  std::mutex registry_mutex;
  // Guards every use of token and pin bytes through fd(): two threads that both "take" a dead slot's token here would both believe
  // they have it.
  std::mutex token_mutex;
  std::atomic<std::uint32_t> own_token{UINT32_MAX};  // slot whose token fd() holds; it must never be probed or unlocked
  // Worker slots pinned on fd(), guarded by token_mutex: an own pin reads as free to its owner.
  std::bitset<layout::kSlots> own_pins;
  // After a time-out the next callers wait only briefly, so that a stopped lock holder costs each request next to nothing.
  std::array<std::atomic<std::int64_t>, layout::kDevices> stuck_until_ns{};

 private:
  mutable std::atomic<std::int64_t> checked_at_ns_{0};
  mutable std::atomic<bool> lost_{false};
};

base::Error forked_error();

}  // namespace vram
