// clams transcript: what was said, as text or as subtitles.
#pragma once
#include <string>

#include "mmif/mmif.hpp"
#include "parser.hpp"

namespace clams::tool {

enum class TranscriptFormat {
  Text,    // a line for each sentence
  SubRip,  // .srt
  WebVtt,  // .vtt
};

// `entries`: the transcript of a summary ("start-time", "end-time" in milliseconds, "text"). Entries without text are left out, and
// in subtitles those without times. Error NotFound when nothing is left.
base::Result<std::string> transcript_text(const mmif::Array& entries, TranscriptFormat format);

Action declare_transcript(Parser& parser);

}  // namespace clams::tool
