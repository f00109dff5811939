#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/fd.hpp"
#include "base/text_layout.hpp"
#include "clams/serve.hpp"
#include "config.hpp"
#include "hosted_options.hpp"
#include "log_sink.hpp"
#include "program.hpp"
#include "stop_signals.hpp"

namespace clams {
namespace server {
namespace {

using base::Error;
using base::ErrorCode;

struct AppFile {
  std::string directory, file;
};

// app.py itself, or the folder it lies in.
base::Result<AppFile> find_app_file(std::string path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return base::error_from_errno("cannot serve '" + path + "'", errno);
  if (S_ISDIR(info.st_mode)) {
    path += "/app.py";
    if (::stat(path.c_str(), &info) != 0)
      return Error{ErrorCode::NotFound, "there is no app.py in that folder: '" + path + "' does not exist"};
  }
  char* whole = ::realpath(path.c_str(), nullptr);
  if (whole == nullptr) return base::error_from_errno("cannot serve '" + path + "'", errno);
  const std::string absolute = whole;
  ::free(whole);  // NOLINT(cppcoreguidelines-no-malloc): realpath allocates
  const std::size_t slash = absolute.rfind('/');
  return AppFile{absolute.substr(0, slash), absolute.substr(slash + 1)};
}

// The virtual environment that this program was installed into (pip), or nothing: `python_package` is
// PREFIX/share/clams-cpp/python.
std::string own_virtual_environment(std::string prefix) {
  for (int i = 0; i < 3; ++i) prefix.resize(std::min(prefix.rfind('/'), prefix.size()));
  return ::access((prefix + "/pyvenv.cfg").c_str(), F_OK) == 0 ? prefix : "";
}

// Workers start in the app's folder, where a relative path would mean another file. Symbolic links stay: the link is what makes an
// interpreter that of its environment. A name without a slash is looked for on PATH.
std::string from_here(const std::string& program) {
  if (program.find('/') == std::string::npos) return program;
  std::error_code problem;
  const auto path = std::filesystem::absolute(program, problem);
  return problem ? program : path.string();
}

// The folder of an environment stands for its interpreter.
base::Result<std::string> python_for(const Config& config, const std::string& python_package) {
  struct stat info {};
  if (!config.python.empty() && ::stat(config.python.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    const std::string inside = config.python + (config.python.ends_with('/') ? "" : "/") + "bin/python";
    if (::access(inside.c_str(), X_OK) == 0) return from_here(inside);
    return Error{ErrorCode::Configuration, "--python: '" + config.python +
                                               "' is a folder without bin/python; name an interpreter, or the folder of a virtual "
                                               "environment"};
  }
  if (!config.python.empty()) return from_here(config.python);
  if (const auto venv = environment("VIRTUAL_ENV"); venv && !venv->empty()) return from_here(*venv + "/bin/python");
  if (const std::string venv = own_virtual_environment(python_package); !venv.empty()) return venv + "/bin/python";
  return std::string("python3");
}

unsigned workers_for(const Config& config, bool may_have_gpu, const base::AvailableCpus& cpus) {
  return config.workers != 0 ? config.workers : usual_requests(may_have_gpu, cpus.count);
}

// OpenMP (torch, OpenBLAS, …) starts a thread for each CPU of the affinity mask, Python's own pools one for each of the machine:
// neither knows of a quota, and threads beyond it only wait for each other. Only where there are fewer, and nobody has decided.
std::vector<std::pair<std::string, std::string>> thread_limits(const base::AvailableCpus& cpus) {
  std::vector<std::pair<std::string, std::string>> variables;
  if (cpus.count == cpus.machine) return variables;
  for (const char* name : {"OMP_NUM_THREADS", "PYTHON_CPU_COUNT"}) {
    if (!environment(name)) variables.emplace_back(name, std::to_string(cpus.count));
  }
  return variables;
}

}  // namespace
}  // namespace server

int serve_python_app(int argc, const char* const* argv, const std::string& python_package) {
  using namespace server;
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // where files may not be large (ulimit -f), memory files may not either: an error, not the end
  block_stop_signals();
  ProgramInfo program;
  program.name = argv[0];
  program.description =
      "Serves an app written for clams-python, unchanged: HTTP, limits and GPU memory here, the app's code in worker processes "
      "that stay.";
  program.apps = {""};
  program.hosts = true;
  program.facts = [](const std::string&) { return base::Result<std::optional<AppFacts>>(std::optional<AppFacts>()); };
  program.columns = base::page_width(environment("COLUMNS"), STDOUT_FILENO);
  auto parsed = parse_config(argc, argv, environment, program);
  if (!parsed) return exit_with(parsed.error(), program.name);
  if (const auto* help = std::get_if<HelpText>(&*parsed)) {
    (void)base::write_all(STDOUT_FILENO, help->text, "standard output");
    return 0;
  }
  const Config& config = std::get<Config>(*parsed);
  const auto file = find_app_file(config.hosted_app);
  if (!file) return exit_with({base::ErrorCode::Configuration, file.error().message}, program.name);
  const std::string name = file->directory.substr(file->directory.rfind('/') + 1);
  const base::Logger log(make_log_sink(config.log_format, config.log_level, name));
  auto manager = take_service_manager();
  if (!manager) return exit_with(manager.error(), program.name);

  auto python = python_for(config, python_package);
  if (!python) return exit_with(python.error(), program.name);
  say_environment(log);
  const base::AvailableCpus cpus = base::available_cpus();
  HostedOptions options = hosted_options(config, log);
  options.name = name;
  options.command.environment = thread_limits(cpus);
  options.command.program = std::move(*python);
  options.command.arguments = {python_package + "/clams_worker",
                               "--fd",
                               std::to_string(worker::kChannelFd),
                               "--life-fd",
                               std::to_string(worker::kLifeLineFd),
                               "--",
                               file->file};
  options.command.arguments.insert(options.command.arguments.end(), config.hosted_arguments.begin(), config.hosted_arguments.end());
  options.command.directory = file->directory;
  options.workers = workers_for(config, config.gpu.gpu != "none", cpus);
  options.workers_follow_memory = config.workers == 0;
  options.stop_asked = stop_is_pending;
  say_starting(*manager);
  auto backend = HostedBackend::start(std::move(options));
  if (!backend && backend.error().code == base::ErrorCode::Cancelled) {
    log.info(backend.error().message);
    return 0;  // as a server that is stopped by a signal
  }
  if (!backend) return exit_with(backend.error(), program.name);
  const unsigned workers = workers_for(config, (*backend)->gpu().has_gpu(), cpus);
  (*backend)->resize(workers);
  const int status = serve_http(
      {.program = program.name, .title = name, .threads = workers, .manager = std::move(*manager), .backend_keeps_time = true},
      config, log, **backend);
  (*backend)->drain(std::chrono::seconds(5));
  return status;
}

}  // namespace clams
