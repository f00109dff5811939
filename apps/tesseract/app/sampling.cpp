#include "sampling.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "clams/exceptions.hpp"
#include "failure.hpp"
#include "mmif/time.hpp"

namespace ocr_app {
namespace {

using mmif::Annotation;
using mmif::Mmif;
using std::chrono::milliseconds;

// A TimeFrame of "all" without targets yields every frame: eleven days at 100 frames a second.
constexpr std::size_t kMostSamples = 100'000'000;

milliseconds whole(double time) { return milliseconds(std::llrint(std::clamp(time, -1e15, 1e15))); }  // half to even

class Sampler {
 public:
  Sampler(const Mmif& mmif, const Annotation& video, const Sampling& sampling, double fps)
      : mmif_(mmif), video_(video), sampling_(sampling), fps_(fps) {}

  std::vector<Annotation*> about_the_video(std::string_view type) const {
    std::vector<Annotation*> found = mmif_.annotations(type);
    std::erase_if(found, [&](const Annotation* annotation) {
      return mmif::document_of(mmif_, *annotation) != &video_ ||
             (!sampling_.labels.empty() && !sampling_.labels.contains(std::string(annotation->string("label"))));
    });
    return found;
  }

  void add_time_point(const Annotation& time_point, const Annotation* time_frame) {
    add({whole(value_or_fail(mmif::extent_ms(mmif_, time_point), "time of " + time_point.id()).start), &time_point, time_frame});
  }

  // False when the TimeFrame gives no frame in this mode.
  bool add_time_frame(const Annotation& time_frame) {
    const auto representatives = references(time_frame, "representatives");
    switch (sampling_.mode) {
      case SamplingMode::Representatives:
        for (const Annotation* one : representatives) add_time_point(*one, &time_frame);
        return !representatives.empty();
      case SamplingMode::Single:
        if (representatives.empty()) {
          const mmif::Extent extent = extent_of(time_frame);
          add({milliseconds(static_cast<std::int64_t>(std::floor((extent.start + extent.end) / 2))), nullptr, &time_frame});
        } else {
          add_time_point(*representatives[representatives.size() / 2], &time_frame);
        }
        return true;
      case SamplingMode::All: return add_all(time_frame);
    }
    return false;
  }

  std::vector<Sample> sorted() && {
    std::stable_sort(samples_.begin(), samples_.end(), [](const Sample& a, const Sample& b) { return a.time < b.time; });
    return std::move(samples_);
  }

 private:
  mmif::Extent extent_of(const Annotation& time_frame) const {
    return value_or_fail(mmif::extent_ms(mmif_, time_frame), "time of " + time_frame.id());
  }

  bool add_all(const Annotation& time_frame) {
    const auto targets = references(time_frame, "targets");
    for (const Annotation* target : targets) add_time_point(*target, &time_frame);
    if (!targets.empty()) return true;
    if (!(fps_ > 0))
      throw clams::ValueError("the frame rate of video " + video_.id() +
                              " is unknown, so tfSamplingMode=all cannot tell the frames of " + time_frame.id());
    const mmif::Extent extent = extent_of(time_frame);
    if ((extent.end - extent.start) / 1000 * fps_ > static_cast<double>(kMostSamples))
      throw clams::ValueError("TimeFrame " + time_frame.id() + " is too long to read every frame of it");
    for (std::size_t n = 0;; ++n) {
      const double time = extent.start + static_cast<double>(n) * 1000 / fps_;
      if (time >= extent.end) return n > 0;
      add({whole(time), nullptr, &time_frame});
    }
  }

  std::vector<const Annotation*> references(const Annotation& annotation, std::string_view property) const {
    std::vector<const Annotation*> found;
    const mmif::Value* value = annotation.find(property);
    const mmif::Array* ids = value != nullptr ? value->array() : nullptr;
    if (ids == nullptr) return found;
    for (const auto& id : *ids) {
      const Annotation* other = mmif_.find(id.as_string());
      if (other == nullptr)
        throw clams::ValueError(annotation.id() + " has \"" + std::string(id.as_string()) + "\" among its " +
                                std::string(property) + ", which does not exist");
      found.push_back(other);
    }
    return found;
  }

  void add(Sample sample) {
    const bool is_new = sample.time_point != nullptr ? seen_points_.insert(sample.time_point).second
                                                     : seen_times_.insert(sample.time.count()).second;
    if (is_new) samples_.push_back(sample);
  }

  const Mmif& mmif_;
  const Annotation& video_;
  const Sampling& sampling_;
  double fps_;
  std::vector<Sample> samples_;
  std::set<const Annotation*> seen_points_;
  std::set<std::int64_t> seen_times_;
};

}  // namespace

std::vector<Sample> samples_of(const Mmif& mmif, const Annotation& video, const Sampling& sampling, double fps,
                               const std::function<void(const std::string&)>& warn) {
  Sampler sampler(mmif, video, sampling, fps);
  const auto frames =
      sampling.at == SampleAt::TimePoints ? std::vector<Annotation*>() : sampler.about_the_video(mmif::types::TimeFrame);
  std::size_t skipped = 0;
  for (const Annotation* frame : frames) skipped += sampler.add_time_frame(*frame) ? 0 : 1;
  if (skipped > 0 && sampling.mode == SamplingMode::Representatives)
    warn(std::to_string(skipped) + " of " + std::to_string(frames.size()) + " TimeFrames of video " + video.id() +
         " have no representatives and were skipped; tfSamplingMode=single reads their middle");

  const bool at_points = sampling.at == SampleAt::TimePoints || (sampling.at == SampleAt::Auto && frames.empty());
  const auto points = at_points ? sampler.about_the_video(mmif::types::TimePoint) : std::vector<Annotation*>();
  for (const Annotation* point : points) sampler.add_time_point(*point, nullptr);
  if (frames.empty() && points.empty())
    warn("video " + video.id() + " has no " +
         (sampling.at == SampleAt::Auto ? "TimeFrame or TimePoint"
          : at_points                   ? "TimePoint"
                                        : "TimeFrame") +
         (sampling.labels.empty() ? "" : " with one of the given labels") +
         ", so no frame of it was read; sampleEvery=1 reads one a second");
  return std::move(sampler).sorted();
}

}  // namespace ocr_app
