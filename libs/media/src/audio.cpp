#include "media/audio.hpp"

#include <algorithm>
#include <utility>

#include "input.hpp"
#include "sound_line.hpp"

namespace media {
namespace {

using base::Error;
using base::ErrorCode;
using std::chrono::milliseconds;

constexpr std::size_t kReadAllBlock = 1 << 16;
// How much less than the file states may be there. The codings for speech and music add samples at both ends and take them away: one
// frame and what the filters hold before the sound, up to two frames behind it (LAME). Files state the length with or without them.
constexpr std::int64_t kSlack = 100'000, kExactSlack = 10'000;
constexpr std::int64_t kSlackFrames = 5;

bool is_lossless(AVCodecID codec) {
  const AVCodecDescriptor* descriptor = avcodec_descriptor_get(codec);
  return descriptor != nullptr && (descriptor->props & AV_CODEC_PROP_LOSSLESS) != 0;
}

}  // namespace

class AudioReader::Impl {
 public:
  Impl(std::unique_ptr<Input> input, Options options) : input_(std::move(input)), rate_(options.rate), line_(input_->start()) {
    const AVCodecContext& codec = input_->codec();
    info_.source_rate = codec.sample_rate;
    info_.channels = codec.ch_layout.nb_channels;
    info_.duration = milliseconds((input_->duration() + 500) / 1000);
    info_.start = milliseconds(input_->start() / 1000);
    info_.codec = avcodec_get_name(codec.codec_id);
  }

  const AudioInfo& info() const noexcept { return info_; }
  int rate() const noexcept { return rate_; }
  const std::string& path() const noexcept { return input_->path(); }

  const SoundLine& line() const noexcept { return line_; }

  base::Result<std::size_t> read(std::span<float> block, const Limits& limits) {
    std::size_t filled = 0;
    while (filled < block.size()) {
      if (taken_ == ready_.size()) {
        if (ended_) break;
        BASE_TRY(refill(limits));
        continue;
      }
      const std::size_t count = std::min(block.size() - filled, ready_.size() - taken_);
      std::copy_n(ready_.begin() + static_cast<std::ptrdiff_t>(taken_), count, block.begin() + static_cast<std::ptrdiff_t>(filled));
      taken_ += count;
      filled += count;
    }
    return filled;
  }

 private:
  base::Status refill(const Limits& limits) {
    made_ += ready_.size();
    ready_.clear();
    taken_ = 0;
    BASE_TRY_ASSIGN(const bool more, input_->next(*frame_, limits));
    if (!more) return finish();
    auto status = take(*frame_);
    av_frame_unref(frame_.get());
    return status;
  }

  base::Status finish() {
    ended_ = true;
    line_.finish({.stated = input_->stated_end(),
                  .packets = input_->packets_until(),
                  .slack = is_lossless(input_->codec().codec_id) ? kExactSlack : std::max(kSlack, kSlackFrames * longest_frame_),
                  .abrupt = input_->ends_abruptly()});
    return resampler_ ? convert(nullptr) : base::Status{};
  }

  base::Status take(AVFrame& frame) {
    BASE_TRY(prepare(frame));
    const bool damaged = std::exchange(damaged_before_, input_->damaged_packets()) != input_->damaged_packets();
    const auto stamp = input_->time_of(frame);
    const auto step = line_.place(stamp, frame.nb_samples, frame.sample_rate, damaged);
    longest_frame_ = std::max(longest_frame_, std::int64_t{1'000'000} * frame.nb_samples / frame.sample_rate);
    if (step.silence > 0) BASE_TRY(check_resampled(swr_inject_silence(resampler_.get(), static_cast<int>(step.silence))));
    if (step.leap) {
      // What the resampler holds belongs before the leap.
      BASE_TRY(convert(nullptr));
      resampler_.reset();
      line_.leap_at(made_ + ready_.size());
      BASE_TRY(prepare(frame));
    }
    return convert(&frame);
  }

  // A new resampler whenever rate, layout or sample format change within the stream; what the old one held back is kept.
  base::Status prepare(AVFrame& frame) {
    if (frame.ch_layout.nb_channels <= 0 || frame.sample_rate <= 0)
      return Error{ErrorCode::Corrupt, "the audio of \"" + path() + "\" has no channels or no sample rate"};
    if (frame.ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) av_channel_layout_default(&frame.ch_layout, frame.ch_layout.nb_channels);
    const Format format{frame.sample_rate, frame.ch_layout.nb_channels, frame.format};
    if (resampler_ && format == format_) return {};
    if (resampler_) BASE_TRY(convert(nullptr));
    format_ = format;
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    SwrContext* resampler = nullptr;
    int code = swr_alloc_set_opts2(&resampler, &mono, AV_SAMPLE_FMT_FLT, rate_, &frame.ch_layout,
                                   static_cast<AVSampleFormat>(frame.format), frame.sample_rate, 0, nullptr);
    resampler_.reset(resampler);
    // Else two equal channels are summed to 1.4 times their level and full scale is exceeded.
    if (code >= 0) code = av_opt_set_double(resampler, "rematrix_maxval", 1.0, 0);
    if (code >= 0) code = swr_init(resampler);
    if (code >= 0) return {};
    resampler_.reset();
    return Error{ErrorCode::Unsupported, "cannot resample the audio of \"" + path() + "\": " + libav_text(code), code};
  }

  // Appends to `ready_`; nullptr: what the resampler still holds.
  base::Status convert(const AVFrame* frame) {
    const int samples = frame != nullptr ? frame->nb_samples : 0;
    const int room = swr_get_out_samples(resampler_.get(), samples);
    if (room <= 0) return {};
    const std::size_t before = ready_.size();
    ready_.resize(before + static_cast<std::size_t>(room));
    std::uint8_t* out[] = {reinterpret_cast<std::uint8_t*>(ready_.data() + before)};
    auto** in = frame != nullptr ? const_cast<const std::uint8_t**>(frame->extended_data) : nullptr;
    const int made = swr_convert(resampler_.get(), out, room, in, samples);
    ready_.resize(before + static_cast<std::size_t>(std::max(made, 0)));
    return check_resampled(made);
  }

  base::Status check_resampled(int code) const {
    if (code >= 0) return {};
    return Error{ErrorCode::Corrupt, "cannot resample the audio of \"" + path() + "\": " + libav_text(code), code};
  }

  struct Format {
    int rate = 0, channels = 0, sample = -1;
    bool operator==(const Format&) const = default;
  };

  std::unique_ptr<Input> input_;
  int rate_;
  SoundLine line_;
  AudioInfo info_;
  Libav<AVFrame> frame_{av_frame_alloc()};
  Libav<SwrContext> resampler_;
  Format format_;
  std::vector<float> ready_;  // resampled and not yet handed out, from taken_ on
  std::size_t taken_ = 0;
  std::uint64_t made_ = 0;  // samples before `ready_`
  std::uint64_t damaged_before_ = 0;
  std::int64_t longest_frame_ = 0;  // microseconds
  bool ended_ = false;
};

AudioReader::AudioReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AudioReader::AudioReader(AudioReader&&) noexcept = default;
AudioReader& AudioReader::operator=(AudioReader&&) noexcept = default;
AudioReader::~AudioReader() = default;

base::Result<AudioReader> AudioReader::open(const std::string& path, Options options, const Limits& limits) {
  if (options.rate < 1000 || options.rate > 384'000)
    return Error{ErrorCode::InvalidArgument, "sample rate " + std::to_string(options.rate) + " Hz is outside 1000 to 384000"};
  BASE_TRY_ASSIGN(auto input, Input::open(path, AVMEDIA_TYPE_AUDIO, limits));
  return AudioReader(std::make_unique<Impl>(std::move(input), options));
}

const AudioInfo& AudioReader::info() const noexcept { return impl_->info(); }
const std::vector<AudioStretch>& AudioReader::stretches() const noexcept { return impl_->line().stretches(); }
const Completeness& AudioReader::completeness() const noexcept { return impl_->line().completeness(); }

base::Result<std::size_t> AudioReader::read(std::span<float> block, const Limits& limits) { return impl_->read(block, limits); }

base::Result<std::vector<float>> AudioReader::read_all(milliseconds longest, const Limits& limits) {
  const auto bounded = static_cast<std::size_t>(std::clamp<std::int64_t>(longest.count(), 0, std::int64_t{1} << 40));
  const std::size_t most = bounded * static_cast<std::size_t>(impl_->rate()) / 1000;
  std::vector<float> samples;
  std::vector<float> block(kReadAllBlock);
  for (;;) {
    BASE_TRY_ASSIGN(const std::size_t count, impl_->read(block, limits));
    if (count == 0) return samples;
    if (samples.size() + count > most)
      return Error{ErrorCode::InvalidArgument, "the audio of \"" + impl_->path() + "\" is longer than " +
                                                   std::to_string(longest.count() / 1000) + " s; read it in blocks"};
    samples.insert(samples.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

}  // namespace media
