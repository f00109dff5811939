#include "ledger/device_lock.hpp"

#include <algorithm>
#include <thread>

#include "base/crash_point.hpp"
#include "ledger/ofd_lock.hpp"

namespace vram {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kStuckPatience{2};
constexpr std::chrono::seconds kStuckMemory{1};

// A holder keeps the lock for about a microsecond, so a few yields do; if they do not, it was taken off its core and is away for
// milliseconds, and every attempt costs a wake-up: 20, 40, 80 … us up to 1 ms.
class BackOff {
 public:
  explicit BackOff(steady_clock::time_point deadline) : deadline_(deadline) {}
  bool pause() {
    if (steady_clock::now() >= deadline_) return false;
    if (attempts_++ < 4) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(nap_);
      nap_ = std::min<std::chrono::microseconds>(nap_ * 2, std::chrono::microseconds(1000));
    }
    return true;
  }

 private:
  steady_clock::time_point deadline_;
  int attempts_ = 0;
  std::chrono::microseconds nap_{20};
};

Error lock_timeout(const LedgerCore& core) {
  return {ErrorCode::Timeout,
          "the lock of the GPU ledger '" + core.ledger_file.path +
              "' is held by a process that does not go on (stopped, or its container is paused); resume or end it"};
}

std::int64_t nanoseconds_of(steady_clock::time_point time) { return time.time_since_epoch().count(); }

}  // namespace

TableLock::TableLock(LedgerCore& core, std::uint64_t byte, std::unique_lock<std::mutex> mutex)
    : core_(&core), byte_(byte), mutex_(std::move(mutex)), taken_at_(steady_clock::now()) {}

TableLock::TableLock(TableLock&& other) noexcept
    : core_(std::exchange(other.core_, nullptr)), byte_(other.byte_), mutex_(std::move(other.mutex_)), taken_at_(other.taken_at_) {}

TableLock::~TableLock() {
  if (core_ == nullptr) return;
  CLAMS_CRASH_POINT("ledger.lock.before_unlock");
  ofd::unlock(core_->fd(), byte_);
}

bool TableLock::outlived_patience() const noexcept { return steady_clock::now() - taken_at_ > core_->options.lock_deadline / 2; }

Result<TableLock> TableLock::take(LedgerCore& core, std::uint64_t byte) {
  const bool is_device = byte < layout::kDevices;
  auto patience = std::chrono::nanoseconds(core.options.lock_deadline);
  const auto start = steady_clock::now();
  if (is_device && nanoseconds_of(start) < core.stuck_until_ns[byte].load(std::memory_order_relaxed)) {
    patience = std::min<std::chrono::nanoseconds>(patience, kStuckPatience);
  }
  BackOff back_off(start + patience);
  // Polled rather than timed: the thread sanitizer does not know the clocked lock of the C library.
  std::unique_lock<std::mutex> mutex(is_device ? core.device_mutexes[byte] : core.registry_mutex, std::try_to_lock);
  while (!mutex.owns_lock()) {
    if (!back_off.pause()) return lock_timeout(core);
    static_cast<void>(mutex.try_lock());
  }
  for (;;) {
    BASE_TRY_ASSIGN(const bool taken, ofd::try_lock(core.fd(), byte));
    if (taken) break;
    if (!back_off.pause()) {
      if (is_device) core.stuck_until_ns[byte].store(nanoseconds_of(steady_clock::now() + kStuckMemory), std::memory_order_relaxed);
      return lock_timeout(core);
    }
  }
  if (is_device) core.stuck_until_ns[byte].store(0, std::memory_order_relaxed);
  CLAMS_CRASH_POINT("ledger.lock.taken");
  return TableLock(core, byte, std::move(mutex));
}

}  // namespace vram
