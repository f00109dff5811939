// Subtitles: passages of speech cut into what a person can read at a time.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "passages.hpp"

namespace clams::tool {

struct Cue {
  std::int64_t start = 0, end = 0;  // milliseconds; end > start
  std::vector<std::string> lines;   // 1 or more, none empty
};

// Lengths in characters (code points), times in milliseconds. The defaults are those of broadcasters: two lines of 42, at most
// seven seconds.
struct CueLimits {
  std::size_t line = 42;
  std::size_t lines = 2;
  std::int64_t longest = 7000;
  std::int64_t shortest = 1000;  // a cue stays so long where the next one leaves the time
  std::int64_t pause = 1500;     // a silence so long ends a cue
};

struct Cues {
  std::vector<Cue> cues;         // by start; none begins before the one before it ends
  std::size_t without_time = 0;  // passages that were left out, because nothing says when they were spoken
};

// A passage becomes one cue, or several where it is longer than the limits. With the times of its words each cue has those of its
// own words; without, the passage's time is shared out by the number of characters. A word longer than a line keeps its own line.
Cues cues_of(const std::vector<Passage>& passages, const CueLimits& limits = {});

}  // namespace clams::tool
