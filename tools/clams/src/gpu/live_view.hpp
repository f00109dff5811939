// What `clams gpu --watch` draws: pure text from pictures, so that it can be tested without a terminal.
#pragma once
#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "gpu/picture.hpp"
#include "gpu/text_table.hpp"

namespace clams::tool {

// How full each device was in the last minutes. Bounded.
class UseHistory {
 public:
  static constexpr std::chrono::minutes kSpan{5};
  void add(const GpuPicture& picture, std::chrono::nanoseconds now);
  // `columns` shares of the total, oldest first, the largest in each piece of the span; negative where nothing is known.
  std::vector<double> shares(const vram::DeviceUuid& device, std::size_t columns, std::chrono::nanoseconds now) const;

 private:
  struct Point {
    std::chrono::nanoseconds at{};
    double share = 0;
  };
  std::map<vram::DeviceUuid, std::deque<Point>> points_;
};

struct LiveFrame {
  std::size_t rows = 24;
  std::chrono::milliseconds interval{1000};
  std::chrono::nanoseconds now{};  // CLOCK_MONOTONIC
  std::string time_of_day;         // "14:03:59"
};

// Cells of a bar for each part; they add up to `width`, and a part that is there has at least one.
std::vector<std::size_t> bar_cells(const GpuParts& parts, std::size_t width);
std::string bar_text(const GpuDevice& device, std::size_t width, const TextStyle& style);
std::string sparkline(const std::vector<double>& shares, const TextStyle& style);

// At most frame.rows lines, none wider than the style's columns.
std::vector<std::string> live_lines(const GpuPicture& picture, const UseHistory& history, const LiveFrame& frame,
                                    const TextStyle& style);

}  // namespace clams::tool
