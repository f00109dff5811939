// What was heard.
#pragma once
#include <chrono>
#include <string>
#include <vector>

namespace asr {

struct Word {
  std::string text;                            // without blanks around it; with the punctuation that belongs to it
  std::chrono::milliseconds start{0}, end{0};  // 0 when word times were not asked for
};

struct Segment {
  std::string text;  // as heard, without blanks around it
  std::chrono::milliseconds start{0}, end{0};
  double confidence = 0;  // 0 to 1: geometric mean of its tokens' probabilities
  std::vector<Word> words;
};

struct Transcript {
  std::string language;  // "en": asked for, or detected; "und" where there was nothing to detect it from
  std::vector<Segment> segments;
};

}  // namespace asr
