// At which times of a video frames are read, by the annotations about it.
#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "mmif/mmif.hpp"
#include "settings.hpp"

namespace ocr_app {

struct Sample {
  std::chrono::milliseconds time{0};
  // The annotations the time comes from, either may be nullptr.
  const mmif::Annotation* time_point = nullptr;
  const mmif::Annotation* time_frame = nullptr;
};

// In ascending order; a TimePoint, and a time without one, is sampled once. `fps`: of the video, 0 if unknown. What is left out is
// told to `warn`. Throws clams::ValueError for annotations that name what does not exist or lies at no time.
std::vector<Sample> samples_of(const mmif::Mmif& mmif, const mmif::Annotation& video, const Sampling& sampling, double fps,
                               const std::function<void(const std::string&)>& warn);

}  // namespace ocr_app
