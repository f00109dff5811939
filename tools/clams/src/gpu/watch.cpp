#include "gpu/watch.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>

#include "gpu/live_view.hpp"
#include "gpu/terminal.hpp"
#include "streams.hpp"

namespace clams::tool {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kShortest{100};
constexpr milliseconds kLongest{60'000};

std::string time_of_day() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 16> text{};
  std::strftime(text.data(), text.size(), "%H:%M:%S", &local);
  return text.data();
}

class Watcher {
 public:
  Watcher(GpuHost host, const GpuSettings& settings, const WatchOptions& options, SignalQueue signals)
      : host_(std::move(host)), settings_(settings), interval_(options.interval), signals_(std::move(signals)) {}

  int run_json() {
    for (;;) {
      if (!write_output(std::nullopt, picture_json(picture(), false))) return 1;
      if (const auto signal = signals_.wait(interval_); signal && !is_harmless(signal->ssi_signo))
        return status_after(signal->ssi_signo);
    }
  }

  int run_screen() {
    LiveScreen screen;
    while (!status_) {
      look();
      if (!draw(screen)) return 1;
      const auto next = base::system_clock().monotonic() + std::chrono::nanoseconds(interval_);
      while (!status_ && !paused_until(next, screen)) {}
    }
    return *status_;
  }

 private:
  static bool is_harmless(std::uint32_t signal) { return signal == SIGWINCH || signal == SIGTSTP; }
  static int status_after(std::uint32_t signal) { return signal == SIGINT ? 0 : 128 + static_cast<int>(signal); }

  GpuPicture picture() {
    // The list of devices is asked for once more only as long as it is not known.
    if (host_.driver_problem) {
      if (auto devices = host_.monitor->devices()) {
        host_.devices = std::move(*devices);
        host_.driver_problem.reset();
      }
    }
    if (!host_.ledger && host_.ledger_problem.empty()) reopen_ledger();
    PictureOptions options;
    options.wait = std::min(interval_, milliseconds(200));
    return take_picture(host_, settings_.headroom, options);
  }

  // The first program that asks for memory makes the ledger.
  void reopen_ledger() {
    if (host_.devices.empty() || !host_.directory || ::access((host_.directory->path + "/ledger").c_str(), F_OK) != 0) return;
    vram::LedgerOptions options;
    options.directory = *host_.directory;
    if (auto ledger = vram::Ledger::open(std::move(options))) host_.ledger = std::move(*ledger);
  }

  void look() {
    picture_ = picture();
    now_ = base::system_clock().monotonic();
    history_.add(picture_, now_);
  }

  bool draw(LiveScreen& screen) {
    const TextStyle style = style_of(STDOUT_FILENO);
    return screen.draw(live_lines(picture_, history_, {terminal_size(STDOUT_FILENO).rows, interval_, now_, time_of_day()}, style),
                       style.columns);
  }

  // One wait for a key, a signal or the time; true when it is time to look again.
  bool paused_until(std::chrono::nanoseconds next, LiveScreen& screen) {
    const auto left = std::chrono::ceil<milliseconds>(next - base::system_clock().monotonic());
    if (left <= milliseconds(0)) return true;
    std::array<pollfd, 2> entries{pollfd{signals_.fd(), POLLIN, 0}, pollfd{has_keys_ ? STDIN_FILENO : -1, POLLIN, 0}};
    (void)::poll(entries.data(), entries.size(), static_cast<int>(left.count()));
    while (const auto signal = signals_.wait(milliseconds(0))) on_signal(signal->ssi_signo, screen);
    if (entries[1].revents != 0) return on_keys();
    return false;
  }

  void on_signal(std::uint32_t signal, LiveScreen& screen) {
    if (signal == SIGTSTP) {
      screen.leave();
      ::raise(SIGSTOP);
      screen.enter();
    }
    if (!is_harmless(signal))
      status_ = status_after(signal);
    else if (!draw(screen))
      status_ = 1;
  }

  bool on_keys() {
    std::array<char, 32> keys{};
    const ssize_t got = ::read(STDIN_FILENO, keys.data(), keys.size());
    if (got <= 0) has_keys_ = false;  // the end of it: the view goes on without keys
    for (ssize_t i = 0; i < got; ++i) {
      const char key = keys[static_cast<std::size_t>(i)];
      if (key == 'q' || key == 'Q' || key == '\x04') status_ = 0;
      if (key == '+') interval_ = std::max(interval_ / 2, kShortest);
      if (key == '-') interval_ = std::min(interval_ * 2, kLongest);
    }
    return got > 0;
  }

  GpuHost host_;
  const GpuSettings& settings_;
  milliseconds interval_;
  SignalQueue signals_;
  UseHistory history_;
  GpuPicture picture_;
  std::chrono::nanoseconds now_{};
  bool has_keys_ = true;
  std::optional<int> status_;
};

}  // namespace

int watch_gpus(const GpuSettings& settings, const WatchOptions& options) {
  if (!options.json && ::isatty(STDOUT_FILENO) != 1) {
    complain("gpu", "--watch needs a terminal to draw on; with --json it writes one line each time");
    return 2;
  }
  auto signals = SignalQueue::open({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP});
  if (!signals) return finish("gpu", signals.error());
  GpuHostOptions host_options;
  host_options.monitor.refresh = std::clamp(options.interval, kShortest, milliseconds(2000));
  auto host = open_gpu_host(settings, host_options);
  if (!host) return finish("gpu", host.error());
  Watcher watcher(std::move(*host), settings, options, std::move(*signals));
  return options.json ? watcher.run_json() : watcher.run_screen();
}

}  // namespace clams::tool
