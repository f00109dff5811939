// Durations as people type them, and the clock that tests can turn.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace base {

// "250ms", "30s", "5m", "2h", or a plain number of seconds ("0.5", "300"). Error InvalidArgument otherwise. Negative only as "-1",
// which callers read as "never" where they allow it.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string to_string(std::chrono::milliseconds value);  // "250ms", "30s", "5m"

// Monotonic and wall time, injected so that tests need not sleep. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // CLOCK_MONOTONIC: shared by all processes of the host since boot.
  virtual std::chrono::nanoseconds monotonic() const noexcept = 0;
  // CLOCK_REALTIME since the epoch.
  virtual std::chrono::nanoseconds wall() const noexcept = 0;
  virtual void sleep_for(std::chrono::nanoseconds duration) const = 0;
};
const Clock& system_clock() noexcept;

// For tests: stands still until moved; sleep_for moves it.
class FakeClock final : public Clock {
 public:
  std::chrono::nanoseconds monotonic() const noexcept override;
  std::chrono::nanoseconds wall() const noexcept override;
  void sleep_for(std::chrono::nanoseconds duration) const override;
  void advance(std::chrono::nanoseconds by) const noexcept;
  void set_wall(std::chrono::nanoseconds since_epoch) noexcept;

 private:
  mutable std::atomic<std::int64_t> monotonic_{1'000'000'000};
  mutable std::atomic<std::int64_t> wall_{1'767'225'600'000'000'000};  // 2026-01-01
};

}  // namespace base
