#include "one_shot.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <mutex>
#include <thread>

#include "base/fd.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "cpu_budget.hpp"
#include "crash_line.hpp"
#include "media_input.hpp"
#include "mmif/json.hpp"
#include "stop_signals.hpp"

namespace clams::server {
namespace {

// What a run has to say, each thing once: on standard error, in the log's form where that is JSON.
class Report {
 public:
  Report(std::string program, const base::Logger& log, bool as_json) : program_(std::move(program)), log_(log), as_json_(as_json) {}
  void failure(std::string_view text) const {
    if (as_json_) return log_.error(std::string(text));
    print("", text);
  }
  void warning(std::string_view text) const {
    if (as_json_) return log_.warning(std::string(text));
    print("warning: ", text);
  }

 private:
  void print(std::string_view kind, std::string_view text) const {
    std::string line = program_ + ": ";
    line += kind;
    for (const std::string_view piece : base::split(text, '\n')) {
      if (base::trim(piece).empty()) continue;
      if (!line.ends_with(' ')) line += ' ';
      line += base::trim(piece);
    }
    (void)base::write_all(STDERR_FILENO, line + "\n", "standard error");
  }
  std::string program_;
  const base::Logger& log_;
  bool as_json_;
};

base::Result<std::string> read_input(const std::string& name) {
  if (name == "-") return base::read_all(STDIN_FILENO, "standard input");
  BASE_TRY_ASSIGN(auto made, mmif_for_media(name));
  return made ? base::Result<std::string>(std::move(*made)) : base::read_file(name);
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

// What can be known before a run that may take long: the folder is there, the name is not that of one.
base::Status check_output(const std::string& name) {
  if (name == "-") return {};
  struct stat info {};
  if (::stat(name.c_str(), &info) == 0)
    return S_ISDIR(info.st_mode) ? base::error_from_errno("cannot write '" + name + "'", EISDIR) : base::Status();
  const std::size_t slash = name.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : name.substr(0, std::max<std::size_t>(slash, 1));
  if (::stat(folder.c_str(), &info) != 0) return base::error_from_errno("cannot write '" + name + "'", errno);
  return S_ISDIR(info.st_mode) ? base::Status() : base::error_from_errno("cannot write '" + name + "'", ENOTDIR);
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

// Writes the document, of a failed run too: its error view says why. Returns the exit status.
int conclude(const Answer& answer, const Config& config, int standard_output, const Report& report) {
  const int status = exit_status_of(answer);
  const std::string body = answer.body.to_string();
  if (status != 0 && status != 1) {
    report.failure(answer.failure.empty() ? body : answer.failure);
    return status;
  }
  if (const auto written = write_output(*config.output, standard_output, body); !written) {
    report.failure(written.error().message + (status == 1 ? "; the app failed: " + answer.failure : ""));
    return 1;
  }
  const std::string place = *config.output == "-" ? "the output" : *config.output;
  if (status == 1) report.failure("the app failed: " + answer.failure + " (" + place + " has it as an error view)");
  return status;
}

}  // namespace

int run_once(Service& service, const Config& config, const base::Logger& log, const std::string& program) {
  const Report report(program, log, config.log_format == LogFormat::Json);
  if (const auto fine = service.check_values(config.parameters); !fine) {
    report.failure(fine.error().message);
    return 2;
  }
  if (const auto fine = check_output(*config.output); !fine) {
    report.failure(fine.error().message);
    return 1;
  }
  auto text = read_input(*config.input);
  if (!text) {
    report.failure(text.error().message);
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
  context.caller_reports_failure = true;
  context.on_warning = [&](std::string_view warning) {
    progress.clear();
    report.warning(warning);
  };
  if (::isatty(STDERR_FILENO) == 1)
    context.progress = [&](double fraction, std::string_view what) { progress.show(fraction, what); };

  const RunningRequest running("");
  const Answer answer = service.annotate(std::move(*text), config.parameters, context);
  progress.clear();
  if (stop.stop_requested()) {
    report.failure("stopped; nothing was written");
    return 1;
  }
  return conclude(answer, config, own_output.get(), report);
}

}  // namespace clams::server
