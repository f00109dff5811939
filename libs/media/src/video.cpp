#include "media/video.hpp"

#include <array>
#include <cmath>

#include "input.hpp"
#include "picture.hpp"

namespace media {
namespace {

using base::Error;
using base::ErrorCode;
using std::chrono::milliseconds;

// Microseconds from the beginning of the file.
using Time = std::int64_t;
constexpr Time kSecond = AV_TIME_BASE;
constexpr Time kDefaultFrameDuration = kSecond / 25;
// A file without a usable index: beyond this distance a seek is cheaper than decoding on.
constexpr Time kBlindSeekDistance = 10 * kSecond;

struct Decoded {
  Libav<AVFrame> frame{av_frame_alloc()};
  Time time = 0;
  Time duration = 0;
};

// 0 if unknown or absurd.
double frame_rate(const AVStream& stream) {
  for (const AVRational rate : {stream.avg_frame_rate, stream.r_frame_rate})
    if (rate.num > 0 && rate.den > 0 && av_q2d(rate) <= 1000) return av_q2d(rate);
  return 0;
}

VideoInfo describe(const Input& input) {
  VideoInfo info;
  const double rate = frame_rate(input.stream());
  info.fps = std::round(rate * 100) / 100;
  info.duration = milliseconds((input.duration() + 500) / 1000);
  const double counted = rate * static_cast<double>(input.duration()) / static_cast<double>(kSecond);
  info.frame_count = input.stream().nb_frames > 0 ? input.stream().nb_frames : std::llround(counted);
  info.width = input.codec().width;
  info.height = input.codec().height;
  info.codec = avcodec_get_name(input.codec().codec_id);
  return info;
}

}  // namespace

// Invariants between calls:
// - `current_` holds a frame, `earlier_` the one shown right before it; either may be empty.
// - `first_`: `current_` is the first frame of the file, so nothing lies before it.
// - `ended_`: nothing can be decoded after `current_`.
// - the decoder's next frame is the one after `current_`.
class VideoReader::Impl {
 public:
  Impl(std::unique_ptr<Input> input, Options options)
      : input_(std::move(input)), converter_(options.format), info_(describe(*input_)) {
    const double rate = frame_rate(input_->stream());
    frame_duration_ = rate > 0 ? std::llround(static_cast<double>(kSecond) / rate) : kDefaultFrameDuration;
  }

  const VideoInfo& info() const noexcept { return info_; }

  base::Result<std::optional<VideoFrame>> frame_at(milliseconds wanted, const Limits& limits) {
    const Time time = to_time(wanted);
    if (auto status = move_to(time, limits); !status) {
      lost_ = true;  // stopped between two packets or within one: where the demuxer stands is not known
      return std::move(status).error();
    }
    return pick(time);
  }

  bool beyond_last_frame(milliseconds wanted) const noexcept { return ended_ && to_time(wanted) > last_shown(); }

  // After frame_at(wanted) gave none: the next multiple of `step` that may give one. Time stamps may jump by years, in a damaged
  // file.
  milliseconds after_hole(milliseconds wanted, milliseconds step) const noexcept {
    const milliseconds next_frame((current_->time - frame_duration_) / 1000);
    return std::max(wanted + step, next_frame / step * step);
  }

 private:
  static Time to_time(milliseconds wanted) noexcept {
    constexpr Time kLongest = Time{1} << 52;  // keeps every sum and rescaling below 64 bits
    const Time limit = kLongest / 1000;
    return std::min(std::max<Time>(wanted.count(), -limit), limit) * 1000;
  }

  Time shown(const Decoded& decoded) const noexcept { return std::max(decoded.duration, frame_duration_); }
  Time last_shown() const noexcept { return current_ ? current_->time + shown(*current_) : 0; }

  // Brings `current_` to the first frame at or after `wanted`, or to the last frame.
  base::Status move_to(Time wanted, const Limits& limits) {
    BASE_TRY(check(limits, input_->path().c_str()));
    if (lost_ || !reaches_back_to(wanted) || worth_skipping_to(wanted)) BASE_TRY(seek(wanted, limits));
    while (!ended_ && (!current_ || current_->time < wanted)) BASE_TRY(advance(limits));
    if (current_) return {};
    return Error{ErrorCode::Corrupt, "no frame of \"" + input_->path() + "\" can be decoded; the file is truncated or damaged"};
  }

  bool reaches_back_to(Time wanted) const noexcept {
    if (!current_) return !touched_;
    return earlier_ ? wanted >= earlier_->time : first_ || wanted >= current_->time;
  }

  // True when a key frame lies between here and `wanted`, by the index; or, without one, when `wanted` is far.
  bool worth_skipping_to(Time wanted) const {
    if (ended_) return false;
    const Time here = current_ ? current_->time : 0;
    if (wanted - here <= frame_duration_) return false;
    AVStream* stream = &input_->stream();
    const int entries = avformat_index_get_entries_count(stream);
    const std::int64_t timestamp = input_->to_timestamp(wanted);
    const AVIndexEntry* key = avformat_index_get_entry_from_timestamp(stream, timestamp, AVSEEK_FLAG_BACKWARD);
    if (key != nullptr && input_->to_time(key->timestamp) > here + frame_duration_) return true;
    const AVIndexEntry* last = entries > 1 ? avformat_index_get_entry(stream, entries - 1) : nullptr;
    const bool index_covers = last != nullptr && last->timestamp >= timestamp;
    return !index_covers && wanted - here > kBlindSeekDistance;
  }

  base::Status seek(Time wanted, const Limits& limits) {
    touched_ = true;
    if (!lost_) {
      // A container may land late: on a key frame whose presentation lies after `wanted`, or on no key frame at all.
      for (const Time before : std::array<Time, 3>{0, 2 * kSecond, 15 * kSecond}) {
        if (wanted - before <= 0) break;
        if (!input_->seek(wanted - before, limits)) break;
        forget_position();
        BASE_TRY(advance_to_key_frame(limits));
        if (current_ && current_->time <= wanted) return {};
      }
    }
    return rewind(limits);
  }

  // By opening the file again: works for every container, and after an interrupted read too.
  base::Status rewind(const Limits& limits) {
    BASE_TRY_ASSIGN(input_, Input::open(input_->path(), AVMEDIA_TYPE_VIDEO, limits));
    forget_position();
    lost_ = false;
    touched_ = false;
    return {};
  }

  void forget_position() {
    current_.reset();
    earlier_.reset();
    ended_ = false;
    first_ = false;
  }

  // After a seek, frames that come before the first key frame lean on frames that were not decoded: they are dropped.
  base::Status advance_to_key_frame(const Limits& limits) {
    do BASE_TRY(advance(limits));
    while (!ended_ && !is_key_frame(*current_->frame));
    earlier_.reset();
    if (ended_) current_.reset();
    return {};
  }

  base::Status advance(const Limits& limits) {
    Decoded next = spare_ ? std::move(*spare_) : Decoded{};
    spare_.reset();
    if (!next.frame) return Error{ErrorCode::Unavailable, "out of memory while decoding \"" + input_->path() + "\""};
    av_frame_unref(next.frame.get());
    BASE_TRY_ASSIGN(const bool more, input_->next(*next.frame, limits));
    if (!more) {
      ended_ = true;
      return {};
    }
    const AVFrame& frame = *next.frame;
    const std::int64_t stamp = frame.best_effort_timestamp;
    next.duration = av_rescale_q(duration_of(frame), input_->stream().time_base, kMicroseconds);
    next.time = stamp != AV_NOPTS_VALUE ? input_->to_time(stamp) : current_ ? last_shown() : 0;
    first_ = !touched_ && !current_;
    spare_ = std::move(earlier_);
    earlier_ = std::move(current_);
    current_ = std::move(next);
    return {};
  }

  std::optional<VideoFrame> pick(Time wanted) {
    const bool after_all = ended_ && wanted > current_->time;
    const bool past_end = after_all && wanted >= end();
    const Decoded* nearest = &*current_;
    if (earlier_ && wanted - earlier_->time < current_->time - wanted) nearest = &*earlier_;
    const Time distance = std::abs(nearest->time - wanted);
    const Time allowed = wanted > nearest->time ? shown(*nearest) : frame_duration_;
    if (!past_end && distance > allowed) return std::nullopt;
    Image image = converter_.convert(*nearest->frame);
    if (image.pixels.empty()) return std::nullopt;
    const Time rounded = nearest->time >= 0 ? (nearest->time + 500) / 1000 : -((500 - nearest->time) / 1000);
    return VideoFrame{std::move(image), milliseconds(rounded), past_end};
  }

  // Where the video ends: as the file says, unless its last frame is shown longer. A truncated file still says where it would have
  // ended, so what is missing there is a hole and not the end. REQUIRES: ended_.
  Time end() const noexcept {
    const Time said = input_->duration();
    const Time seen = last_shown();
    // A few frames of difference are rounding of the container, not damage.
    return said > seen + 3 * frame_duration_ ? said : seen;
  }

  std::unique_ptr<Input> input_;
  PictureConverter converter_;
  VideoInfo info_;
  Time frame_duration_ = kDefaultFrameDuration;
  std::optional<Decoded> earlier_, current_, spare_;
  bool first_ = false;
  bool ended_ = false;
  bool touched_ = false;  // the decoder no longer stands at the beginning of the file by itself: a seek came before
  bool lost_ = false;     // an interrupted call: open again
};

VideoReader::VideoReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;
VideoReader::~VideoReader() = default;

base::Result<VideoReader> VideoReader::open(const std::string& path, Options options, const Limits& limits) {
  BASE_TRY_ASSIGN(auto input, Input::open(path, AVMEDIA_TYPE_VIDEO, limits));
  return VideoReader(std::make_unique<Impl>(std::move(input), options));
}

const VideoInfo& VideoReader::info() const noexcept { return impl_->info(); }

base::Result<std::optional<VideoFrame>> VideoReader::frame_at(milliseconds wanted, const Limits& limits) {
  return impl_->frame_at(wanted, limits);
}

base::Status VideoReader::every(milliseconds step, const Take& take, const Limits& limits) {
  if (step <= milliseconds(0)) return Error{ErrorCode::InvalidArgument, "the step between frames must be longer than 0 ms"};
  for (milliseconds wanted{0};;) {
    BASE_TRY_ASSIGN(auto frame, frame_at(wanted, limits));
    if (frame ? frame->past_end : impl_->beyond_last_frame(wanted)) return {};
    if (frame && !take(wanted, std::move(*frame))) return {};
    wanted = frame ? wanted + step : impl_->after_hole(wanted, step);
  }
}

}  // namespace media
