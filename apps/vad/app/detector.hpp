// Where somebody speaks.
#pragma once
#include <chrono>
#include <memory>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "speech/engine_log.hpp"

struct whisper_vad_context;

namespace vad_app {

struct DetectOptions {
  double threshold = 0.5;                           // probability from which a moment counts as speech, 0 to 1
  std::chrono::milliseconds shortest_speech{250};   // less is dropped
  std::chrono::milliseconds shortest_silence{100};  // less does not end a segment
  std::chrono::milliseconds longest_speech{0};      // more is cut at a pause; 0: any length
  std::chrono::milliseconds padding{30};            // added at both ends
};

struct Interval {
  std::chrono::milliseconds start{0}, end{0};
};

// Belongs to one thread at a time; 3 MB each, made in milliseconds. Runs on the processor, with one thread (more gain nothing).
class Detector {
 public:
  // Error Internal with what the engine said.
  static base::Result<Detector> create(const speech::EngineListener& log);
  Detector(Detector&&) noexcept = default;
  Detector& operator=(Detector&&) noexcept = default;

  // `samples`: mono, 16 kHz. In order, not overlapping. An hour takes about nine seconds.
  base::Result<std::vector<Interval>> detect(std::span<const float> samples, const DetectOptions& options,
                                             const speech::EngineListener& log);

 private:
  struct Free {
    void operator()(whisper_vad_context* context) const;
  };
  explicit Detector(whisper_vad_context* context) : context_(context) {}
  std::unique_ptr<whisper_vad_context, Free> context_;
};

}  // namespace vad_app
