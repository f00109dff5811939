// Frames of a video, handed out one by one.
#pragma once
#include <functional>
#include <stop_token>
#include <string>

#include "mmif/mmif.hpp"
#include "ocr/picture.hpp"
#include "sampling.hpp"
#include "settings.hpp"

namespace ocr_app {

struct FrameRun {
  // Called in ascending order of time, only for times at which the video has a picture; it is upright and its pixels are square.
  std::function<void(const Sample& sample, const ocr::Picture& picture, double progress)> take;
  std::function<void(const std::string&)> warn;
  std::stop_token stop;
};

// Reads the frames that `settings` ask for and notes rate, number of frames and duration at the document. What is missing of the
// video or of the wanted times is reported to `warn`. Throws clams exceptions; in a build without libmedia always one that says so.
void read_frames(const mmif::Mmif& mmif, mmif::Annotation& video, const Sampling& sampling, const FrameRun& run);

bool video_is_supported() noexcept;
// The decoding library writes errors only to standard error from here on, not what it notices. For main().
void quiet_video_library() noexcept;
// Name and licence of the decoding library; empty without video support.
std::string video_library();
std::string video_library_license();

}  // namespace ocr_app
