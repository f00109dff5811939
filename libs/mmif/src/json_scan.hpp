// Reading of JSON bytes that have been checked: no error can occur, so there is none to report.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "mmif/value.hpp"

namespace mmif {

// REQUIRES of all: `text` was accepted by JsonChecker (or is a value within such a text).

std::size_t skip_space(std::string_view text, std::size_t at) noexcept;
// One past the value that starts at `at`.
std::size_t skip_value(std::string_view text, std::size_t at) noexcept;
// The string literal at `at` (a quote), unescaped; lone surrogates as three bytes.
std::string read_string(std::string_view text, std::size_t at);
// Whether the string literal at `at` is `plain`.
bool string_equals(std::string_view text, std::size_t at, std::string_view plain);
Value read_value(std::string_view text);

// Calls visit(key_offset, value_offset, value_end) for each member of the object at `at`.
template <class Visit>
void for_each_member(std::string_view text, std::size_t at, Visit&& visit) {
  at = skip_space(text, at + 1);
  while (text[at] != '}') {
    const std::size_t key = at;
    at = skip_space(text, skip_space(text, skip_value(text, at)) + 1);  // over the key and the colon
    const std::size_t end = skip_value(text, at);
    visit(key, at, end);
    at = skip_space(text, end);
    if (text[at] == ',') at = skip_space(text, at + 1);
  }
}

// Calls visit(offset, end) for each element of the array at `at`.
template <class Visit>
void for_each_element(std::string_view text, std::size_t at, Visit&& visit) {
  at = skip_space(text, at + 1);
  while (text[at] != ']') {
    const std::size_t end = skip_value(text, at);
    visit(at, end);
    at = skip_space(text, end);
    if (text[at] == ',') at = skip_space(text, at + 1);
  }
}

}  // namespace mmif
