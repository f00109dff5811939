// Frames of a video file by time.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "media/image.hpp"
#include "media/limits.hpp"

namespace media {

struct VideoInfo {
  double fps = 0;                         // average, two decimals; 0 if the file does not say
  std::int64_t frame_count = 0;           // as the container counts, else fps x duration
  std::chrono::milliseconds duration{0};  // of the video stream, else of the file; 0 if unknown
  int width = 0, height = 0;              // stored pixels: neither rotation nor pixel aspect ratio is applied
  std::string codec;                      // "h264"
};

struct VideoFrame {
  Image image;
  std::chrono::milliseconds time{0};  // when the frame is shown
  bool past_end = false;              // the wanted time lies after the end; this is the last frame
};

// Times count from the beginning of the file (the earliest time stamp of any stream), as players show them and as AudioReader
// counts. Local regular files only: a playlist inside a file cannot make it open another file or the network. Memory: three decoded
// frames and the demuxer's buffers, whatever the length. One decoding thread. An object belongs to one thread at a time; different
// objects are independent.
class VideoReader {
 public:
  struct Options {
    PixelFormat format = PixelFormat::Gray8;
  };

  // Errors, all naming the path: NotFound, PermissionDenied; InvalidArgument (no regular file, no video stream); Corrupt (not a
  // media file, truncated or damaged); Unsupported (no decoder); Timeout, Cancelled.
  static base::Result<VideoReader> open(const std::string& path) { return open(path, Options{}); }
  static base::Result<VideoReader> open(const std::string& path, Options options, const Limits& limits = {});
  VideoReader(VideoReader&&) noexcept;
  VideoReader& operator=(VideoReader&&) noexcept;
  ~VideoReader();

  const VideoInfo& info() const noexcept;

  // The frame whose presentation time is nearest to `wanted` (two equally near: the later). At or after the end of the video: the
  // last frame, with `past_end`. nullopt: `wanted` is further than one frame duration from every frame that can be decoded (a hole,
  // a damaged stretch, or before the first frame). Ascending times decode each frame at most once and skip ahead by the file's
  // index; a step back seeks. Errors: Corrupt (no frame of the file can be decoded), Timeout, Cancelled; after the last two the
  // reader stays usable.
  base::Result<std::optional<VideoFrame>> frame_at(std::chrono::milliseconds wanted, const Limits& limits = {});

  // frame_at for 0, step, 2 x step, … up to the last frame that can be decoded; holes are left out. `take` gets the wanted time and
  // the frame and returns false to end early. Error InvalidArgument unless step > 0.
  using Take = std::function<bool(std::chrono::milliseconds wanted, VideoFrame frame)>;
  base::Status every(std::chrono::milliseconds step, const Take& take, const Limits& limits = {});

 private:
  class Impl;
  explicit VideoReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace media
