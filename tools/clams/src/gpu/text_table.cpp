#include "gpu/text_table.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <optional>

namespace clams::tool {
namespace {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t bytes = 1;
};

std::optional<CodePoint> decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return CodePoint{first, 1};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return std::nullopt;
  std::uint32_t value = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    value = (value << 6) | (byte(i) & 0x3fU);
  }
  return CodePoint{value, length};
}

std::size_t columns_of(std::uint32_t point) {
  struct Range {
    std::uint32_t from, to;
  };
  constexpr std::array kNothing{Range{0x300, 0x36f}, Range{0x200b, 0x200f}, Range{0xfe00, 0xfe0f}};
  constexpr std::array kWide{Range{0x1100, 0x115f}, Range{0x2e80, 0xa4cf}, Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},
                             Range{0xfe30, 0xfe6f}, Range{0xff00, 0xff60}, Range{0x1f300, 0x1faff}, Range{0x20000, 0x3fffd}};
  const auto holds = [point](const Range& range) { return point >= range.from && point <= range.to; };
  if (std::any_of(kNothing.begin(), kNothing.end(), holds)) return 0;
  return std::any_of(kWide.begin(), kWide.end(), holds) ? 2 : 1;
}

std::size_t end_of_escape(std::string_view text, std::size_t at) {
  at += 2;
  while (at < text.size() && (text[at] < '@' || text[at] > '~')) ++at;
  return std::min(at + 1, text.size());
}

std::vector<std::size_t> fitted(const TextStyle& style, const std::vector<TextColumn>& columns, std::vector<std::size_t> widths,
                                std::size_t gap) {
  const std::size_t whole = std::accumulate(widths.begin(), widths.end(), gap * (columns.size() - 1));
  std::size_t excess = whole > style.columns ? whole - style.columns : 0;
  for (std::size_t i = columns.size(); i-- > 0 && excess > 0;) {
    if (!columns[i].flexible || widths[i] <= columns[i].least) continue;
    const std::size_t cut = std::min(excess, widths[i] - columns[i].least);
    widths[i] -= cut;
    excess -= cut;
  }
  return widths;
}

std::string line_of(const TextStyle& style, const std::vector<TextColumn>& columns, const std::vector<std::size_t>& widths,
                    std::size_t gap, const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) line.append(gap, ' ');
    std::string cell = columns[i].flexible ? shortened(cells[i], widths[i], style) : cells[i];
    line += columns[i].right ? padded_left(std::move(cell), widths[i]) : padded_right(std::move(cell), widths[i]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::string painted(const TextStyle& style, Ink ink, std::string_view text) {
  constexpr std::array<std::string_view, 9> kCodes{"", "1", "2", "31", "32", "33", "34", "35", "36"};
  const std::string_view code = kCodes.at(static_cast<std::size_t>(ink));
  if (!style.colours || code.empty() || text.empty()) return std::string(text);
  std::string out = "\x1b[";
  out.append(code).append("m").append(text).append("\x1b[0m");
  return out;
}

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '\x1b' && i + 1 < text.size()) {
      i = end_of_escape(text, i);
      continue;
    }
    const auto point = decode(text.substr(i));
    width += point ? columns_of(point->value) : 1;
    i += point ? point->bytes : 1;
  }
  return width;
}

std::string harmless(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto point = decode(text.substr(i));
    const bool shown = point && point->value >= 0x20 && point->value != 0x7f && (point->value < 0x80 || point->value >= 0xa0);
    if (shown)
      out.append(text.substr(i, point->bytes));
    else
      out += '?';
    i += point ? point->bytes : 1;
  }
  return out;
}

std::string shortened(std::string_view text, std::size_t width, const TextStyle& style) {
  if (width_of(text) <= width) return std::string(text);
  const std::string_view mark = style.utf8 ? "…" : "~";
  std::string out;
  std::size_t used = 1;
  for (std::size_t i = 0; i < text.size();) {
    const auto point = decode(text.substr(i));
    const std::size_t bytes = point ? point->bytes : 1;
    used += point ? columns_of(point->value) : 1;
    if (used > width) break;
    out.append(text.substr(i, bytes));
    i += bytes;
  }
  return width == 0 ? "" : out.append(mark);
}

std::string clipped(std::string_view text, std::size_t width) {
  std::string out;
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size();) {
    const bool escape = text[i] == '\x1b' && i + 1 < text.size();
    const auto point = escape ? std::nullopt : decode(text.substr(i));
    const std::size_t bytes = escape ? end_of_escape(text, i) - i : point ? point->bytes : 1;
    used += escape ? 0 : point ? columns_of(point->value) : 1;
    if (escape || used <= width) out.append(text.substr(i, bytes));
    i += bytes;
  }
  return out;
}

std::string padded_right(std::string text, std::size_t width) {
  const std::size_t has = width_of(text);
  if (has < width) text.append(width - has, ' ');
  return text;
}

std::string padded_left(std::string text, std::size_t width) {
  const std::size_t has = width_of(text);
  if (has < width) text.insert(0, width - has, ' ');
  return text;
}

std::vector<std::string> table_lines(const TextStyle& style, const std::vector<TextColumn>& columns,
                                     const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  std::vector<std::string> titles;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    widths.push_back(width_of(columns[i].title));
    titles.push_back(columns[i].title);
    for (const auto& row : rows) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  const std::size_t gap = 2;
  widths = fitted(style, columns, std::move(widths), gap);
  std::vector<std::string> lines{painted(style, Ink::Bold, line_of(style, columns, widths, gap, titles))};
  for (const auto& row : rows) lines.push_back(line_of(style, columns, widths, gap, row));
  return lines;
}

}  // namespace clams::tool
