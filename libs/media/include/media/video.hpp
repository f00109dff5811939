// Frames of a video file by time.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "media/gap.hpp"
#include "media/image.hpp"
#include "media/limits.hpp"

namespace media {

struct VideoInfo {
  double fps = 0;                         // average, two decimals; 0 if the file does not say
  std::int64_t frame_count = 0;           // as the container counts, else fps x duration
  std::chrono::milliseconds duration{0};  // of the video stream, else of the file; 0 if unknown
  int width = 0, height = 0;              // as shown: pixels made square, then turned upright
  std::string codec;                      // "h264"
};

// As players show it: its pixels are square (the shorter side of a stored pixel was stretched), and it stands upright by the
// display matrix of the file (quarter turns and mirrors).
struct VideoFrame {
  Image image;
  std::chrono::milliseconds time{0};  // when the frame is shown
  bool distorted = false;             // it, or one since the last key frame that it may lean on, could not be decoded in full
};

// What is to be seen at a time: a frame, or why there is none.
struct VideoLook {
  enum class Absence {
    BeforeBeginning,  // the first frame is shown later
    Gap,              // a stretch that should be there: a hole in the time stamps, a damaged stretch, the lost end of a file
    PastEnd,          // at or after the end, or after the end that the file states
  };
  std::optional<VideoFrame> frame{};
  Absence absence = Absence::Gap;  // where `frame` is none

  explicit operator bool() const noexcept { return frame.has_value(); }
  VideoFrame& operator*() { return *frame; }
  VideoFrame* operator->() { return &*frame; }
};

// What was met while reading that is not as it should be, in the stretches that were decoded: frames between two wanted times may
// be skipped by the file's index and are not looked at.
struct VideoLosses {
  Completeness missing;  // `expected`: from the beginning of the video to its end, as stated or as seen
  // Frames that came after a step back of the time stamps and bear times that had passed: they have no place on the time axis.
  std::int64_t without_place = 0;
  std::chrono::milliseconds step_back_at{0};  // where the first of them should be

  bool none() const noexcept { return missing.complete() && without_place == 0; }
};

// Times count from the beginning of the file (the earliest time stamp of any stream), as players show them and as AudioReader
// counts; the time stamps decide, never a count of frames. Local regular files only: a playlist inside a file cannot make it open
// another file or the network. Memory: four decoded frames and the demuxer's buffers, whatever the length. One decoding thread. An
// object belongs to one thread at a time; different objects are independent.
class VideoReader {
 public:
  struct Options {
    PixelFormat format = PixelFormat::Gray8;
  };

  // Errors, all naming the path: NotFound, PermissionDenied; InvalidArgument (no regular file, no video stream, a cover picture
  // only); Corrupt (not a media file, truncated or damaged); Unsupported (no decoder); Timeout, Cancelled.
  static base::Result<VideoReader> open(const std::string& path) { return open(path, Options{}); }
  static base::Result<VideoReader> open(const std::string& path, Options options, const Limits& limits = {});
  VideoReader(VideoReader&&) noexcept;
  VideoReader& operator=(VideoReader&&) noexcept;
  ~VideoReader();

  const VideoInfo& info() const noexcept;

  // The frame whose presentation time is nearest to `wanted` (two equally near: the later), if it is shown then or follows within
  // half a frame duration (the first frame: a whole one) and 100 ms; else the frame that is still shown at `wanted`; else none,
  // with the reason. Ascending times decode each frame at most once and skip ahead by the file's index; a step back seeks. Errors:
  // Corrupt (no frame of the file can be decoded), Timeout, Cancelled; after the last two the reader stays usable.
  base::Result<VideoLook> frame_at(std::chrono::milliseconds wanted, const Limits& limits = {});

  // frame_at for 0, step, 2 x step, … up to the last frame that can be decoded; times without a frame are left out. `take` gets the
  // wanted time and the frame and returns false to end early. Error InvalidArgument unless step > 0.
  using Take = std::function<bool(std::chrono::milliseconds wanted, VideoFrame frame)>;
  base::Status every(std::chrono::milliseconds step, const Take& take, const Limits& limits = {});

  // Of all calls so far.
  VideoLosses losses() const;

 private:
  class Impl;
  explicit VideoReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace media
