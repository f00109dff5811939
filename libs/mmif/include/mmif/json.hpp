// JSON text: checking, reading and the two text forms that clients of CLAMS apps see.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "mmif/value.hpp"

namespace mmif {

// Reads one JSON text. Taken: what Python's json reader takes, that is JSON (RFC 8259) and beyond it NaN, Infinity, -Infinity, lone
// surrogates (kept as three-byte sequences), integers of any size, numbers beyond the range of a double. Of a key that occurs twice
// the last value counts, at the place of the first. Error InvalidDocument: bad syntax (worded as Python's decoder, with line,
// column and character), a byte order mark, bad UTF-8 (with the byte's position), nesting of more than kMaxDepth.
base::Result<Value> parse_json(std::string_view text);
inline constexpr std::size_t kMaxDepth = 1000;

// MMIF form (Python's json.dumps): ASCII, ", " and ": "; pretty: two spaces, "," at line ends.
std::string to_mmif_text(const Value& value, bool pretty = false);
// Metadata form (pydantic's model_dump_json): raw UTF-8, "," and ":"; pretty: two spaces and ": ". Floats with a short exponent
// ("1e-7"), NaN and infinities as null.
std::string to_metadata_text(const Value& value, bool pretty = false);
// Raw UTF-8, ", " and ": " (json.dumps with ensure_ascii=False); used by the commands.
std::string to_plain_text(const Value& value, bool pretty = false);

// Appends a string in MMIF form, quotes included.
void append_mmif_string(std::string& out, std::string_view text);

// Python's repr() of a JSON value: {'a': 1, 'b': [True, None]}; strings as python_repr below.
std::string python_repr(const Value& value);
// Python's repr() of a str: single quotes unless the text has a single and no double quote; \n \t \r \\ and unprintable code points
// escaped.
std::string python_repr(std::string_view text);
// Python's str() of a JSON value: strings raw, the rest as repr.
std::string python_str(const Value& value);
// Name of the Python type json.loads makes of it: NoneType, bool, int, float, str, list, dict.
std::string_view python_type_name(const Value& value);

}  // namespace mmif
