// Stretches of a file that should be there and cannot be read.
#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace media {

// From `from` (inclusive) to `to` (exclusive), on the time axis of the file: milliseconds from its beginning, as the readers count.
// The time stamps in the file decide, never a count of frames or samples. REQUIRES: from < to.
struct Gap {
  enum class Reason {
    EndsEarly,  // the file states more than it holds
    Damaged,    // the packets are there and cannot be decoded
    Jump,       // the time stamps leap over it: nothing was stored there
  };
  std::chrono::milliseconds from{0}, to{0};
  Reason reason = Reason::EndsEarly;

  std::chrono::milliseconds length() const noexcept { return to - from; }
  bool operator==(const Gap&) const = default;
};

const char* name_of(Gap::Reason reason) noexcept;  // "ends-early", "damaged", "jump"

// From `at` on, the time stamps of the file are smaller by `by` than the times that are given: they step back to times that were
// read already, as in files that were joined. Nothing is missing there.
struct StepBack {
  std::chrono::milliseconds at{0}, by{0};
  bool operator==(const StepBack&) const = default;
};

// What of a file was read, and what is missing of it.
struct Completeness {
  std::vector<Gap> gaps{};                // ascending, not overlapping
  std::chrono::milliseconds expected{0};  // length of the whole, gaps included
  std::vector<StepBack> steps_back{};     // ascending

  // Set where the data ends in the middle of something and the file does not state how much should follow.
  std::optional<std::chrono::milliseconds> cut_at{};

  // Nothing is known to be missing, and every time is the file's own.
  bool complete() const noexcept { return gaps.empty() && steps_back.empty() && !cut_at; }
  std::chrono::milliseconds missing() const noexcept;
  // Of the whole, 0 to 1.
  double missing_share() const noexcept;
};

// Adds a gap at the end of `gaps`; a gap of the same reason that touches or overlaps the last one makes that longer. Gaps without
// a length are dropped. REQUIRES: gap.from >= gaps.back().from.
void add_gap(std::vector<Gap>& gaps, Gap gap);

// One line for a warning, the same for sound and pictures; empty when all is complete:
// "9.500 s of 19.000 s (50.0 %) are missing: 0:09.500 to 0:19.000 (the file ends early)". With more than `most` gaps the longest
// are named, in the order of their times, and the rest is counted. Steps back and an end of unknown
// loss follow after semicolons.
std::string describe(const Completeness& completeness, std::size_t most = 8);

// "0:09.500", "1:02:03.004": minutes and seconds, with hours from an hour on.
std::string clock_time(std::chrono::milliseconds time);

}  // namespace media
