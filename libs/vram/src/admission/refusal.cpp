#include "vram/refusal.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "vram/snapshot.hpp"

namespace vram {
namespace {
constexpr std::chrono::seconds kUnknownDuration{30};
constexpr std::int64_t kShortestRetry = 1;
constexpr std::int64_t kLongestRetry = 60;

// Hundredths of GiB as text.
std::string hundredths_text(std::uint64_t hundredths) {
  const std::uint64_t rest = hundredths % 100;
  return std::to_string(hundredths / 100) + (rest < 10 ? ".0" : ".") + std::to_string(rest);
}

// The figures of a refusal. A need that reads like what is less than it would be no reason: then the need is rounded up and the
// other one down.
std::pair<std::string, std::string> distinct_texts(Bytes need, Bytes less) {
  std::string a = base::gib_text(need), b = base::gib_text(less);
  if (a != b || need <= less) return {std::move(a), std::move(b)};
  constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;
  const auto down = [](std::uint64_t n) { return n / kGiB * 100 + n % kGiB * 100 / kGiB; };
  return {hundredths_text(down(need.count() - 1) + 1), hundredths_text(down(less.count()))};
}
}  // namespace

std::string_view to_string(RequirementSource source) noexcept {
  switch (source) {
    case RequirementSource::Declared: return "declared";
    case RequirementSource::Learned: return "learned";
    case RequirementSource::Conservative: return "conservative";
  }
  return "conservative";
}

std::string_view name_of(Refusal::Reason reason) noexcept {
  switch (reason) {
    case Refusal::Reason::Memory: return "memory";
    case Refusal::Reason::Allocation: return "allocation";
    case Refusal::Reason::Driver: return "driver";
    case Refusal::Reason::Ledger: return "ledger";
  }
  return "memory";
}

std::string Refusal::message() const {
  const std::string name = model.empty() ? "the requested model" : model;
  if (kind == Kind::Permanent) {
    const auto [need, limit] = distinct_texts(required, most);
    const std::string where = only_there ? "GPU " + device.text() + ", which it asks for, cannot" : "no GPU here can";
    return name + " needs " + need + "GB; " + where + " give more than " + limit + "GB.";
  }
  switch (reason) {
    case Reason::Memory: break;
    case Reason::Allocation:
      return name + " ran out of GPU memory" +
             (granted > Bytes() ? " although " + base::gib_text(granted) + "GB were reserved for it" : "") +
             ". Please retry later.";
    case Reason::Driver:
    case Reason::Ledger: return "GPU memory for " + name + " cannot be checked: " + cause + ". Please retry later.";
  }
  const auto [need, room] = distinct_texts(required, available);
  return "Insufficient GPU memory for " + name + ". Required: " + need + "GB, Available: " + room +
         "GB. GPU may be in use by other processes. Please retry later.";
}

std::string_view Refusal::code() const noexcept {
  return kind == Kind::Permanent ? "GPU_MEMORY_IMPOSSIBLE" : "INSUFFICIENT_GPU_MEMORY";
}

Error Refusal::error() const {
  return {kind == Kind::Permanent ? ErrorCode::ImpossibleMemory : ErrorCode::InsufficientMemory, message()};
}

std::chrono::seconds retry_after(Bytes required, Bytes available_now, const std::vector<ExpectedReturn>& returns,
                                 std::chrono::nanoseconds now, double jitter) noexcept {
  std::chrono::nanoseconds wait = kUnknownDuration;
  Bytes room = available_now;
  auto soonest = returns;
  for (ExpectedReturn& entry : soonest) {
    if (entry.at == std::chrono::nanoseconds::zero()) entry.at = now + kUnknownDuration;
  }
  std::sort(soonest.begin(), soonest.end(), [](const ExpectedReturn& a, const ExpectedReturn& b) { return a.at < b.at; });
  for (const ExpectedReturn& entry : soonest) {
    room += entry.bytes;
    wait = entry.at - now;
    if (room >= required) break;
  }
  const double seconds = std::max(std::chrono::duration<double>(wait).count(), 1.0) * (1.0 + 0.25 * std::clamp(jitter, 0.0, 1.0));
  return std::chrono::seconds(
      std::clamp(static_cast<std::int64_t>(std::ceil(std::min(seconds, 100.0))), kShortestRetry, kLongestRetry));
}

}  // namespace vram
