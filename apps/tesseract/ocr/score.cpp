#include "ocr/score.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace ocr {
namespace {

bool is_space(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// Bytes of the sequence that begins with `lead`; 1 for a byte that begins none.
std::size_t sequence_length(unsigned char lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 1;
}

// Length of the character at the front of `text` (not empty), in bytes, and its code point.
std::pair<std::size_t, char32_t> next_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = sequence_length(lead);
  if (length == 1 || length > text.size()) return {1, lead < 0x80 ? lead : 0xDC00U + lead};
  char32_t value = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0U) != 0x80U) return {1, 0xDC00U + lead};  // apart from every real character
    value = value << 6 | (byte & 0x3FU);
  }
  return {length, value};
}

std::u32string comparable(std::string_view text) {
  std::u32string characters;
  bool space = false;
  while (!text.empty()) {
    const auto [length, value] = next_character(text);
    text.remove_prefix(length);
    if (is_space(value)) {
      space = true;
      continue;
    }
    if (space && !characters.empty()) characters += U' ';
    space = false;
    characters += value;
  }
  return characters;
}

std::size_t edit_distance(std::u32string_view a, std::u32string_view b) {
  while (!a.empty() && !b.empty() && a.front() == b.front()) a.remove_prefix(1), b.remove_prefix(1);
  while (!a.empty() && !b.empty() && a.back() == b.back()) a.remove_suffix(1), b.remove_suffix(1);
  // row[j]: edits that turn what was seen of `a` into the first j characters of `b`.
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

void append_utf8(char32_t c, std::string& text) {
  const auto tail = [&](int shift) { text += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xC0 | (c >> 6)), tail(0);
  } else if (c >= 0xDC80 && c <= 0xDCFF) {
    text += static_cast<char>(c - 0xDC00);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0 | (c >> 12)), tail(6), tail(0);
  } else {
    text += static_cast<char>(0xF0 | (c >> 18)), tail(12), tail(6), tail(0);
  }
}

}  // namespace

double Score::rate() const noexcept {
  if (characters == 0) return edits == 0 ? 0 : 1;
  return static_cast<double>(edits) / static_cast<double>(characters);
}

Score character_errors(std::string_view known, std::string_view read) {
  const std::u32string a = comparable(known), b = comparable(read);
  return {edit_distance(a, b), a.size()};
}

std::string normalise_space(std::string_view text) {
  std::string normal;
  for (const char32_t c : comparable(text)) append_utf8(c, normal);
  return normal;
}

std::size_t count_characters(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace ocr
