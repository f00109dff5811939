#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "base/fd.hpp"
#include "clams/main.hpp"
#include "clams/service.hpp"
#include "config.hpp"
#include "hosted_backend.hpp"
#include "log_sink.hpp"
#include "one_shot.hpp"
#include "program.hpp"
#include "service_backend.hpp"
#include "stop_signals.hpp"
#include "worker_program.hpp"

namespace clams {
namespace server {
namespace {

const NamedApp* find_app(const std::vector<NamedApp>& apps, const std::string& name) {
  if (apps.size() == 1 && (name.empty() || apps.front().name == name)) return &apps.front();
  for (const NamedApp& app : apps) {
    if (app.name == name) return &app;
  }
  return nullptr;
}

ProgramInfo describe_program(const std::string& name, const std::vector<NamedApp>& apps) {
  ProgramInfo program;
  program.name = name;
  for (const NamedApp& app : apps) program.apps.push_back(app.name);
  program.parameters = [&apps](const std::string& app) -> std::optional<std::vector<Parameter>> {
    const NamedApp* found = find_app(apps, app);
    if (found == nullptr) return std::nullopt;
    auto parameters = found->make()->metadata().parameters;
    for (const Parameter& universal : universal_parameters()) parameters.push_back(universal);
    return parameters;
  };
  if (apps.size() == 1) program.description = apps.front().make()->metadata().description;
  return program;
}

bool runs_isolated(const Config& config, const App& app) {
  if (config.input) return false;  // a run that crashes is told by its exit status
  if (config.executor == Executor::Auto) return app.execution() == Execution::Isolated;
  return config.executor == Executor::Isolated;
}

// The app's code in a worker process; HTTP, limits and GPU memory here.
int serve_isolated(int argc, char** argv, const std::string& name, const Config& config, const base::Logger& log, const App& app) {
  HostedOptions options;
  options.metadata = app.metadata();
  std::vector<std::string> notes;
  if (const auto fine = options.metadata->complete(environment("CLAMS_APP_VERSION").value_or(""), notes); !fine)
    return exit_with(fine.error(), name);
  for (const std::string& note : notes) log.warning(note);
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const unsigned threads = config.threads != 0 ? config.threads : app.uses_gpu() ? std::min(4U, cores) : 2 * cores + 1;
  options.name = config.app.empty() ? name : config.app;
  options.command = worker_command(argc, argv);
  options.command.arguments.insert(options.command.arguments.end(), {"--threads", std::to_string(threads)});
  options.per_worker = threads;
  options.models_are_told = true;
  options.request_timeout = config.request_timeout;
  options.rerun = config.rerun;
  options.worker_growth = config.worker_growth;
  options.vram_error_status = config.gpu.error_status;
  options.gpu = gpu_options(config.gpu);
  options.log = log;
  const std::string title = options.metadata->name;
  auto backend = HostedBackend::start(std::move(options));
  if (!backend) return exit_with(backend.error(), name);
  const int status = serve_http(
      {.program = name, .title = title, .threads = threads, .on_hangup = [&] { (*backend)->reload(); }, .backend_keeps_time = true},
      config, log, **backend);
  (*backend)->drain(std::chrono::seconds(5));
  return status;
}

}  // namespace
}  // namespace server

int run_program(int argc, char** argv, std::vector<NamedApp> apps) {
  using namespace server;
  ::signal(SIGPIPE, SIG_IGN);
  std::string name = argc > 0 ? argv[0] : "app";
  name = name.substr(name.rfind('/') + 1);
  // A worker takes the flags of its front; its front ends it, by SIGTERM too.
  const bool is_worker = argc > 1 && std::string_view(argv[1]) == kWorkerArgument;
  if (is_worker) {
    argv[1] = argv[0];
    ++argv;
    --argc;
  } else {
    block_stop_signals();
  }
  auto parsed = parse_config(argc, argv, environment, describe_program(name, apps));
  if (!parsed) return exit_with(parsed.error(), name);
  if (const auto* help = std::get_if<HelpText>(&*parsed)) {
    (void)base::write_all(STDOUT_FILENO, help->text, "standard output");
    return 0;
  }
  Config& config = std::get<Config>(*parsed);
  auto app = find_app(apps, config.app)->make();
  if (is_worker) return run_worker(name, config, std::move(app));
  if (config.input && config.log_level == base::LogLevel::Info)
    config.log_level = base::LogLevel::Warning;  // a run's result is its document
  const base::Logger log(make_log_sink(config.log_format, config.log_level, config.app.empty() ? name : config.app));
  if (runs_isolated(config, *app)) return serve_isolated(argc, argv, name, config, log, *app);
  ServiceOptions options;
  options.environment_version = environment("CLAMS_APP_VERSION").value_or("");
  options.python_status_codes = config.python_status_codes;
  options.log = log;
  options.vram_error_status = config.gpu.error_status;
  options.gpu = gpu_options(config.gpu);
  auto service = Service::create(std::move(app), std::move(options));
  if (!service) return exit_with(service.error(), name);
  if (config.input) return run_once(**service, config, log);
  ServiceBackend backend(**service, log);
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  // With a GPU few requests at once: each holds memory there. Apps that do not use one are not held back by it.
  const bool on_gpu = (*service)->app().uses_gpu() && (*service)->gpu().has_gpu();
  const unsigned threads = config.threads != 0 ? config.threads : on_gpu ? std::min(4U, cores) : 2 * cores + 1;
  return serve_http({.program = name, .title = (*service)->metadata().name, .threads = threads}, config, log, backend);
}

}  // namespace clams
