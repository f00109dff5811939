#include "python_numbers.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>

#include "mmif/json.hpp"

namespace clams {
namespace {

using base::Error;
using base::ErrorCode;

constexpr std::uint32_t kDigitZeros[] = {
#include "digit_zeros.inc"
};
constexpr std::size_t kMaxIntDigits = 4300;

// Code points of UTF-8; bytes that are none become themselves above the Unicode range, which no rule accepts.
std::u32string decoded(std::string_view text) {
  std::u32string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto a = static_cast<unsigned char>(text[at]);
    const std::size_t length = a < 0x80 ? 1 : a < 0xC0 ? 0 : a < 0xE0 ? 2 : a < 0xF0 ? 3 : 4;
    if (length == 0 || at + length > text.size()) {
      out += static_cast<char32_t>(0x110000U + a);
      ++at;
      continue;
    }
    char32_t c = length == 1 ? a : a & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) c = (c << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
    out += c;
    at += length;
  }
  return out;
}

// What int() and float() of Python strip: str.isspace() without U+001C to U+001F.
bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// ASCII with digits of all scripts as 0-9 and without white space at the ends; '?' stands for anything else.
std::string as_ascii(std::string_view text) {
  const std::u32string points = decoded(text);
  auto begin = points.begin(), end = points.end();
  while (begin != end && is_space(*begin)) ++begin;
  while (end != begin && is_space(*(end - 1))) --end;
  std::string out;
  for (; begin != end; ++begin) {
    const char32_t c = *begin;
    if (c < 0x80) {
      out += static_cast<char>(c);
      continue;
    }
    const auto* zero = std::upper_bound(std::begin(kDigitZeros), std::end(kDigitZeros), static_cast<std::uint32_t>(c));
    const bool digit = zero != std::begin(kDigitZeros) && c - *(zero - 1) < 10;
    out += digit ? static_cast<char>('0' + (c - *(zero - 1))) : '?';
  }
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Removes '_' that stand between digits; false if one stands elsewhere.
bool remove_underscores(std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') continue;
    if (i == 0 || i + 1 == text.size() || !is_digit(text[i - 1]) || !is_digit(text[i + 1])) return false;
  }
  std::erase(text, '_');
  return true;
}

bool is_float_literal(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - from;
  };
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  const std::size_t whole = digits();
  std::size_t fraction = 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    fraction = digits();
  }
  if (whole + fraction == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

std::optional<double> special_float(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.erase(0, 1);
  if (text == "nan") return negative ? -__builtin_nan("") : __builtin_nan("");
  if (text == "inf" || text == "infinity") return negative ? -__builtin_inf() : __builtin_inf();
  return std::nullopt;
}

}  // namespace

base::Result<mmif::Number> python_int(std::string_view text) {
  const Error bad{ErrorCode::InvalidArgument, "invalid literal for int() with base 10: " + mmif::python_repr(text)};
  std::string digits = as_ascii(text);
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.erase(0, 1);
  if (digits.empty() || !remove_underscores(digits) || !std::all_of(digits.begin(), digits.end(), is_digit)) return bad;
  if (digits.size() > kMaxIntDigits) {
    return Error{ErrorCode::InvalidArgument, "Exceeds the limit (4300 digits) for integer string conversion: value has " +
                                                 std::to_string(digits.size()) +
                                                 " digits; use sys.set_int_max_str_digits() to increase the limit"};
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return mmif::Number::from_token((negative && digits != "0" ? "-" : "") + digits);
}

base::Result<mmif::Number> python_float(std::string_view text) {
  std::string ascii = as_ascii(text);
  if (const auto special = special_float(ascii)) return mmif::Number(*special);
  if (!remove_underscores(ascii) || !is_float_literal(ascii)) {
    return Error{ErrorCode::InvalidArgument, "could not convert string to float: " + mmif::python_repr(text)};
  }
  if (ascii.front() == '+') ascii.erase(0, 1);
  if (ascii.find_first_of(".eE") == std::string::npos) ascii += ".0";  // "-0" is a float too
  return mmif::Number::from_token(ascii);
}

}  // namespace clams
