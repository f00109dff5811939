#include "gpu/terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>

#include "base/duration.hpp"

namespace clams::tool {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::size_t size_variable(const char* name, std::size_t otherwise) {
  const long value = std::strtol(std::string(variable(name)).c_str(), nullptr, 10);
  return value > 0 && value < 10'000 ? static_cast<std::size_t>(value) : otherwise;
}

bool speaks_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value(variable(name));
    if (value.empty()) continue;
    std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

bool write_out(std::string_view text) { return base::write_all(STDOUT_FILENO, text, "terminal").has_value(); }

}  // namespace

TerminalSize terminal_size(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) return {size.ws_col, size.ws_row};
  return {size_variable("COLUMNS", 80), size_variable("LINES", 24)};
}

TextStyle style_of(int fd) {
  const bool terminal = ::isatty(fd) == 1;
  return {terminal_size(fd).columns, terminal && variable("NO_COLOR").empty() && variable("TERM") != "dumb", speaks_utf8()};
}

base::Result<SignalQueue> SignalQueue::open(std::initializer_list<int> signals) {
  sigset_t set, former;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  base::Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return base::error_from_errno("cannot wait for signals", errno);
  if (const int problem = ::pthread_sigmask(SIG_BLOCK, &set, &former); problem != 0)
    return base::error_from_errno("cannot hold signals back", problem);
  return SignalQueue(std::move(fd), former);
}

SignalQueue::SignalQueue(SignalQueue&& other) noexcept : fd_(std::move(other.fd_)), former_(other.former_) {}

SignalQueue::~SignalQueue() {
  if (fd_) ::pthread_sigmask(SIG_SETMASK, &former_, nullptr);
}

std::optional<signalfd_siginfo> SignalQueue::wait(std::chrono::milliseconds patience) {
  const base::Clock& clock = base::system_clock();
  const auto deadline = clock.monotonic() + std::chrono::nanoseconds(patience);
  for (;;) {
    signalfd_siginfo info{};
    if (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) return info;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.monotonic());
    if (patience >= std::chrono::milliseconds(0) && left <= std::chrono::milliseconds(0)) return std::nullopt;
    pollfd entry{fd_.get(), POLLIN, 0};
    constexpr std::chrono::milliseconds kLongest{3'600'000};
    (void)::poll(&entry, 1, patience < std::chrono::milliseconds(0) ? -1 : static_cast<int>(std::min(left, kLongest).count()));
  }
}

void LiveScreen::enter() {
  if (entered_) return;
  termios mode{};
  if (::tcgetattr(STDIN_FILENO, &mode) == 0) {
    former_ = mode;
    mode.c_lflag &= static_cast<tcflag_t>(~static_cast<tcflag_t>(ICANON | ECHO));
    mode.c_cc[VMIN] = 0;
    mode.c_cc[VTIME] = 0;
    (void)::tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
  }
  entered_ = true;
  // Alternate screen, no cursor, no wrapping at the right edge.
  (void)write_out("\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J");
}

void LiveScreen::leave() {
  if (!entered_) return;
  entered_ = false;
  (void)write_out("\x1b[?7h\x1b[?25h\x1b[0m\x1b[?1049l");
  if (former_) (void)::tcsetattr(STDIN_FILENO, TCSADRAIN, &*former_);
}

bool LiveScreen::draw(const std::vector<std::string>& lines, std::size_t columns) {
  // Between the two ?2026 sequences a terminal that knows them shows nothing half drawn; others ignore them.
  std::string out = "\x1b[?2026h\x1b[H";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out.append(i == 0 ? "" : "\r\n").append(lines[i]);
    // After a whole line the cursor stands on its last character, which this would erase.
    if (width_of(lines[i]) < columns) out.append("\x1b[K");
  }
  return write_out(out.append("\x1b[?2026l"));
}

}  // namespace clams::tool
