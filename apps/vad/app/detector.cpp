#include "app/detector.hpp"

#include <whisper.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <mutex>
#include <string>

#include "app/silero_weights.hpp"

namespace vad_app {
namespace {

using std::chrono::milliseconds;

// Reads the weights within the program as the engine reads a file.
struct Reader {
  std::span<const char> left = silero_weights();
  static Reader& of(void* context) { return *static_cast<Reader*>(context); }
  static std::size_t read(void* context, void* output, std::size_t wanted) {
    auto& left = of(context).left;
    const std::size_t count = std::min(wanted, left.size());
    std::memcpy(output, left.data(), count);
    left = left.subspan(count);
    return count;
  }
  static bool at_end(void* context) { return of(context).left.empty(); }
  static void close(void*) {}
};

// As for states of a model: opening a backend sets variables of the process.
std::mutex& open_mutex() {
  static std::mutex mutex;
  return mutex;
}

base::Error failed(const char* what, const std::string& said) {
  return {base::ErrorCode::Internal, std::string(what) + (said.empty() ? "" : " (" + said + ")")};
}

whisper_vad_params parameters_of(const DetectOptions& o) {
  whisper_vad_params p = whisper_vad_default_params();
  p.threshold = static_cast<float>(o.threshold);
  p.min_speech_duration_ms = static_cast<int>(o.shortest_speech.count());
  p.min_silence_duration_ms = static_cast<int>(o.shortest_silence.count());
  p.max_speech_duration_s =
      o.longest_speech.count() == 0 ? std::numeric_limits<float>::max() : static_cast<float>(o.longest_speech.count()) / 1000.0F;
  p.speech_pad_ms = static_cast<int>(o.padding.count());
  return p;
}

// The engine counts in hundredths of a second.
milliseconds time_of(float hundredths) { return milliseconds(std::llround(hundredths * 10)); }

}  // namespace

void Detector::Free::operator()(whisper_vad_context* context) const { whisper_vad_free(context); }

base::Result<Detector> Detector::create(const speech::EngineListener& log) {
  speech::EngineLog heard(log);
  auto parameters = whisper_vad_default_context_params();
  parameters.n_threads = 1;
  parameters.use_gpu = false;  // the engine aborts the process when its GPU part is asked to run this network
  Reader reader;
  whisper_model_loader loader{&reader, &Reader::read, &Reader::at_end, &Reader::close};
  const std::lock_guard lock(open_mutex());
  whisper_vad_context* context = whisper_vad_init_with_params(&loader, parameters);
  if (context == nullptr) return failed("the voice detector cannot be made", heard.errors());
  return Detector(context);
}

base::Result<std::vector<Interval>> Detector::detect(std::span<const float> samples, const DetectOptions& options,
                                                     const speech::EngineListener& log) {
  std::vector<Interval> intervals;
  if (samples.empty()) return intervals;
  speech::EngineLog heard(log);
  whisper_vad_segments* segments = whisper_vad_segments_from_samples(
      context_.get(), parameters_of(options), samples.data(), static_cast<int>(std::min<std::size_t>(samples.size(), INT32_MAX)));
  if (segments == nullptr) return failed("the voice detector failed", heard.errors());
  const int count = whisper_vad_segments_n_segments(segments);
  const milliseconds length(static_cast<std::int64_t>(samples.size()) / 16);
  for (int n = 0; n < count; ++n) {
    const milliseconds start = std::min(time_of(whisper_vad_segments_get_segment_t0(segments, n)), length);
    const milliseconds end = std::min(time_of(whisper_vad_segments_get_segment_t1(segments, n)), length);
    if (end > start) intervals.push_back({start, end});
  }
  whisper_vad_free_segments(segments);
  return intervals;
}

}  // namespace vad_app
