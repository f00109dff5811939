// Texts of subtitle files.
#pragma once
#include <string>
#include <vector>

#include "cues.hpp"

namespace clams::tool {

// SubRip: numbered cues, times with a comma. Lines are written as they are: the format has no escapes.
std::string srt_text(const std::vector<Cue>& cues);
// WebVTT (https://www.w3.org/TR/webvtt1/): "&", "<" and ">" of the text are escaped.
std::string vtt_text(const std::vector<Cue>& cues);

}  // namespace clams::tool
