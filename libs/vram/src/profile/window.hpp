// The last samples of one kind, and the figure they give.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "vram/profile.hpp"

namespace vram::profile {

inline constexpr std::size_t kWindow = 64;

struct Sample {
  std::int64_t at_ms = 0;  // wall time
  std::optional<std::uint64_t> in_use;
  std::optional<std::uint64_t> visible;
  std::int64_t duration_ms = 0;
  Instrument instrument = Instrument::Device;
  bool out_of_memory = false;  // a bound, not a measurement: the run needed more than it got

  std::uint64_t charged() const { return visible ? *visible : in_use.value_or(0); }
  friend bool operator==(const Sample&, const Sample&) = default;
};
using Window = std::vector<Sample>;  // oldest first, at most kWindow

// Smallest growth that is more than noise.
base::Bytes noise_floor(Instrument instrument) noexcept;
SampleVerdict judge(const Measurement& measurement) noexcept;
Sample to_sample(const Measurement& measurement, std::int64_t at_ms);

// Keeps the newest kWindow.
void append(Window& window, const Window& newer);

// The learned figure of values, oldest first: never below the largest of the last 16, falling from there on
// (docs/design/profiles.md).
std::optional<std::uint64_t> figure(const std::vector<std::uint64_t>& values);
std::optional<std::uint64_t> charged_figure(const Window& window);
std::optional<std::uint64_t> in_use_figure(const Window& window);
std::optional<std::chrono::milliseconds> median_duration(const Window& window);

}  // namespace vram::profile
