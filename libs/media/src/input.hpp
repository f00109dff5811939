// One stream of one media file: open, decode in order, seek.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
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
  // When the stream begins by what the file states; 0 if it states nothing. Microseconds from the beginning of the file.
  std::int64_t stated_start() const noexcept;
  // When the stream ends by what the file states about it, or about itself; none where libav only measured or estimated it.
  std::optional<std::int64_t> stated_end() const;
  // The statement is about the whole file, not about this stream.
  bool states_only_the_file() const { return !own_end(); }
  // Some stream of the file was read up to where the file ends by its own statement, so the file is not cut. REQUIRES: read to the
  // end, and states_only_the_file(): otherwise other streams are not looked at.
  bool others_reach_the_end() const noexcept;

  // Latest end of the stream's packets that were read, decoded or not.
  std::int64_t reached() const noexcept { return reached_; }

  // Packets so far that could not be read or decoded.
  std::uint64_t errors() const noexcept { return errors_; }
  // Packets of the stream that were read so far.
  std::uint64_t packets() const noexcept { return packets_; }

 private:
  explicit Input(std::string path) : path_(std::move(path)) {}
  base::Status open_format();
  base::Status open_codec(AVMediaType type);
  base::Result<bool> decode(AVFrame& frame, const Limits& limits);
  base::Result<bool> feed(const Limits& limits);
  std::optional<std::int64_t> own_end() const;
  std::int64_t begin() const noexcept { return format_->start_time == AV_NOPTS_VALUE ? 0 : format_->start_time; }
  base::Error failure(int code, const char* what) const;
  static int interrupted(void* self);

  std::string path_;
  const Limits* limits_ = nullptr;  // of the call that is running
  Libav<AVFormatContext> format_;
  Libav<AVCodecContext> codec_;
  Libav<AVPacket> packet_{av_packet_alloc()};
  int stream_ = -1;
  bool draining_ = false;
  std::uint64_t errors_ = 0, packets_ = 0;
  int failed_reads_ = 0;                           // one after the other
  std::int64_t reached_ = 0, others_reached_ = 0;  // latest ends of packets
};

}  // namespace media
