#include "base/duration.hpp"

#include <time.h>

#include <cerrno>
#include <charconv>
#include <cmath>

#include "base/text.hpp"

namespace base {
namespace {

using std::chrono::nanoseconds;

nanoseconds read_clock(clockid_t id) noexcept {
  timespec now{};
  clock_gettime(id, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

class SystemClock final : public Clock {
 public:
  nanoseconds monotonic() const noexcept override { return read_clock(CLOCK_MONOTONIC); }
  nanoseconds wall() const noexcept override { return read_clock(CLOCK_REALTIME); }
  void sleep_for(nanoseconds duration) const override {
    timespec rest{static_cast<time_t>(duration.count() / 1'000'000'000), static_cast<long>(duration.count() % 1'000'000'000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR) {}
  }
};

Error bad_duration(std::string_view text) {
  return {ErrorCode::InvalidArgument,
          "'" + std::string(text) + "' is not a duration; write seconds or a number with ms, s, m or h, for example 30s"};
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const std::string_view trimmed = trim(text);
  double number = 0;
  const auto [end, error] = std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  if (error != std::errc() || !std::isfinite(number)) return bad_duration(text);
  const std::string_view unit = trim(trimmed.substr(static_cast<std::size_t>(end - trimmed.data())));
  double milliseconds = 0;
  if (unit == "ms")
    milliseconds = number;
  else if (unit.empty() || unit == "s" || unit == "sec")
    milliseconds = number * 1e3;
  else if (unit == "m" || unit == "min")
    milliseconds = number * 60e3;
  else if (unit == "h")
    milliseconds = number * 3600e3;
  else
    return bad_duration(text);
  if (milliseconds > 3.2e13 || (number < 0 && !(number == -1 && unit.empty()))) return bad_duration(text);  // a thousand years
  return std::chrono::milliseconds(std::llround(milliseconds));
}

std::string to_string(std::chrono::milliseconds value) {
  const auto count = value.count();
  if (count % 60'000 == 0 && count != 0) return std::to_string(count / 60'000) + "m";
  if (count % 1'000 == 0) return std::to_string(count / 1'000) + "s";
  return std::to_string(count) + "ms";
}

const Clock& system_clock() noexcept {
  // Never destroyed: a thread that is stuck in a driver may ask it while the process ends.
  static const SystemClock& clock = *new SystemClock;
  return clock;
}

nanoseconds FakeClock::monotonic() const noexcept { return nanoseconds(monotonic_.load()); }
nanoseconds FakeClock::wall() const noexcept { return nanoseconds(wall_.load()); }
void FakeClock::sleep_for(nanoseconds duration) const { advance(duration); }
void FakeClock::advance(nanoseconds by) const noexcept {
  monotonic_ += by.count();
  wall_ += by.count();
}
void FakeClock::set_wall(nanoseconds since_epoch) noexcept { wall_ = since_epoch.count(); }

}  // namespace base
