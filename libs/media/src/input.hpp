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

  // Packets so far that could not be decoded wholly.
  std::uint64_t damaged_packets() const noexcept { return damaged_; }
  // Where the packets end that were read so far. Microseconds from the beginning of the file.
  std::int64_t packets_until() const noexcept { return packets_until_; }
  // Where the stream should end as the file says; none where the file does not say it, and where the file says only how long the
  // longest of its streams is and another one was read to that end. Final after `next` gave false. Microseconds from the beginning.
  std::optional<std::int64_t> stated_end() const;
  // Of the first packet, as the file says; 0 where it does not. Microseconds from the beginning of the file.
  std::int64_t start() const noexcept;
  // Whether the data ends in the middle of something: the last packet cannot be decoded, or the mark is missing that stands at the
  // end of every Ogg stream. After `next` gave false.
  bool ends_abruptly() const;
  // When the frame is shown or heard; none where the file does not say. Microseconds from the beginning of the file.
  std::optional<std::int64_t> time_of(const AVFrame& frame) const noexcept;

  // Microseconds from the beginning of the file <-> the stream's own time stamps.
  std::int64_t to_time(std::int64_t timestamp) const noexcept;
  std::int64_t to_timestamp(std::int64_t time) const noexcept;
  // Of the stream, else of the file; 0 if unknown. Microseconds.
  std::int64_t duration() const noexcept;
  // The file states a length of this stream, not only one of itself.
  bool states_own_length() const;
  // libav measured the length, by the last time stamps of a file that states none.
  bool length_is_measured() const noexcept { return format_->duration_estimation_method == AVFMT_DURATION_FROM_PTS; }
  // Packets of the stream that were read so far.
  std::uint64_t packets() const noexcept { return packets_; }

 private:
  explicit Input(std::string path) : path_(std::move(path)) {}
  base::Status open_format();
  base::Status open_codec(AVMediaType type);
  base::Result<bool> decode(AVFrame& frame, const Limits& limits);
  base::Result<bool> feed(const Limits& limits);
  std::optional<std::int64_t> counted_end() const;
  base::Error failure(int code, const char* what) const;
  static int interrupted(void* self);
  std::int64_t begin() const noexcept;  // time stamp of the beginning of the file, microseconds
  void discard_others();
  void note_packet();
  void note_damage() noexcept;

  std::string path_;
  const Limits* limits_ = nullptr;  // of the call that is running
  Libav<AVFormatContext> format_;
  Libav<AVCodecContext> codec_;
  Libav<AVPacket> packet_{av_packet_alloc()};
  int stream_ = -1;
  bool draining_ = false;
  std::uint64_t damaged_ = 0;
  std::int64_t packets_until_ = 0, others_until_ = 0;
  bool watches_others_ = false;
  std::uint64_t packets_ = 0;
  int failed_reads_ = 0;  // one after the other
  bool last_packet_damaged_ = false;
};

}  // namespace media
