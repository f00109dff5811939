// Second half of the check: do the structural characters and scalars of a text form one JSON value, in Python's dialect?
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "json_check.hpp"

namespace mmif {

// REQUIRES: `structurals` are those of `text`, whose UTF-8, quotes and control characters are in order (simdjson's first stage).
// Python's dialect: NaN, Infinity, -Infinity, lone surrogates, numbers of any size; at most kMaxDepth levels. Fills `wide` as
// Structurals says.
bool is_json_value(std::string_view text, std::span<const std::uint32_t> structurals, std::vector<Bracketed>& wide);

}  // namespace mmif
