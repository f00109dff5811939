#include "profile/window.hpp"

#include <algorithm>

namespace vram::profile {
namespace {

constexpr std::size_t kFullWeight = 16;  // runs for which a sample counts whole
constexpr std::size_t kBaseRuns = 32;    // runs that tell what is usual
constexpr std::uint64_t kBasePercent = 90;

using namespace base::literals;

std::uint64_t usual(const std::vector<std::uint64_t>& values) {
  std::vector<std::uint64_t> recent(values.end() - static_cast<std::ptrdiff_t>(std::min(values.size(), kBaseRuns)), values.end());
  std::sort(recent.begin(), recent.end());
  const std::size_t rank = (recent.size() * kBasePercent + 99) / 100;
  return recent[rank - 1];
}

// What a sample still counts for after `age` newer ones: all of it, then in equal steps down to what is usual.
std::uint64_t faded(std::uint64_t value, std::size_t age, std::uint64_t base) {
  if (value <= base || age < kFullWeight) return value;
  const std::uint64_t span = kWindow - kFullWeight;
  const std::uint64_t left = kWindow - std::min(age, kWindow);
  const std::uint64_t excess = value - base;
  return base + excess / span * left + excess % span * left / span;
}

}  // namespace

base::Bytes noise_floor(Instrument instrument) noexcept {
  switch (instrument) {
    case Instrument::Allocator: return 1_B;  // counters are exact
    case Instrument::Process: return 2_MiB;  // drivers hand out and report memory in pieces of this size
    case Instrument::Device: return 16_MiB;  // other processes' small change
  }
  return 16_MiB;
}

SampleVerdict judge(const Measurement& measurement) noexcept {
  if (!measurement.in_use && !measurement.visible) return SampleVerdict::Absent;
  if (measurement.contended) return SampleVerdict::Contended;
  if (measurement.in_use.value_or(0) < 0 || measurement.visible.value_or(0) < 0) return SampleVerdict::Negative;
  const std::int64_t charged = measurement.visible.value_or(measurement.in_use.value_or(0));
  // Exact counters that read zero on a warm run say something true: what the process holds was enough.
  if (measurement.kind == RunKind::Warm && measurement.instrument == Instrument::Allocator) return SampleVerdict::Stored;
  if (Bytes(static_cast<std::uint64_t>(charged)) < noise_floor(measurement.instrument)) return SampleVerdict::BelowNoise;
  return SampleVerdict::Stored;
}

Sample to_sample(const Measurement& measurement, std::int64_t at_ms) {
  const auto unsigned_of = [](const std::optional<std::int64_t>& value) {
    return value ? std::optional<std::uint64_t>(static_cast<std::uint64_t>(std::max<std::int64_t>(0, *value))) : std::nullopt;
  };
  return {at_ms,
          unsigned_of(measurement.in_use),
          unsigned_of(measurement.visible),
          std::max<std::int64_t>(0, measurement.duration.count()),
          measurement.instrument,
          false};
}

void append(Window& window, const Window& newer) {
  window.insert(window.end(), newer.begin(), newer.end());
  if (window.size() > kWindow) window.erase(window.begin(), window.end() - static_cast<std::ptrdiff_t>(kWindow));
}

std::optional<std::uint64_t> figure(const std::vector<std::uint64_t>& values) {
  if (values.empty()) return std::nullopt;
  const std::uint64_t base = usual(values);
  std::uint64_t result = base;
  for (std::size_t i = 0; i < values.size(); ++i) result = std::max(result, faded(values[i], values.size() - 1 - i, base));
  return result;
}

std::optional<std::uint64_t> charged_figure(const Window& window) {
  std::vector<std::uint64_t> values;
  for (const Sample& sample : window) values.push_back(sample.charged());
  return figure(values);
}

std::optional<std::uint64_t> in_use_figure(const Window& window) {
  std::vector<std::uint64_t> values;
  for (const Sample& sample : window) {
    if (sample.in_use) values.push_back(*sample.in_use);
  }
  return figure(values);
}

std::optional<std::chrono::milliseconds> median_duration(const Window& window) {
  std::vector<std::int64_t> values;
  for (const Sample& sample : window) {
    if (!sample.out_of_memory && sample.duration_ms > 0) values.push_back(sample.duration_ms);
  }
  if (values.empty()) return std::nullopt;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return std::chrono::milliseconds(*middle);
}

}  // namespace vram::profile
