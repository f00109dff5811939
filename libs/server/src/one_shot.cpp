#include "one_shot.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <mutex>
#include <thread>

#include "base/fd.hpp"
#include "base/files.hpp"
#include "cpu_budget.hpp"
#include "mmif/json.hpp"
#include "stop_signals.hpp"

namespace clams::server {
namespace {

void tell(std::string_view text) { (void)base::write_all(STDERR_FILENO, std::string(text) + "\n", "standard error"); }

base::Result<std::string> read_input(const std::string& name) {
  return name == "-" ? base::read_all(STDIN_FILENO, "standard input") : base::read_file(name);
}

// Regular files are replaced whole; pipes and devices are written to.
base::Status write_output(const std::string& name, int standard_output, const std::string& text) {
  if (name == "-") return base::write_all(standard_output, text, "standard output");
  struct stat info {};
  const bool special = ::stat(name.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
  if (!special) return base::write_file_atomically(name, text);
  BASE_TRY_ASSIGN(const base::Fd fd, base::open_file(name, O_WRONLY));
  return base::write_all(fd.get(), text, name);
}

// What the app prints goes to standard error when the document goes to standard output.
base::Fd take_standard_output() {
  std::fflush(stdout);
  base::Fd own(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  (void)::dup2(STDERR_FILENO, STDOUT_FILENO);
  return own;
}

// A line that is drawn over and over; only on a terminal.
class ProgressLine {
 public:
  void show(double fraction, std::string_view what) {
    const std::lock_guard lock(mutex_);
    const int percent = static_cast<int>(fraction * 100 + 0.5);
    if (percent == last_ && what == text_) return;
    last_ = percent;
    text_ = what;
    shown_ = true;
    std::array<char, 160> line{};
    const int length = std::snprintf(line.data(), line.size(), "\r\033[K%3d%% %.100s", percent, text_.c_str());
    (void)base::write_all(STDERR_FILENO, std::string_view(line.data(), static_cast<std::size_t>(length)), "standard error");
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    if (shown_) (void)base::write_all(STDERR_FILENO, "\r\033[K", "standard error");
    shown_ = false;
  }

 private:
  std::mutex mutex_;
  std::string text_;
  int last_ = -1;
  bool shown_ = false;
};

int exit_status_of(const Answer& answer) {
  // A refusal may have the status of a failure (--vram-error-status).
  for (const auto& [name, value] : answer.headers) {
    if (name == "Retry-After") return 75;
  }
  switch (answer.status) {
    case 200: return 0;
    case 400: return 65;
    case 503: return 75;
    case 507: return 69;
    default: return answer.content_type.starts_with("text/plain") ? 65 : 1;
  }
}

}  // namespace

int run_once(Service& service, const Config& config, const base::Logger& log) {
  if (const auto fine = service.check_values(config.parameters); !fine) {
    tell(fine.error().message);
    return 2;
  }
  auto text = read_input(*config.input);
  if (!text) {
    tell(text.error().message);
    return 1;
  }
  base::Fd own_output;
  if (*config.output == "-") own_output = take_standard_output();

  ProgressLine progress;
  std::stop_source stop;
  StopSignals signals([&](int) { stop.request_stop(); });
  RequestContext context;
  context.log = log;
  context.stop = stop.get_token();
  const CpuBudget::Share cpu(std::make_shared<CpuBudget>());
  context.cpu_share = [&cpu] { return cpu.threads(); };
  if (::isatty(STDERR_FILENO) == 1)
    context.progress = [&](double fraction, std::string_view what) { progress.show(fraction, what); };

  const Answer answer = service.annotate(std::move(*text), config.parameters, context);
  progress.clear();
  if (stop.stop_requested()) {
    tell("stopped; nothing was written");
    return 1;
  }
  const int status = exit_status_of(answer);
  const std::string body = answer.body.to_string();
  if (status != 0 && status != 1) {
    tell(body);
    return status;
  }
  if (const auto written = write_output(*config.output, own_output.get(), body); !written) {
    tell(written.error().message);
    return 1;
  }
  if (status == 1)
    tell("the app failed; the last view of " + (*config.output == "-" ? std::string("the output") : *config.output) + " says why");
  return status;
}

}  // namespace clams::server
