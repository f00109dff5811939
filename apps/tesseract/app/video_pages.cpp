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

// Times as people read them in a warning: the first few, and the last.
class TimeList {
 public:
  void add(milliseconds time) {
    if (++count_ <= kShown) text_ += (text_.empty() ? "" : ", ") + std::to_string(time.count());
    last_ = time;
  }
  bool empty() const { return count_ == 0; }
  std::string text() const {
    const std::string rest = count_ > kShown ? ", … " + std::to_string(last_.count()) : "";
    return std::to_string(count_) + " timepoint(s) (" + text_ + rest + " ms)";
  }

 private:
  static constexpr std::size_t kShown = 5;
  std::size_t count_ = 0;
  std::string text_;
  milliseconds last_{0};
};

// Reads one video and keeps account of what could not be read of it.
class FrameReading {
 public:
  FrameReading(media::VideoReader& reader, const mmif::Annotation& video, const FrameRun& run)
      : reader_(reader), name_("video " + video.id()), run_(run) {}

  void every(milliseconds step) {
    const auto total = static_cast<double>(std::max<std::int64_t>(reader_.info().duration.count(), 1));
    const auto status =
        reader_.every(step,
                      [&](milliseconds wanted, const media::VideoFrame& frame) {
                        take({wanted, nullptr, nullptr}, frame, std::min(1.0, static_cast<double>(wanted.count()) / total));
                        return true;
                      },
                      {.stop = run_.stop});
    if (!status) fail(status.error(), name_);
  }

  void at(const std::vector<Sample>& samples) {
    std::size_t done = 0;
    for (const Sample& sample : samples) {
      auto look = value_or_fail(reader_.frame_at(sample.time, {.stop = run_.stop}), name_);
      const double progress = static_cast<double>(++done) / static_cast<double>(samples.size());
      if (look)
        take(sample, *look, progress);
      else
        list_of(look.absence).add(sample.time);
    }
  }

  void tell_losses() const {
    if (!missing_.empty()) run_.warn("No image is available for " + missing_.text() + " of " + name_ + "; they were left out.");
    if (!late_.empty()) run_.warn(late_.text() + " lie past the end of " + name_ + end_in_words() + "; nothing was read for them.");
    if (!early_.empty()) run_.warn(early_.text() + " lie before the first picture of " + name_ + "; nothing was read for them.");
    if (!distorted_.empty())
      run_.warn("the pictures at " + distorted_.text() + " of " + name_ + " are damaged; what could be decoded of them was read.");
    const media::VideoLosses losses = reader_.losses();
    if (!losses.missing.complete()) run_.warn(name_ + ": " + media::describe(losses.missing) + "; what is there was read.");
    if (losses.without_place > 0)
      run_.warn(name_ + ": the time stamps step back at " + media::clock_time(losses.step_back_at) + "; " +
                std::to_string(losses.without_place) +
                " pictures after it bear times that had passed and were left out. Write the file anew to get one time axis.");
  }

 private:
  void take(const Sample& sample, const media::VideoFrame& frame, double progress) {
    if (frame.distorted) distorted_.add(sample.time);
    run_.take(sample, picture_of(frame.image), progress);
  }

  TimeList& list_of(media::VideoLook::Absence absence) {
    switch (absence) {
      case media::VideoLook::Absence::PastEnd: return late_;
      case media::VideoLook::Absence::BeforeBeginning: return early_;
      case media::VideoLook::Absence::Gap: return missing_;
    }
    return missing_;
  }

  std::string end_in_words() const {
    const auto duration = reader_.info().duration;
    return duration > milliseconds(0) ? ", which is " + media::clock_time(duration) + " long" : "";
  }

  media::VideoReader& reader_;
  std::string name_;
  const FrameRun& run_;
  TimeList missing_, late_, early_, distorted_;
};

}  // namespace

void read_frames(const mmif::Mmif& mmif, mmif::Annotation& video, const Sampling& sampling, const FrameRun& run) {
  const std::string path = value_or_fail(video.location_path(), "video " + video.id());
  auto reader = value_or_fail(media::VideoReader::open(path, {}, {.stop = run.stop}), "video " + video.id());
  note_facts(video, reader.info());
  FrameReading reading(reader, video, run);
  if (sampling.every > milliseconds(0))
    reading.every(sampling.every);
  else
    reading.at(samples_of(mmif, video, sampling, reader.info().fps, run.warn));
  reading.tell_losses();
}

bool video_is_supported() noexcept { return true; }
void quiet_video_library() noexcept { media::set_libav_log(media::LibavLog::Errors); }
std::string video_library() { return media::libav_version(); }
std::string video_library_license() { return media::libav_license(); }

}  // namespace ocr_app
