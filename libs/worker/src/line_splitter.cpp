#include "line_splitter.hpp"

#include <algorithm>
#include <utility>

namespace worker {

void LineSplitter::feed(std::string_view bytes, TimePoint now) {
  while (!bytes.empty()) {
    const std::size_t room = kMaxLine - partial_.size();
    // A carriage return ends a line too: progress bars write nothing else for minutes.
    const std::size_t end = bytes.substr(0, room).find_first_of("\n\r");
    partial_.append(bytes.substr(0, std::min(end, room)));
    const bool ended = end != std::string_view::npos;
    bytes.remove_prefix(std::min(bytes.size(), ended ? end + 1 : room));
    if (!ended && partial_.size() < kMaxLine) return;
    emit(std::exchange(partial_, {}), now);
  }
}

void LineSplitter::emit(std::string_view line, TimePoint now) {
  if (line.empty()) return;
  kept_.emplace_back(line.substr(0, 512));
  if (kept_.size() > kKept) kept_.pop_front();
  if (now - window_ >= std::chrono::seconds(1)) {
    tell_left_out();
    window_ = now;
    in_window_ = 0;
  }
  if (++in_window_ > burst_) {
    ++left_out_;
    return;
  }
  line_(line);
}

void LineSplitter::tell_left_out() {
  if (left_out_ > 0) line_("(" + std::to_string(left_out_) + " more lines were printed and left out of the log)");
  left_out_ = 0;
}

void LineSplitter::finish() {
  if (!partial_.empty()) emit(std::exchange(partial_, {}), window_);
  tell_left_out();
}

std::string LineSplitter::last_lines() const {
  std::string joined;
  for (const std::string& line : kept_) joined += (joined.empty() ? "" : " | ") + line;
  return joined;
}

}  // namespace worker
