#include "input.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "stated_size.hpp"

namespace media {
namespace {

using base::Error;
using base::ErrorCode;

// A frame of 16384 x 8192: more is damage or an attack, and would be allocated before anything else could refuse it.
constexpr std::int64_t kMaxPixels = std::int64_t{1} << 27;

// Containers that hold their own data. What is left out names other files or addresses (hls, concat, dash, image sequences), or
// reads a device or a script.
constexpr const char* kContainers =
    "3g2,3gp,aac,ac3,aiff,amr,amrnb,amrwb,ape,apng,asf,au,av1,avi,caf,dts,dv,eac3,flac,flv,gif,gxf,h264,hevc,ivf,m4a,m4v,matroska,"
    "mj2,mjpeg,"
    "mov,mp3,mp4,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,truehd,tta,vc1,w64,wav,webm,wtv,wv,yuv4mpegpipe,"
    "jpeg_pipe,png_pipe,tiff_pipe,bmp_pipe,webp_pipe";

// More than a decoder can hold back; a decoder that reports an error for ever must not keep us.
constexpr int kMaxDamagedAtEnd = 64;
// A demuxer skips what it cannot read; one that reports the same for ever must not keep us.
constexpr int kMaxFailedReads = 256;
// Streams of one file that end less than this before the stated end ended with it. Microseconds.
constexpr std::int64_t kSameEnd = 500'000;

base::Status check_regular_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return base::error_from_errno("cannot open media file \"" + path + "\"", errno);
  if (S_ISREG(info.st_mode)) return {};
  return Error{ErrorCode::InvalidArgument, "cannot open \"" + path + "\" as media: it is not a regular file"};
}

// "01:02:03.004000000", as Matroska's writers note it for each stream: where it ends. Microseconds; 0 if there is none.
std::int64_t tagged_duration(const AVStream& stream) {
  const AVDictionaryEntry* tag = av_dict_get(stream.metadata, "DURATION", nullptr, AV_DICT_IGNORE_SUFFIX);
  std::int64_t time = 0;
  return tag != nullptr && av_parse_time(&time, tag->value, 1) >= 0 ? std::max<std::int64_t>(time, 0) : 0;
}

// ASF gives every stream the length of the file.
bool has_own_duration(const AVFormatContext& format, const AVStream& stream) {
  return stream.duration != AV_NOPTS_VALUE && stream.duration > 0 && std::string_view(format.iformat->name) != "asf";
}

// libav shortens the length that these containers state to what is in the file. Microseconds; none when the file was not cut.
std::optional<std::int64_t> length_before_cut(const AVFormatContext& format, const AVStream& stream, const std::string& path) {
  const std::string_view container = format.iformat->name;
  if (container != "wav" && container != "w64" && container != "avi") return std::nullopt;
  const auto size = read_stated_size(path);
  if (!size || !size->cut()) return std::nullopt;
  const std::int64_t length = av_rescale_q(stream.duration, stream.time_base, kMicroseconds);
  const int bytes_per_second =
      av_get_bits_per_sample(stream.codecpar->codec_id) / 8 * stream.codecpar->ch_layout.nb_channels * stream.codecpar->sample_rate;
  if (container != "avi" && bytes_per_second > 0)
    return av_rescale(static_cast<std::int64_t>(size->stated), AV_TIME_BASE, bytes_per_second);
  if (size->there == 0) return std::nullopt;
  return av_rescale(length, static_cast<std::int64_t>(size->stated), static_cast<std::int64_t>(size->there));
}

const char* stream_name(AVMediaType type) { return type == AVMEDIA_TYPE_VIDEO ? "video" : "audio"; }

}  // namespace

base::Status check(const Limits& limits, const char* path) {
  if (limits.stop.stop_requested()) return Error{ErrorCode::Cancelled, std::string("reading \"") + path + "\" was cancelled"};
  if (limits.deadline && std::chrono::steady_clock::now() >= *limits.deadline)
    return Error{ErrorCode::Timeout, std::string("reading \"") + path + "\" took longer than its deadline allows"};
  return {};
}

int Input::interrupted(void* self) {
  const auto* input = static_cast<const Input*>(self);
  return input->limits_ != nullptr && !check(*input->limits_, "") ? 1 : 0;
}

Error Input::failure(int code, const char* what) const {
  if (limits_ != nullptr)
    if (auto status = check(*limits_, path_.c_str()); !status) return std::move(status).error();
  if (code < 0 && (code == AVERROR(EACCES) || code == AVERROR(EPERM) || code == AVERROR(ENOENT)))
    return base::error_from_errno("cannot open media file \"" + path_ + "\"", AVUNERROR(code));
  return Error{
      ErrorCode::Corrupt,
      std::string(what) + " \"" + path_ + "\": " + libav_text(code) + "; it is no media file, or it is truncated or damaged", code};
}

base::Result<std::unique_ptr<Input>> Input::open(const std::string& path, AVMediaType type, const Limits& limits) {
  BASE_TRY(check_regular_file(path));
  BASE_TRY(check(limits, path.c_str()));
  std::unique_ptr<Input> input(new Input(path));
  input->limits_ = &limits;
  BASE_TRY(input->open_format());
  BASE_TRY(input->open_codec(type));
  input->limits_ = nullptr;
  return input;
}

base::Status Input::open_format() {
  AVFormatContext* format = avformat_alloc_context();
  if (format == nullptr || !packet_) return Error{ErrorCode::Unavailable, "out of memory while opening \"" + path_ + "\""};
  format->interrupt_callback = AVIOInterruptCB{&Input::interrupted, this};
  // "file:" keeps a path like "http:x" or "concat:a|b" from being read as a protocol.
  AVDictionary* options = nullptr;
  av_dict_set(&options, "protocol_whitelist", "file", 0);
  av_dict_set(&options, "format_whitelist", kContainers, 0);
  const int opened = avformat_open_input(&format, ("file:" + path_).c_str(), nullptr, &options);  // frees `format` when it fails
  av_dict_free(&options);
  if (opened < 0) return failure(opened, "cannot open");
  format_.reset(format);
  const int found = avformat_find_stream_info(format, nullptr);
  if (found < 0) return failure(found, "cannot read the streams of");
  return {};
}

base::Status Input::open_codec(AVMediaType type) {
  const AVCodec* decoder = nullptr;
  stream_ = av_find_best_stream(format_.get(), type, -1, -1, &decoder, 0);
  if (stream_ == AVERROR_DECODER_NOT_FOUND)
    return Error{ErrorCode::Unsupported,
                 "no decoder for the " + std::string(stream_name(type)) + " of \"" + path_ + "\" in this libavcodec"};
  if (stream_ < 0) return Error{ErrorCode::InvalidArgument, "\"" + path_ + "\" has no " + stream_name(type) + " stream"};
  if ((stream().disposition & AV_DISPOSITION_ATTACHED_PIC) != 0)
    return Error{ErrorCode::InvalidArgument,
                 "\"" + path_ + "\" has no video stream, only a cover picture; give it as an AudioDocument"};
  discard_others();

  codec_.reset(avcodec_alloc_context3(decoder));
  if (!codec_) return Error{ErrorCode::Unavailable, "out of memory while opening \"" + path_ + "\""};
  const int copied = avcodec_parameters_to_context(codec_.get(), stream().codecpar);
  if (copied < 0) return failure(copied, "cannot use the parameters of");
  codec_->pkt_timebase = stream().time_base;
  codec_->thread_count = 1;  // requests are the parallelism; decoder threads would exceed the CPU budget
  codec_->max_pixels = kMaxPixels;
  const int opened = avcodec_open2(codec_.get(), decoder, nullptr);
  if (opened < 0) return failure(opened, "cannot decode");
  return {};
}

// Packets of other streams cost time. They are read where nothing else shows whether a file was cut.
void Input::discard_others() {
  watches_others_ = !states_own_length() && format_->nb_streams > 1;
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    AVStream& other = *format_->streams[i];
    const AVMediaType type = other.codecpar->codec_type;
    const bool has_time = type == AVMEDIA_TYPE_VIDEO || type == AVMEDIA_TYPE_AUDIO;
    const bool is_picture = (other.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
    if (static_cast<int>(i) != stream_ && !(watches_others_ && has_time && !is_picture)) other.discard = AVDISCARD_ALL;
  }
}

void Input::note_packet() {
  const AVPacket& packet = *packet_;
  const bool own = packet.stream_index == stream_;
  if (own) ++packets_;
  if (own && (packet.flags & AV_PKT_FLAG_CORRUPT) != 0) note_damage();
  const std::int64_t stamp = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
  if (stamp == AV_NOPTS_VALUE) return;
  const AVRational unit = format_->streams[packet.stream_index]->time_base;
  const std::int64_t end = av_rescale_q(stamp + std::max<std::int64_t>(packet.duration, 0), unit, kMicroseconds) - begin();
  std::int64_t& until = own ? packets_until_ : others_until_;
  until = std::max(until, end);
}

base::Result<bool> Input::next(AVFrame& frame, const Limits& limits) {
  limits_ = &limits;
  auto more = decode(frame, limits);
  limits_ = nullptr;
  return more;
}

base::Result<bool> Input::decode(AVFrame& frame, const Limits& limits) {
  for (int damaged_at_end = 0;;) {
    BASE_TRY(check(limits, path_.c_str()));
    const int received = avcodec_receive_frame(codec_.get(), &frame);
    if (received >= 0) {
      last_packet_damaged_ = false;
      return true;
    }
    if (received == AVERROR_EOF) return false;
    // Any other error is one damaged frame: what follows may be whole, so go on.
    if (received != AVERROR(EAGAIN)) note_damage();
    if (draining_) {
      if (++damaged_at_end > kMaxDamagedAtEnd) return false;
      continue;
    }
    BASE_TRY_ASSIGN(const bool more, feed(limits));
    if (more) continue;
    draining_ = true;
    avcodec_send_packet(codec_.get(), nullptr);
  }
}

// One packet from the file to the decoder; false at the end of the file.
base::Result<bool> Input::feed(const Limits& limits) {
  const int read = av_read_frame(format_.get(), packet_.get());
  if (read == AVERROR(EAGAIN)) return true;
  if (read < 0) {
    BASE_TRY(check(limits, path_.c_str()));  // AVERROR_EXIT of the interrupt is not the end of the file
    if (read == AVERROR_EOF) return false;
    note_damage();
    return ++failed_reads_ < kMaxFailedReads;
  }
  failed_reads_ = 0;
  note_packet();
  if (packet_->stream_index == stream_ && avcodec_send_packet(codec_.get(), packet_.get()) < 0) note_damage();
  av_packet_unref(packet_.get());
  return true;
}

bool Input::seek(std::int64_t at, const Limits& limits) {
  limits_ = &limits;
  const int done = av_seek_frame(format_.get(), stream_, to_timestamp(at), AVSEEK_FLAG_BACKWARD);
  limits_ = nullptr;
  if (done < 0) return false;
  avcodec_flush_buffers(codec_.get());
  draining_ = false;
  failed_reads_ = 0;
  return true;
}

std::int64_t Input::begin() const noexcept { return format_->start_time == AV_NOPTS_VALUE ? 0 : format_->start_time; }

std::int64_t Input::to_time(std::int64_t timestamp) const noexcept {
  return av_rescale_q(timestamp, stream().time_base, kMicroseconds) - begin();
}

std::int64_t Input::to_timestamp(std::int64_t time) const noexcept {
  return av_rescale_q(time + begin(), kMicroseconds, stream().time_base);
}

void Input::note_damage() noexcept {
  ++damaged_;
  last_packet_damaged_ = true;
}

bool Input::ends_abruptly() const {
  const std::string_view container = format_->iformat->name;
  return last_packet_damaged_ || failed_reads_ > 0 || (container == "ogg" && !ogg_has_end_mark(path_)) ||
         (container == "mpegts" && !is_whole_transport_stream(path_));
}

std::int64_t Input::start() const noexcept { return stream().start_time == AV_NOPTS_VALUE ? 0 : to_time(stream().start_time); }

std::optional<std::int64_t> Input::time_of(const AVFrame& frame) const noexcept {
  const std::int64_t stamp = frame.pts != AV_NOPTS_VALUE ? frame.pts : frame.best_effort_timestamp;
  return stamp == AV_NOPTS_VALUE ? std::nullopt : std::optional(to_time(stamp));
}

bool Input::states_own_length() const {
  return counted_end() || has_own_duration(*format_, stream()) || tagged_duration(stream()) > 0;
}

// libav shortens the length of a truncated AVI to what is there; the number of pictures in the head of the file still counts.
std::optional<std::int64_t> Input::counted_end() const {
  const AVStream& own = stream();
  const bool counts = own.codecpar->codec_type == AVMEDIA_TYPE_VIDEO && std::string_view(format_->iformat->name) == "avi";
  if (!counts || own.nb_frames <= 0) return std::nullopt;
  return start() + av_rescale_q(own.nb_frames, own.time_base, kMicroseconds);
}

std::optional<std::int64_t> Input::stated_end() const {
  const AVStream& own = stream();
  if (const auto counted = counted_end()) return counted;
  if (const auto whole = length_before_cut(*format_, own, path_)) return std::max<std::int64_t>(start(), 0) + *whole;
  // libav then divides the size of the file by a bit rate.
  if (format_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) return std::nullopt;
  if (has_own_duration(*format_, own)) return start() + av_rescale_q(own.duration, own.time_base, kMicroseconds);
  if (const std::int64_t tagged = tagged_duration(own); tagged > 0) return tagged - begin();
  if (format_->duration == AV_NOPTS_VALUE || format_->duration <= 0) return std::nullopt;
  // Writers do not agree whether a start after 0 counts.
  const std::int64_t end = format_->duration - std::max<std::int64_t>(begin(), 0);
  return watches_others_ && end - others_until_ < kSameEnd ? std::nullopt : std::optional(end);
}

std::int64_t Input::duration() const noexcept {
  if (stream().duration != AV_NOPTS_VALUE && stream().duration > 0)
    return av_rescale_q(stream().duration, stream().time_base, kMicroseconds);
  return format_->duration != AV_NOPTS_VALUE && format_->duration > 0 ? format_->duration : 0;
}

}  // namespace media
