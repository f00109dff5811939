#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "app_start.hpp"
#include "base/fd.hpp"
#include "base/text_layout.hpp"
#include "clams/main.hpp"
#include "clams/service.hpp"
#include "config.hpp"
#include "crash_line.hpp"
#include "hosted_options.hpp"
#include "log_sink.hpp"
#include "one_shot.hpp"
#include "program.hpp"
#include "service_backend.hpp"
#include "stop_signals.hpp"
#include "worker_program.hpp"

namespace clams {
namespace server {
namespace {

Execution execution_of(const Config& config, const App& app) {
  if (config.input) return Execution::InProcess;  // a run that crashes is told by its exit status
  switch (config.executor) {
    case Executor::Auto: return app.execution();
    case Executor::InProcess: return Execution::InProcess;
    case Executor::Isolated: return Execution::Isolated;
    case Executor::Exclusive: return Execution::Exclusive;
  }
  return Execution::InProcess;
}

// In one process. An app that says that it is exclusive gets one at a time, wherever it is made to run.
unsigned threads_for(const Config& config, const App& app, bool on_gpu, unsigned cpus) {
  if (app.execution() == Execution::Exclusive) return 1;
  return config.threads != 0 ? config.threads : usual_requests(on_gpu, cpus);
}

// The app's code in worker processes; HTTP, limits and GPU memory here.
int serve_in_workers(int argc, char** argv, const std::string& name, const Config& config, const base::Logger& log, const App& app,
                     const AppMetadata& metadata, ServiceManager manager) {
  const bool exclusive = execution_of(config, app) == Execution::Exclusive;
  const unsigned cpus = base::available_cpus().count;
  HostedOptions options = hosted_options(config, log);
  options.metadata = metadata;
  options.name = config.app.empty() ? name : config.app;
  options.per_worker = exclusive ? 1 : threads_for(config, app, app.uses_gpu(), cpus);
  options.workers = !exclusive ? 1 : config.workers != 0 ? config.workers : usual_requests(app.uses_gpu(), cpus);
  options.workers_follow_memory = exclusive && config.workers == 0;
  options.command = worker_command(argc, argv);
  options.command.arguments.insert(options.command.arguments.end(), {"--threads", std::to_string(options.per_worker)});
  options.models_are_told = true;
  options.app_may_rerun = app.may_rerun();
  const std::string title = options.metadata->name;
  const unsigned at_once = options.workers * options.per_worker;
  auto backend = HostedBackend::start(std::move(options));
  if (!backend) return exit_with(backend.error(), name);
  const int status = serve_http({.program = name,
                                 .title = title,
                                 .threads = at_once,
                                 .manager = std::move(manager),
                                 .uses_gpu = app.uses_gpu(),
                                 .backend_keeps_time = true},
                                config, log, **backend);
  (*backend)->drain(std::chrono::seconds(5));
  return status;
}

}  // namespace
}  // namespace server

int run_program(int argc, char** argv, const std::vector<NamedApp>& apps) {
  using namespace server;
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // where files may not be large (ulimit -f), memory files may not either: an error, not the end
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
  // Before an app is made: its constructor may start processes, which must inherit neither sockets nor variables.
  auto manager = is_worker ? base::Result<ServiceManager>(ServiceManager()) : take_service_manager();
  if (!manager) return exit_with(manager.error(), name);
  AppStart start(apps, environment("CLAMS_APP_VERSION").value_or(""));
  ProgramInfo program;
  program.name = name;
  program.apps = start.names();
  program.facts = [&](const std::string& app) { return start.facts(app); };
  program.columns = base::page_width(environment("COLUMNS"), STDOUT_FILENO);
  auto parsed = parse_config(argc, argv, environment, program);
  if (!parsed) return exit_with(parsed.error(), name);
  if (const auto* help = std::get_if<HelpText>(&*parsed)) {
    (void)base::write_all(STDOUT_FILENO, help->text, "standard output");
    return 0;
  }
  auto& config = std::get<Config>(*parsed);
  auto app = start.take_app();
  if (is_worker) return run_worker(name, config, std::move(app));
  if (config.input && config.log_level == base::LogLevel::Info)
    config.log_level = base::LogLevel::Warning;  // a run's result is its document
  const base::Logger log(make_log_sink(config.log_format, config.log_level, config.app.empty() ? name : config.app));
  say_environment(log);
  if (execution_of(config, *app) != Execution::InProcess) {
    for (const std::string& note : start.notes()) log.warning(note);
    return serve_in_workers(argc, argv, name, config, log, *app, start.metadata(), std::move(*manager));
  }
  report_crashes(name, config.input ? "nothing was written" : "run with --executor isolated to survive this");
  ServiceOptions options;
  options.environment_version = environment("CLAMS_APP_VERSION").value_or("");
  options.python_status_codes = config.python_status_codes;
  options.log = log;
  options.vram_error_status = config.gpu.error_status;
  options.gpu = gpu_options(config.gpu);
  auto service = Service::create(std::move(app), std::move(options));
  if (!service) return exit_with(service.error(), name);
  if (config.input) return run_once(**service, config, log, name);
  ServiceBackend backend(**service, std::make_shared<CpuBudget>(), log);
  const bool on_gpu = (*service)->app().uses_gpu() && (*service)->gpu().has_gpu();
  const unsigned threads = threads_for(config, (*service)->app(), on_gpu, base::available_cpus().count);
  return serve_http({.program = name,
                     .title = (*service)->metadata().name,
                     .threads = threads,
                     .manager = std::move(*manager),
                     .uses_gpu = (*service)->app().uses_gpu()},
                    config, log, backend);
}

}  // namespace clams
