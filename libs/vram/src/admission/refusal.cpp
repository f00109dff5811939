#include "vram/refusal.hpp"

#include <algorithm>
#include <cmath>

#include "vram/snapshot.hpp"

namespace vram {
namespace {
constexpr std::chrono::seconds kUnknownDuration{30};
constexpr std::int64_t kShortestRetry = 1;
constexpr std::int64_t kLongestRetry = 60;
}  // namespace

std::string_view to_string(RequirementSource source) noexcept {
  switch (source) {
    case RequirementSource::Declared: return "declared";
    case RequirementSource::Learned: return "learned";
    case RequirementSource::Conservative: return "conservative";
  }
  return "conservative";
}

std::string Refusal::message() const {
  const std::string name = model.empty() ? "the requested model" : model;
  return "Insufficient GPU memory for " + name + ". Required: " + base::gib_text(required) +
         "GB, Available: " + base::gib_text(available) + "GB. GPU may be in use by other processes. Please retry later.";
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
