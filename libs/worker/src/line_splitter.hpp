// Cuts the output of a child into lines for the log, with bounded memory and a bounded number of lines.
#pragma once
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

namespace worker {

class LineSplitter {
 public:
  static constexpr std::size_t kMaxLine = 4096;  // longer ones are cut into pieces
  static constexpr std::size_t kKept = 5;        // last lines that `last_lines` remembers
  using TimePoint = std::chrono::steady_clock::time_point;

  // Of the lines beyond `burst` in one second only the number is told.
  LineSplitter(std::size_t burst, std::function<void(std::string_view)> line) : burst_(burst), line_(std::move(line)) {}
  void feed(std::string_view bytes, TimePoint now);
  // The child is gone: what has no line end yet is a line too, and left-out ones are told.
  void finish();
  // Oldest first, joined by " | "; empty when nothing was printed.
  std::string last_lines() const;

 private:
  void emit(std::string_view line, TimePoint now);
  void tell_left_out();
  std::size_t burst_;
  std::function<void(std::string_view)> line_;
  std::string partial_;
  std::deque<std::string> kept_;
  TimePoint window_{};
  std::size_t in_window_ = 0, left_out_ = 0;
};

}  // namespace worker
