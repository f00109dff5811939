// Where admission gets its readings: DeviceMonitor in programs, a fake in tests.
#pragma once
#include <chrono>

#include "vram/probe.hpp"

namespace vram {

enum class ReadingState {
  Ok,       // read now, or not longer ago than was asked for
  Stale,    // the driver fails or hangs; the last good sample, within its grace
  Unknown,  // no figure to go by: the policy for unknown applies
};
std::string_view to_string(ReadingState state) noexcept;  // "ok", "stale", "unknown"

struct Reading {
  ReadingState state = ReadingState::Unknown;
  MemorySample sample;  // not with Unknown. `taken_at` is no later than the moment at which the driver looked
};

// Thread-safe. Never waits for the driver longer than its deadline (250 ms). Called without any lock held.
class Sampler {
 public:
  virtual ~Sampler() = default;
  // A sample taken at most `max_age` ago; zero: begun after this call.
  virtual Reading sample(const DeviceUuid& device, std::chrono::nanoseconds max_age) = 0;
};

}  // namespace vram
