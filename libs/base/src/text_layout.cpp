#include "base/text_layout.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace base {
namespace {

constexpr std::size_t kUsual = 80, kNarrowest = 40, kWidest = 120;
constexpr std::size_t kColumnsForText = 30;  // fewer beside the left column are read worse than lines below it

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// One paragraph, appended to `out`; returns the column it ends in.
std::size_t append_wrapped(std::string& out, std::string_view text, std::size_t width, std::size_t indent, std::size_t column) {
  bool first = true;  // on its line
  for (const std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    const std::size_t columns = columns_of(word);
    if (!first && column + 1 + columns > width) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else if (!first) {
      out += ' ';
      ++column;
    }
    out += word;
    column += columns;
    first = false;
  }
  return column;
}

}  // namespace

std::size_t page_width(const std::optional<std::string>& columns, int fd) noexcept {
  std::size_t width = 0;
  if (columns) {
    const auto [end, error] = std::from_chars(columns->data(), columns->data() + columns->size(), width);
    if (error != std::errc() || end != columns->data() + columns->size()) width = 0;
  }
  winsize size{};
  if (width == 0 && ::ioctl(fd, TIOCGWINSZ, &size) == 0) width = size.ws_col;
  return std::clamp(width == 0 ? kUsual : width, kNarrowest, kWidest);
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent, std::size_t column) {
  std::string out;
  bool first = true;
  for (const std::string_view line : split(text, '\n')) {
    if (!first) {
      out += '\n';
      if (!trim(line).empty()) out.append(indent, ' ');
    }
    append_wrapped(out, line, width, indent, first ? column : indent);
    first = false;
  }
  return out;
}

std::string table_row(std::string_view left, std::string_view right, std::size_t width, std::size_t at) {
  constexpr std::size_t kBelow = 6;
  std::string out = "  " + std::string(left);
  if (trim(right).empty()) return out + "\n";
  const bool below = at + kColumnsForText > width;
  const std::size_t indent = below ? kBelow : at;
  const std::size_t taken = columns_of(out);
  if (below || taken + 2 > at)
    out += "\n" + std::string(indent, ' ');
  else
    out.append(at - taken, ' ');
  return out + wrapped(right, width, indent, indent) + "\n";
}

}  // namespace base
