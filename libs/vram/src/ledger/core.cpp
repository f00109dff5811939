#include "ledger/core.hpp"

#include <algorithm>
#include <new>

namespace vram {

using base::Error;
using base::ErrorCode;

namespace {
constexpr std::int64_t kCurrentCheckNs = 100'000'000;
}

LedgerCore::LedgerCore(LedgerFile opened, LedgerOptions given)
    : ledger_file(std::move(opened)),
      options(std::move(given)),
      clock(options.clock != nullptr ? options.clock : &base::system_clock()) {
  fork_guard.emplace(ledger_file.fd.get(), &forked);
}

// In a forked child the mapping was never there (MADV_DONTFORK), and by now something else may lie at its address: it must not be
// unmapped.
LedgerCore::~LedgerCore() {
  if (forked.load()) {
    auto* const forgotten = new (std::nothrow) base::MappedFile(std::move(ledger_file.mapping));
    static_cast<void>(forgotten);
  }
}

// Clamped: a damaged count must not lead outside the file.
std::uint32_t LedgerCore::slots_used() const noexcept { return std::min(file().header.slots_used.load(), layout::kSlots); }
std::uint32_t LedgerCore::device_count() const noexcept { return std::min(file().header.device_count.load(), layout::kDevices); }

base::Status LedgerCore::check_usable() const {
  if (forked.load(std::memory_order_relaxed)) return forked_error();
  const auto now = static_cast<std::int64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  if (now - checked_at_ns_.load(std::memory_order_relaxed) > kCurrentCheckNs) {
    checked_at_ns_.store(now, std::memory_order_relaxed);
    lost_.store(!is_current(ledger_file), std::memory_order_relaxed);
  }
  if (!lost_.load(std::memory_order_relaxed)) return {};
  return Error{ErrorCode::Unavailable,
               "the GPU ledger '" + ledger_file.path +
                   "' was removed or replaced while in use; restart this process so that it joins the new one"};
}

base::Status LedgerCore::check_current() const {
  checked_at_ns_.store(0, std::memory_order_relaxed);
  return check_usable();
}

Error forked_error() {
  return {ErrorCode::Unavailable,
          "this process was forked from one that had joined the GPU ledger; it must open the ledger itself"};
}

}  // namespace vram
