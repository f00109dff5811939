#include "media/video.hpp"

#include <array>
#include <cmath>
#include <utility>

#include "input.hpp"
#include "picture.hpp"
#include "turn.hpp"
#include "video_record.hpp"

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

// A frame that is not shown yet stands for a time before it only if it is nearly that time.
constexpr Time kMostAhead = kSecond / 10;
// Of time stamps in whole milliseconds.
constexpr Time kRounding = kSecond / 1000;
// A hole between two frames shorter than this is the rhythm of a source that drops frames.
constexpr Time kLeastHole = kSecond / 4;
// A time stamp that leaps so far may be a wrong one: the next one shows.
constexpr Time kDoubtfulLeap = 2 * kSecond;

struct Decoded {
  Libav<AVFrame> frame{av_frame_alloc()};
  Time time = 0;
  Time duration = 0;
  bool errors_before = false;  // something between it and the frame before could not be read or decoded
  bool distorted = false;
};

bool is_damaged(const AVFrame& frame) noexcept {
  return frame.decode_error_flags != 0 || (frame.flags & AV_FRAME_FLAG_CORRUPT) != 0;
}

// 0 if unknown or absurd.
double frame_rate(const AVStream& stream) {
  for (const AVRational rate : {stream.avg_frame_rate, stream.r_frame_rate})
    if (rate.num > 0 && rate.den > 0 && av_q2d(rate) <= 1000) return av_q2d(rate);
  return 0;
}

// The rate of a screen recording or slide show, where a frame stays until the next one comes. Twice the rate is interlaced video.
bool has_variable_rate(const AVStream& stream) {
  const AVRational average = stream.avg_frame_rate, base = stream.r_frame_rate;
  if (average.num <= 0 || average.den <= 0 || base.num <= 0 || base.den <= 0) return false;
  return av_q2d(average) < 0.4 * av_q2d(base);
}

VideoInfo describe(const Input& input) {
  VideoInfo info;
  const double rate = frame_rate(input.stream());
  info.fps = std::round(rate * 100) / 100;
  info.duration = milliseconds((input.duration() + 500) / 1000);
  const double counted = rate * static_cast<double>(input.duration()) / static_cast<double>(kSecond);
  info.frame_count = input.stream().nb_frames > 0 ? input.stream().nb_frames : std::llround(counted);
  const AVRational pixel = av_guess_sample_aspect_ratio(&input.format(), &input.stream(), nullptr);
  const Size size = square_size(input.codec().width, input.codec().height, pixel);
  const bool across = turn_of(input.stream()).transpose;
  info.width = across ? size.height : size.width;
  info.height = across ? size.width : size.height;
  info.codec = avcodec_get_name(input.codec().codec_id);
  return info;
}

}  // namespace

// Invariants between calls:
// - `current_` holds a frame, `earlier_` the one shown right before it; either may be empty. Their times ascend.
// - `first_`: `current_` is the first frame of the file, so nothing lies before it.
// - `ended_`: nothing can be decoded after `current_`.
// - the next frame is `ahead_`, or the decoder's next one if that is empty.
class VideoReader::Impl {
 public:
  Impl(std::unique_ptr<Input> input, Options options)
      : input_(std::move(input)), converter_(options.format), info_(describe(*input_)) {
    const double rate = frame_rate(input_->stream());
    frame_duration_ = rate > 0 ? std::llround(static_cast<double>(kSecond) / rate) : kDefaultFrameDuration;
    variable_rate_ = has_variable_rate(input_->stream());
    begin_ = input_->start();
  }

  const VideoInfo& info() const noexcept { return info_; }

  base::Result<VideoLook> frame_at(milliseconds wanted, const Limits& limits) {
    const Time time = to_time(wanted);
    if (auto status = move_to(time, limits); !status) {
      lost_ = true;  // stopped between two packets or within one: where the demuxer stands is not known
      return std::move(status).error();
    }
    return look_at(time);
  }

  bool beyond_last_frame(milliseconds wanted) const noexcept { return ended_ && to_time(wanted) >= last_shown(); }

  // After frame_at(wanted) gave none: the next multiple of `step` that may give one. Time stamps may jump by years, in a damaged
  // file.
  milliseconds after_hole(milliseconds wanted, milliseconds step) const noexcept {
    const milliseconds next_frame((current_->time - frame_duration_) / 1000);
    return std::max(wanted + step, next_frame / step * step);
  }

  VideoLosses losses() const { return record_.losses(begin_, std::max(latest_shown_, stated_end().value_or(0))); }

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
    if (input_->packets() == 0) return Error{ErrorCode::Corrupt, "the video stream of \"" + input_->path() + "\" holds no frame"};
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
    // Where this reader stands can be read, so a file that ends before `wanted` need not be read again from its beginning.
    const Time back = current_ && current_->time < wanted ? wanted - current_->time : 0;
    touched_ = true;
    if (!lost_) {
      // A container may land late: on a key frame whose presentation lies after `wanted`, or on no key frame at all.
      for (const Time before : std::array<Time, 4>{0, 2 * kSecond, 15 * kSecond, back > 0 ? back : 60 * kSecond}) {
        if (wanted - before <= 0) continue;
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
    ahead_.reset();
    ended_ = false;
    first_ = false;
    distorted_ = false;
    errors_seen_ = input_->damaged_packets();
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
    for (;;) {
      BASE_TRY_ASSIGN(auto next, take(limits));
      if (!next) {
        ended_ = true;
        if (current_) note_end(errors_at_end_);
        return {};
      }
      if (current_ && next->time < current_->time) {
        if (current_->time - next->time > kLeastHole) record_.stepped_back(current_->time);
        spare_ = std::move(next);
        continue;
      }
      if (current_ && next->time - last_shown() > kDoubtfulLeap) BASE_TRY(doubt(*next, limits));
      note_hole(*next);
      first_ = !touched_ && !current_;
      spare_ = std::move(earlier_);
      earlier_ = std::move(current_);
      current_ = std::move(*next);
      latest_shown_ = std::max(latest_shown_, last_shown());
      return {};
    }
  }

  // One wrong time stamp, far ahead, would put everything after it into the past: if the frame after `next` steps back to where
  // this one should be, `next` is dropped for it.
  base::Status doubt(Decoded& next, const Limits& limits) {
    BASE_TRY_ASSIGN(ahead_, take(limits));
    if (!ahead_ || ahead_->time >= next.time || ahead_->time < current_->time) return {};
    std::swap(next, *ahead_);
    next.errors_before = true;
    spare_ = std::move(ahead_);
    ahead_.reset();
    return {};
  }

  // The next frame in the order of the decoder; none at the end.
  base::Result<std::optional<Decoded>> take(const Limits& limits) {
    if (ahead_) return std::exchange(ahead_, std::nullopt);
    Decoded next = spare_ ? std::move(*spare_) : Decoded{};
    spare_.reset();
    if (!next.frame) return Error{ErrorCode::Unavailable, "out of memory while decoding \"" + input_->path() + "\""};
    av_frame_unref(next.frame.get());
    BASE_TRY_ASSIGN(const bool more, input_->next(*next.frame, limits));
    next.errors_before = input_->damaged_packets() != errors_seen_;
    errors_seen_ = input_->damaged_packets();
    errors_at_end_ = !more && next.errors_before;
    if (!more) return std::optional<Decoded>();
    const AVFrame& frame = *next.frame;
    const std::int64_t stamp = frame.best_effort_timestamp;
    next.duration = av_rescale_q(duration_of(frame), input_->stream().time_base, kMicroseconds);
    next.time = stamp != AV_NOPTS_VALUE ? input_->to_time(stamp) : current_ ? last_shown() : 0;
    if (is_damaged(frame))
      distorted_ = true;
    else if (is_key_frame(frame))
      distorted_ = false;
    else if (next.errors_before)
      distorted_ = true;
    next.distorted = distorted_;
    return std::optional<Decoded>(std::move(next));
  }

  // What should lie between `current_`, or the beginning of the file, and `next`.
  void note_hole(const Decoded& next) {
    if (!current_ && touched_) return;  // after a seek nothing is known of what lies before
    const Time from = current_ ? last_shown() : begin_;
    const Time length = next.time - from;
    if (next.errors_before && length > frame_duration_ / 2) return record_.missing(from, next.time, Gap::Reason::Damaged);
    if (length <= std::max(frame_duration_ * 3 / 2, kLeastHole) || (current_ && variable_rate_)) return;
    record_.missing(from, next.time, current_ ? Gap::Reason::Jump : Gap::Reason::Damaged);
  }

  // REQUIRES: ended_, current_.
  void note_end(bool errors) {
    const Time from = last_shown(), to = end();
    if (to > from) {
      const bool packets_go_on = input_->packets_until() >= to - frame_duration_;
      return record_.missing(from, to, packets_go_on ? Gap::Reason::Damaged : Gap::Reason::EndsEarly);
    }
    if (errors && input_->packets_until() - from > frame_duration_ / 2)
      record_.missing(from, input_->packets_until(), Gap::Reason::Damaged);
    // A file that states how long it is would have shown above that it is cut.
    if (!stated_end() && input_->ends_abruptly()) record_.cut(from);
  }

  VideoLook look_at(Time wanted) {
    const Decoded* shown_then = frame_shown_at(wanted);
    if (shown_then == nullptr) return VideoLook{std::nullopt, absence_at(wanted)};
    Image image = converter_.convert(*shown_then->frame, pixel_shape(*shown_then->frame));
    if (image.pixels.empty()) return VideoLook{};
    image = turned(std::move(image), turn_of(*shown_then->frame, input_->stream()));
    return VideoLook{VideoFrame{std::move(image), to_milliseconds(shown_then->time), shown_then->distorted}};
  }

  const Decoded* frame_shown_at(Time wanted) const noexcept {
    const bool earlier_is_nearer = earlier_ && wanted - earlier_->time < current_->time - wanted;
    const Decoded& nearest = earlier_is_nearer ? *earlier_ : *current_;
    const Time ahead = nearest.time - wanted;
    // Half a frame is rounding. More is another time, but at the beginning, where no other picture could be meant.
    const Time most = first_ ? frame_duration_ : frame_duration_ / 2 + kRounding;
    if (ahead >= 0 ? ahead <= std::min(most, kMostAhead) : -ahead < shown(nearest)) return &nearest;
    if (earlier_ && wanted < current_->time && (variable_rate_ || wanted < earlier_->time + shown(*earlier_))) return &*earlier_;
    return nullptr;
  }

  // Why no frame is shown at `wanted`.
  VideoLook::Absence absence_at(Time wanted) const {
    if (ended_ && wanted >= end()) return VideoLook::Absence::PastEnd;
    if (!first_ || wanted >= current_->time || wanted >= begin_) return VideoLook::Absence::Gap;
    return VideoLook::Absence::BeforeBeginning;
  }

  AVRational pixel_shape(AVFrame& frame) const {
    return av_guess_sample_aspect_ratio(&input_->format(), &input_->stream(), &frame);
  }

  // Where the video ends: as the file states, unless its last frame is shown longer. A truncated file still states where it would
  // have ended, so what is missing there is a gap. REQUIRES: ended_.
  Time end() const {
    const Time seen = last_shown();
    const auto stated = stated_end();
    if (!stated) return seen;
    const Time tolerance = input_->states_own_length() ? frame_duration_ * 3 / 2 : std::max(3 * frame_duration_, kLeastHole);
    return *stated > seen + tolerance ? *stated : seen;
  }

  // None where the length is only measured: by the packets, whether they can be decoded or not.
  std::optional<Time> stated_end() const { return input_->length_is_measured() ? std::nullopt : input_->stated_end(); }

  std::unique_ptr<Input> input_;
  PictureConverter converter_;
  VideoInfo info_;
  Time frame_duration_ = kDefaultFrameDuration;
  Time begin_ = 0;
  bool variable_rate_ = false;
  std::optional<Decoded> earlier_, current_, ahead_, spare_;
  bool first_ = false;
  bool ended_ = false;
  bool touched_ = false;  // the decoder no longer stands at the beginning of the file by itself: a seek came before
  bool lost_ = false;     // an interrupted call: open again
  bool distorted_ = false;
  bool errors_at_end_ = false;
  std::uint64_t errors_seen_ = 0;
  Time latest_shown_ = 0;
  VideoRecord record_;
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
VideoLosses VideoReader::losses() const { return impl_->losses(); }

base::Result<VideoLook> VideoReader::frame_at(milliseconds wanted, const Limits& limits) { return impl_->frame_at(wanted, limits); }

base::Status VideoReader::every(milliseconds step, const Take& take, const Limits& limits) {
  if (step <= milliseconds(0)) return Error{ErrorCode::InvalidArgument, "the step between frames must be longer than 0 ms"};
  for (milliseconds wanted{0};;) {
    BASE_TRY_ASSIGN(auto look, frame_at(wanted, limits));
    if (!look && (look.absence == VideoLook::Absence::PastEnd || impl_->beyond_last_frame(wanted))) return {};
    if (look && !take(wanted, std::move(*look))) return {};
    wanted = look ? wanted + step : impl_->after_hole(wanted, step);
  }
}

}  // namespace media
