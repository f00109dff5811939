// Text for people in front of a terminal: wrapped lines and tables of explanations.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace base {

// Columns of a page of help: `columns` (the variable COLUMNS) where it is a number above 0, else the width of the terminal `fd`,
// else 80; at least 40 and at most 120, where lines can be read.
std::size_t page_width(const std::optional<std::string>& columns, int fd) noexcept;

// The words of `text` on lines of at most `width` columns; every line but the first begins with `indent` blanks. `column`: where
// the first line goes on. A word is never cut: one that is longer than a line stands alone. Line feeds of `text` stay. Columns are
// counted in code points of UTF-8.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent = 0, std::size_t column = 0);

// One row: `left` after two blanks, `right` wrapped from `at` on, beginning on the next line where `left` is too long. On narrow
// pages `right` stands below `left`. Ends with a line feed.
std::string table_row(std::string_view left, std::string_view right, std::size_t width, std::size_t at);

}  // namespace base
