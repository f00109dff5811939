// From a transcript to annotations.
#pragma once
#include <chrono>
#include <string>

#include "engine/transcript.hpp"
#include "mmif/mmif.hpp"

namespace whisper_app {

struct WriteOptions {
  std::string language;                 // of the text
  bool word_times = true;               // a TimeFrame for each Token; else one for each Sentence
  std::chrono::milliseconds offset{0};  // of the sound's first sample in its file
};

// Writes a view as the Python wrapper of Whisper does: the text as a TextDocument aligned with `source`; for each word a Token
// (with its place in the text, in characters) and a TimeFrame with the label speech aligned with it; for each passage a Sentence of
// its Tokens.
void write_transcript(mmif::View& view, const mmif::Annotation& source, const asr::Transcript& transcript,
                      const WriteOptions& options);

}  // namespace whisper_app
