// From the sound of a document to its transcript.
#pragma once
#include "base/result.hpp"
#include "engine/model.hpp"
#include "speech/sound.hpp"

namespace whisper_app {

// Hears the pieces of `sound` one after the other; the times of the result are those of the file, and none lies outside its piece.
// The language that was detected in one piece holds for those that follow. Progress counts the whole sound. Errors as
// asr::State::transcribe.
base::Result<asr::Transcript> hear(asr::State& state, const speech::Sound& sound, const asr::RunOptions& options,
                                   const asr::RunHooks& hooks);

}  // namespace whisper_app
