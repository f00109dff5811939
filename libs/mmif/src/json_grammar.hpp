// Second half of the check: do the structural characters and scalars of a text form one JSON value, in Python's dialect?
#pragma once
#include <string_view>

#include "json_check.hpp"

namespace mmif {

// REQUIRES: `structurals` are those of `text`, whose UTF-8, quotes and control characters are in order (simdjson's first stage). Python's dialect: NaN, Infinity,
// -Infinity, lone surrogates, numbers of any size; at most kMaxDepth levels.
bool is_json_value(std::string_view text, Structurals structurals);

}  // namespace mmif
