// UTF-8, and the three-byte form of lone surrogates that Python's JSON can carry.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mmif {

// Offset of the first byte that is no valid UTF-8 (RFC 3629), npos if all is well.
std::size_t first_invalid_utf8(std::string_view text) noexcept;
// Bytes that are no continuation bytes.
std::size_t count_code_points(std::string_view text) noexcept;
// Appends a code point; surrogates as three bytes.
void append_code_point(std::string& out, std::uint32_t code_point);
// Reads the code point at `at` (valid UTF-8 or a three-byte surrogate) and moves behind it. A byte that fits neither, as an app's
// engine may deliver, is read as U+FFFD.
std::uint32_t next_code_point(std::string_view text, std::size_t& at) noexcept;

}  // namespace mmif
