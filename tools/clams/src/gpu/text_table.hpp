// Text for terminals: widths in columns, columns of a table, colours that can be left out.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace clams::tool {

struct TextStyle {
  std::size_t columns = 80;
  bool colours = false;
  bool utf8 = true;
};

enum class Ink { Plain, Bold, Dim, Red, Green, Yellow, Blue, Magenta, Cyan };
// `text` in a colour, or as it is where there are none.
std::string painted(const TextStyle& style, Ink ink, std::string_view text);

// Columns that a terminal shows for it: escape sequences take none, a character of UTF-8 one, a wide one (CJK, emoji) two.
std::size_t width_of(std::string_view text);
// Names come from other programs: control characters, which could steer the terminal, become '?', bytes that are no UTF-8 too.
std::string harmless(std::string_view text);
// At most `width` columns, cut with an ellipsis. Not for text with escape sequences.
std::string shortened(std::string_view text, std::size_t width, const TextStyle& style);
// The same for text with escape sequences, without an ellipsis.
std::string clipped(std::string_view text, std::size_t width);
std::string padded_right(std::string text, std::size_t width);
std::string padded_left(std::string text, std::size_t width);

struct TextColumn {
  std::string title;
  bool right = false;
  bool flexible = false;  // gives way when the line is too long, down to `least`
  std::size_t least = 8;
};

// Title line and rows, without trailing blanks, not wider than the style's columns where the flexible columns allow it. A cell may
// hold escape sequences unless its column is flexible.
std::vector<std::string> table_lines(const TextStyle& style, const std::vector<TextColumn>& columns,
                                     const std::vector<std::vector<std::string>>& rows);

}  // namespace clams::tool
