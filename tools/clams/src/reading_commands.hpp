// clams text, clams subtitles: an MMIF as something that people read.
#pragma once
#include "parser.hpp"

namespace clams::tool {

Action declare_text(Parser& parser);
Action declare_subtitles(Parser& parser);

}  // namespace clams::tool
