// What Python writes as JSON and strict parsers refuse, replaced by harmless bytes of the same length.
#pragma once
#include <string>

namespace mmif {

// In place: NaN, Infinity, -Infinity, numbers that may exceed 64 bits or a double's range -> 0 and blanks; \uXXXX of a lone surrogate -> blanks. Bytes
// that are wrong otherwise stay, so that the strict parser finds them. Returns whether anything was replaced.
bool neutralise_json(std::string& text);

}  // namespace mmif
