// From a transcript to annotations.
#pragma once
#include <string>

#include "engine/transcript.hpp"
#include "mmif/mmif.hpp"

namespace whisper_app {

struct WriteOptions {
  std::string language;    // of the text
  bool word_times = true;  // a TimeFrame for each Token; else one for each Sentence
};

// Writes a view as the Python wrapper of Whisper does: the text as a TextDocument, and an Alignment from `source` to it; for each
// word a Token (with its place in the text, in characters), a TimeFrame with the label speech, and an Alignment from the TimeFrame
// to the Token; for each passage a Sentence of its Tokens. Without word times an Alignment leads from a TimeFrame to each Sentence.
// The times of `transcript` are those of the file.
void write_transcript(mmif::View& view, const mmif::Annotation& source, const asr::Transcript& transcript,
                      const WriteOptions& options);

}  // namespace whisper_app
