// The terminal and the signals of an interactive command.
#pragma once
#include <sys/signalfd.h>
#include <termios.h>

#include <chrono>
#include <csignal>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "gpu/text_table.hpp"

namespace clams::tool {

struct TerminalSize {
  std::size_t columns = 80, rows = 24;
};
// Of the terminal behind `fd`; else of COLUMNS and LINES; else 80 × 24.
TerminalSize terminal_size(int fd);

// Colours only on a terminal, and neither with NO_COLOR (https://no-color.org) nor on a dumb one; UTF-8 as the locale's variables
// say.
TextStyle style_of(int fd);

// Signals as something that can be waited for. They are blocked from construction on, in threads that start later too: construct it
// before those. Destruction restores the mask.
class SignalQueue {
 public:
  static base::Result<SignalQueue> open(std::initializer_list<int> signals);
  SignalQueue(SignalQueue&& other) noexcept;
  SignalQueue& operator=(SignalQueue&&) = delete;
  ~SignalQueue();

  int fd() const noexcept { return fd_.get(); }
  // The mask before: for programs that are started.
  const sigset_t& former_mask() const noexcept { return former_; }
  // The next signal, waiting up to `patience` (negative: for ever).
  std::optional<signalfd_siginfo> wait(std::chrono::milliseconds patience);

 private:
  SignalQueue(base::Fd fd, sigset_t former) : fd_(std::move(fd)), former_(former) {}
  base::Fd fd_;
  sigset_t former_;
};

// The alternate screen with the cursor hidden and keys read one by one. Whatever way the scope is left, the terminal is as it was.
class LiveScreen {
 public:
  LiveScreen() { enter(); }
  ~LiveScreen() { leave(); }
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  void enter();
  void leave();
  // False once the terminal is gone.
  bool draw(const std::vector<std::string>& lines, std::size_t columns);

 private:
  bool entered_ = false;
  std::optional<termios> former_;
};

}  // namespace clams::tool
