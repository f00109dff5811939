#include "app/hear.hpp"

#include <algorithm>
#include <utility>

namespace whisper_app {
namespace {

using std::chrono::milliseconds;

constexpr const char* kUndetermined = "und";

// The engine fills its last window up with silence, and may hear something there.
void place(asr::Segment& segment, milliseconds start, milliseconds length) {
  const auto move = [&](milliseconds& time) { time = start + std::clamp(time, milliseconds(0), length); };
  move(segment.start);
  move(segment.end);
  for (auto& word : segment.words) {
    move(word.start);
    move(word.end);
  }
}

}  // namespace

base::Result<asr::Transcript> hear(asr::State& state, const speech::Sound& sound, const asr::RunOptions& options,
                                   const asr::RunHooks& hooks) {
  asr::Transcript whole{options.language.empty() ? kUndetermined : options.language, {}};
  asr::RunOptions given = options;
  double from = 0;
  asr::RunHooks piece_hooks = hooks;
  for (const auto& piece : sound.pieces) {
    const double share = static_cast<double>(piece.count) / static_cast<double>(sound.samples.size());
    if (hooks.progress) piece_hooks.progress = [&](double done) { hooks.progress(from + done * share); };
    BASE_TRY_ASSIGN(auto part, state.transcribe(sound.of(piece), given, piece_hooks));
    for (auto& segment : part.segments) {
      place(segment, piece.start, speech::length_of(piece.count));
      whole.segments.push_back(std::move(segment));
    }
    if (whole.language == kUndetermined) whole.language = part.language;
    if (whole.language != kUndetermined) given.language = whole.language;
    given.continues = true;
    from += share;
  }
  return whole;
}

}  // namespace whisper_app
