#include "video_pages.hpp"

#include "failure.hpp"
#include "media/libav_log.hpp"
#include "media/video.hpp"

namespace ocr_app {
namespace {

using std::chrono::milliseconds;

void note_facts(mmif::Annotation& video, const media::VideoInfo& info) {
  video.set("fps", info.fps);
  video.set("frameCount", info.frame_count);
  video.set("duration", info.duration.count());
}

ocr::Picture picture_of(const media::Image& image) {
  return value_or_fail(ocr::Picture::from_gray(image.pixels.data(), image.width, image.height, image.stride));
}

// Times as people read them in a warning: the first few.
class TimeList {
 public:
  void add(milliseconds time) {
    if (++count_ <= kShown) text_ += (text_.empty() ? "" : ", ") + std::to_string(time.count());
  }
  bool empty() const { return count_ == 0; }
  std::string text() const { return std::to_string(count_) + " timepoint(s) (" + text_ + (count_ > kShown ? ", …" : "") + " ms)"; }

 private:
  static constexpr std::size_t kShown = 5;
  std::size_t count_ = 0;
  std::string text_;
};

void read_every(media::VideoReader& reader, milliseconds step, const FrameRun& run) {
  const auto total = static_cast<double>(std::max<std::int64_t>(reader.info().duration.count(), 1));
  const auto status = reader.every(
      step,
      [&](milliseconds wanted, const media::VideoFrame& frame) {
        run.take({wanted, nullptr, nullptr}, picture_of(frame.image), std::min(1.0, static_cast<double>(wanted.count()) / total));
        return true;
      },
      {.stop = run.stop});
  if (!status) fail(status.error());
}

void read_samples(media::VideoReader& reader, const std::vector<Sample>& samples, const std::string& video_id,
                  const FrameRun& run) {
  TimeList missing, late;
  std::size_t done = 0;
  for (Sample sample : samples) {
    const auto frame = value_or_fail(reader.frame_at(sample.time, {.stop = run.stop}));
    ++done;
    if (!frame) {
      missing.add(sample.time);
      continue;
    }
    if (frame->past_end) {
      late.add(sample.time);
      sample.time = frame->time;
    }
    run.take(sample, picture_of(frame->image), static_cast<double>(done) / static_cast<double>(samples.size()));
  }
  if (!missing.empty()) run.warn("No image is available for " + missing.text() + " of video " + video_id + "; they were left out.");
  if (!late.empty()) run.warn(late.text() + " lie past the end of video " + video_id + "; its last frame was read for them.");
}

}  // namespace

void read_frames(const mmif::Mmif& mmif, mmif::Annotation& video, const Sampling& sampling, const FrameRun& run) {
  const std::string path = value_or_fail(video.location_path(), "video " + video.id());
  auto reader = value_or_fail(media::VideoReader::open(path, {}, {.stop = run.stop}), "video " + video.id());
  note_facts(video, reader.info());
  if (sampling.every > milliseconds(0)) return read_every(reader, sampling.every, run);
  read_samples(reader, samples_of(mmif, video, sampling, reader.info().fps, run.warn), video.id(), run);
}

bool video_is_supported() noexcept { return true; }
void quiet_video_library() noexcept { media::set_libav_log(media::LibavLog::Errors); }
std::string video_library() { return media::libav_version(); }
std::string video_library_license() { return media::libav_license(); }

}  // namespace ocr_app
