// New white space for a JSON text; every token keeps its spelling.
#pragma once
#include <string>
#include <string_view>

namespace mmif {

// Two blanks per level, "," at line ends, ": ", empty containers on one line: json.dumps(indent=2). REQUIRES: valid JSON (see
// json_scan.hpp).
std::string relayout(std::string_view text);

}  // namespace mmif
