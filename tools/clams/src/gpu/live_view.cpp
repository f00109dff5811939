#include "gpu/live_view.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/duration.hpp"
#include "gpu/table.hpp"

namespace clams::tool {
namespace {

using base::Bytes;
using base::gib_text;

constexpr std::size_t kMostPoints = 20'000;
constexpr std::size_t kFewestColumns = 40;

// Of a bar, from left to right. Without colours the glyphs alone tell the parts apart.
struct Part {
  std::string_view name;
  Bytes GpuParts::*bytes;
  Ink ink;
  std::string_view glyph;
  char ascii;
};
constexpr std::array kParts{
    Part{"foreign", &GpuParts::foreign, Ink::Magenta, "█", 'F'}, Part{"held", &GpuParts::held, Ink::Green, "█", '#'},
    Part{"promised", &GpuParts::promised, Ink::Green, "▒", '+'}, Part{"draining", &GpuParts::draining, Ink::Blue, "▒", 'd'},
    Part{"free", &GpuParts::free, Ink::Dim, "·", '.'},           Part{"headroom", &GpuParts::headroom, Ink::Yellow, "╱", '/'},
};
// In black and white the two full blocks have to differ.
std::string_view glyph_of(const Part& part, const TextStyle& style) {
  if (!style.utf8) return {&part.ascii, 1};
  return !style.colours && part.bytes == &GpuParts::held ? "▓" : part.glyph;
}

std::string repeated(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

// `right` at the right edge, as long as both fit.
std::string spread(const std::string& left, const std::string& right, std::size_t width) {
  const std::size_t taken = width_of(left) + width_of(right);
  return taken + 1 > width ? clipped(left, width) : left + std::string(width - taken, ' ') + right;
}

std::string headline(const GpuPicture& picture, const LiveFrame& frame, const TextStyle& style) {
  return spread(painted(style, Ink::Bold, "clams gpu") + painted(style, Ink::Dim, "  " + source_text(picture)),
                painted(style, Ink::Bold, frame.time_of_day), style.columns);
}

std::string device_headline(const GpuDevice& device, const TextStyle& style) {
  std::string left = painted(style, Ink::Bold, "GPU " + std::to_string(device.info.index)) + "  " + harmless(device.info.name);
  if (style.columns >= 100) left += painted(style, Ink::Dim, "  " + harmless(device.info.uuid.text()));
  const std::string requests = device.requests == 0   ? "idle"
                               : device.requests == 1 ? "1 request"
                                                      : std::to_string(device.requests) + " requests";
  return spread(left, painted(style, Ink::Dim, requests) + "  " + state_text(device, style), style.columns);
}

std::string bar_line(const GpuDevice& device, const TextStyle& style) {
  const std::string used = device.state == vram::SampleState::Unknown ? "?" : gib_text(device.used());
  const std::string figures = " " + used + " / " + gib_text(device.info.total) + " GiB";
  const std::size_t width = style.columns > width_of(figures) + 12 ? style.columns - width_of(figures) - 2 : 10;
  const bool utf8 = style.utf8;
  return painted(style, Ink::Dim, utf8 ? "▕" : "[") + bar_text(device, width, style) + painted(style, Ink::Dim, utf8 ? "▏" : "]") +
         figures;
}

// Legend and figures in one line: the glyph, its name, its bytes. Narrow terminals get one decimal.
std::string legend(const GpuDevice& device, const TextStyle& style, bool narrow = false) {
  const GpuParts parts = parts_of(device);
  std::string line;
  for (const Part& part : kParts) {
    const Bytes bytes = parts.*part.bytes;
    if (bytes == Bytes() && part.bytes == &GpuParts::draining) continue;
    std::string figure = gib_text(bytes);
    if (narrow) figure.pop_back();
    line += (line.empty() || narrow ? " " : "  ") + painted(style, part.ink, glyph_of(part, style)) + (narrow ? "" : " ") +
            std::string(part.name) + " " + figure;
  }
  return narrow || width_of(line) <= style.columns ? line : legend(device, style, true);
}

std::string history_line(const GpuDevice& device, const UseHistory& history, const LiveFrame& frame, const TextStyle& style) {
  const std::string available = device.state == vram::SampleState::Unknown ? "?" : gib_text(device.available) + " GiB";
  const std::string figures = " available " + available;
  const std::string label = "5 min ";
  const std::size_t taken = width_of(figures) + width_of(label) + 1;
  const std::size_t width = style.columns > taken + 10 ? style.columns - taken : 10;
  return " " + painted(style, Ink::Dim, label) +
         painted(style, Ink::Cyan, sparkline(history.shares(device.info.uuid, width, frame.now), style)) +
         painted(style, Ink::Bold, figures);
}

// How much is said of each device depends on how many share the screen.
std::vector<std::string> device_block(const GpuDevice& device, const UseHistory& history, const LiveFrame& frame,
                                      const TextStyle& style, std::size_t lines) {
  std::vector<std::string> block{device_headline(device, style), bar_line(device, style)};
  if (lines > 2) block.push_back(legend(device, style));
  if (lines > 3) block.push_back(history_line(device, history, frame, style));
  if (lines > 2) {
    for (const std::string& remark : remarks_on(device)) block.push_back(painted(style, Ink::Yellow, " " + harmless(remark)));
  }
  if (lines > 1) block.emplace_back();
  return block;
}

std::vector<std::string> coloured_processes(const GpuPicture& picture, const TextStyle& style, std::size_t most) {
  std::vector<std::string> lines = process_lines(picture, style);
  for (std::size_t i = 0; i < picture.processes.size(); ++i) {
    const GpuProcess& process = picture.processes[i];
    if (!process.in_ledger) lines[i + 1] = painted(style, Ink::Magenta, lines[i + 1]);
    if (process.draining) lines[i + 1] = painted(style, Ink::Blue, lines[i + 1]);
  }
  if (lines.size() <= most || most == 0) return lines;
  const std::size_t left_out = lines.size() - most + 1;
  lines.resize(most - 1);
  lines.push_back(painted(style, Ink::Dim, std::string(style.utf8 ? "…" : "...") + " and " + std::to_string(left_out) + " more"));
  return lines;
}

}  // namespace

void UseHistory::add(const GpuPicture& picture, std::chrono::nanoseconds now) {
  for (const GpuDevice& device : picture.devices) {
    auto& points = points_[device.info.uuid];
    const double total = static_cast<double>(std::max<std::uint64_t>(device.info.total.count(), 1));
    const bool known = device.free && device.state != vram::SampleState::Unknown;
    points.push_back({now, known ? static_cast<double>(device.used().count()) / total : -1.0});
    while (points.size() > kMostPoints || (!points.empty() && points.front().at < now - kSpan)) points.pop_front();
  }
}

std::vector<double> UseHistory::shares(const vram::DeviceUuid& device, std::size_t columns, std::chrono::nanoseconds now) const {
  std::vector<double> shares(columns, -1.0);
  const auto found = points_.find(device);
  if (found == points_.end() || columns == 0) return shares;
  const double piece = static_cast<double>(std::chrono::nanoseconds(kSpan).count()) / static_cast<double>(columns);
  for (const Point& point : found->second) {
    const auto back = static_cast<std::size_t>(static_cast<double>((now - point.at).count()) / piece);
    if (back < columns) shares[columns - 1 - back] = std::max(shares[columns - 1 - back], point.share);
  }
  // A piece shorter than the pause between two pictures has none of its own; it shows the one before.
  for (std::size_t i = 1; i < columns; ++i) {
    const bool later_ones =
        std::any_of(shares.begin() + static_cast<std::ptrdiff_t>(i), shares.end(), [](double share) { return share >= 0; });
    if (shares[i] < 0 && later_ones) shares[i] = shares[i - 1];
  }
  return shares;
}

std::vector<std::size_t> bar_cells(const GpuParts& parts, std::size_t width) {
  std::array<double, kParts.size()> sizes{};
  for (std::size_t i = 0; i < kParts.size(); ++i) sizes[i] = static_cast<double>((parts.*kParts[i].bytes).count());
  const double total = std::accumulate(sizes.begin(), sizes.end(), 0.0);
  std::vector<std::size_t> cells(kParts.size(), 0);
  if (total <= 0) return cells;
  std::size_t used = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto exact = static_cast<std::size_t>(sizes[i] / total * static_cast<double>(width));
    cells[i] = sizes[i] > 0 ? std::max<std::size_t>(exact, 1) : 0;
    used += cells[i];
  }
  while (used != width) {
    // Too many: the largest gives. Too few: the one that lost most by rounding gets.
    std::size_t at = 0;
    if (used > width) {
      at = static_cast<std::size_t>(std::max_element(cells.begin(), cells.end()) - cells.begin());
      if (cells[at] == 0) break;
    } else {
      const auto lacks = [&](std::size_t i) {
        return sizes[i] / total * static_cast<double>(width) - static_cast<double>(cells[i]);
      };
      for (std::size_t i = 1; i < cells.size(); ++i) at = lacks(i) > lacks(at) ? i : at;
    }
    cells[at] += used > width ? static_cast<std::size_t>(-1) : 1;
    used += used > width ? static_cast<std::size_t>(-1) : 1;
  }
  return cells;
}

std::string bar_text(const GpuDevice& device, std::size_t width, const TextStyle& style) {
  if (device.state == vram::SampleState::Unknown) return painted(style, Ink::Red, repeated("?", width));
  const auto cells = bar_cells(parts_of(device), width);
  std::string bar;
  for (std::size_t i = 0; i < kParts.size(); ++i)
    bar += painted(style, kParts[i].ink, repeated(glyph_of(kParts[i], style), cells[i]));
  return bar;
}

std::string sparkline(const std::vector<double>& shares, const TextStyle& style) {
  constexpr std::array<std::string_view, 8> kUtf8{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<std::string_view, 8> kAscii{"_", ".", "-", "=", "+", "*", "%", "#"};
  std::string line;
  for (const double share : shares) {
    if (share < 0) {
      line += ' ';
      continue;
    }
    const auto step = static_cast<std::size_t>(std::clamp(std::lround(share * 7.0), 0L, 7L));
    line += style.utf8 ? kUtf8[step] : kAscii[step];
  }
  return line;
}

std::vector<std::string> live_lines(const GpuPicture& picture, const UseHistory& history, const LiveFrame& frame,
                                    const TextStyle& given) {
  TextStyle style = given;
  style.columns = std::max(given.columns, kFewestColumns);
  const std::size_t processes = std::min<std::size_t>(picture.processes.size() + 1, 6);
  const std::size_t rest = frame.rows > processes + 3 ? frame.rows - processes - 3 : 2;
  const std::size_t each = picture.devices.empty() ? 0 : rest / picture.devices.size();
  std::vector<std::string> lines{headline(picture, frame, style), ""};
  for (const std::string& problem : picture.problems) lines.push_back(painted(style, Ink::Red, harmless(problem)));
  for (const GpuDevice& device : picture.devices) {
    const auto block = device_block(device, history, frame, style, each >= 5 ? 4 : each >= 4 ? 3 : each >= 3 ? 2 : 1);
    lines.insert(lines.end(), block.begin(), block.end());
  }
  if (picture.devices.empty() && picture.problems.empty()) lines.push_back("No GPU was found.");
  const std::size_t room = frame.rows > lines.size() + 1 ? frame.rows - lines.size() - 1 : 0;
  if (picture.processes.empty()) {
    lines.push_back(painted(style, Ink::Dim, "No process uses a GPU."));
  } else {
    const auto table = coloured_processes(picture, style, room);
    lines.insert(lines.end(), table.begin(), table.end());
  }
  const std::size_t body = frame.rows > 1 ? frame.rows - 1 : 0;
  lines.resize(body);
  lines.push_back(painted(style, Ink::Dim, "q quit   + - refresh every " + base::to_string(frame.interval)));
  for (std::string& line : lines) line = clipped(line, given.columns);
  return lines;
}

}  // namespace clams::tool
