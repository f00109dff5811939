// One stream of one media file: open, decode in order, seek.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "libav.hpp"
#include "media/limits.hpp"

namespace media {

// Not movable: libav keeps a pointer to `interrupt_`.
class Input {
 public:
  static base::Result<std::unique_ptr<Input>> open(const std::string& path, AVMediaType type, const Limits& limits);
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  const std::string& path() const noexcept { return path_; }
  AVFormatContext& format() const noexcept { return *format_; }
  AVStream& stream() const noexcept { return *format_->streams[stream_]; }
  AVCodecContext& codec() const noexcept { return *codec_; }

  // Puts the next frame in presentation order into `frame`; false at the end of what can be decoded.
  base::Result<bool> next(AVFrame& frame, const Limits& limits);
  // To a key frame at or before `at` (microseconds from the beginning), as well as the container can; false if it cannot.
  bool seek(std::int64_t at, const Limits& limits);

  // Microseconds from the beginning of the file <-> the stream's own time stamps.
  std::int64_t to_time(std::int64_t timestamp) const noexcept;
  std::int64_t to_timestamp(std::int64_t time) const noexcept;
  // Of the stream, else of the file; 0 if unknown. Microseconds.
  std::int64_t duration() const noexcept;

 private:
  explicit Input(std::string path) : path_(std::move(path)) {}
  base::Status open_format();
  base::Status open_codec(AVMediaType type);
  base::Result<bool> decode(AVFrame& frame, const Limits& limits);
  base::Error failure(int code, const char* what) const;
  static int interrupted(void* self);

  std::string path_;
  const Limits* limits_ = nullptr;  // of the call that is running
  Libav<AVFormatContext> format_;
  Libav<AVCodecContext> codec_;
  Libav<AVPacket> packet_{av_packet_alloc()};
  int stream_ = -1;
  bool draining_ = false;
};

}  // namespace media
