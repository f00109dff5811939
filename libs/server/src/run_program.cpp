#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "app_handler.hpp"
#include "base/duration.hpp"
#include "base/fd.hpp"
#include "clams/main.hpp"
#include "clams/service.hpp"
#include "config.hpp"
#include "log_sink.hpp"
#include "metrics.hpp"
#include "one_shot.hpp"
#include "stop_signals.hpp"

namespace clams {
namespace server {
namespace {

int exit_with(const base::Error& error, const std::string& program) {
  const std::string line = program + ": " + error.message + "\n";
  (void)base::write_all(STDERR_FILENO, line, "standard error");
  return base::traits_of(error.code).exit_status;
}

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

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

std::string access_line(const Exchange& exchange) {
  std::array<char, 64> times{};
  std::snprintf(times.data(), times.size(), "%.3fs", std::chrono::duration<double>(exchange.total).count());
  std::string line(exchange.remote);
  line += " \"";
  line += exchange.method;
  line += ' ';
  line += exchange.path;
  if (!exchange.query.empty()) {
    line += '?';
    line += exchange.query.substr(0, 512);
  }
  line += "\" ";
  line += std::to_string(exchange.status);
  line += ' ';
  line += std::to_string(exchange.bytes_in);
  line += "B in ";
  line += std::to_string(exchange.bytes_out);
  line += "B out ";
  line += times.data();
  return line;
}

GpuMemoryOptions gpu_options(const GpuSettings& settings) {
  const auto variable = [](const char* name) { return environment(name).value_or(""); };
  GpuMemoryOptions options;
  options.gpu = settings.gpu;
  switch (settings.mode) {
    case VramMode::Off: options.admission.mode = vram::AdmissionMode::Off; break;
    case VramMode::Observe: options.admission.mode = vram::AdmissionMode::Observe; break;
    case VramMode::Enforce: options.admission.mode = vram::AdmissionMode::Enforce; break;
  }
  options.admission.unknown = settings.allow_unknown ? vram::UnknownPolicy::Allow : vram::UnknownPolicy::Refuse;
  options.admission.headroom = settings.headroom.share ? vram::Headroom::percent(*settings.headroom.share * 100) : vram::Headroom::bytes(settings.headroom.bytes);
  options.admission.margin = settings.margin;
  options.admission.first_share = settings.first_share;
  options.model_idle = settings.model_idle;
  options.devices = vram::DeviceEnvironment::from_environment();
  options.directory.explicit_directory = settings.ledger_directory;
  options.directory.xdg_runtime_directory = variable("XDG_RUNTIME_DIR");
  options.profile_root = vram::default_profile_root({settings.profile_directory, variable("XDG_CACHE_HOME"), variable("HOME")});
  return options;
}

class Program {
 public:
  Program(std::string name, Config config, base::Logger log, Service& service)
      : name_(std::move(name)), config_(std::move(config)), log_(std::move(log)), service_(service), metrics_(service.metadata().identifier, service.gpu()) {}

  int serve() {
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    auto handler = std::make_shared<AppHandler>(service_, metrics_, log_, cores);
    HttpServerOptions options;
    options.host = config_.host;
    options.port = config_.port;
    // With a GPU few requests at once: each holds memory there. Apps that do not use one are not held back by it.
    const bool on_gpu = service_.app().uses_gpu() && service_.gpu().has_gpu();
    options.request_threads = config_.threads != 0 ? config_.threads : on_gpu ? std::min(4U, cores) : 2 * cores + 1;
    options.queue = config_.queue;
    options.max_body = config_.max_body.count();
    options.request_timeout = config_.request_timeout;
    options.drain_timeout = config_.drain_timeout;
    auto listening = HttpServer::listen(options, handler, [this](const Exchange& exchange) { finished(exchange); }, log_);
    if (!listening) return exit_with(listening.error(), name_);
    HttpServer& server = **listening;
    handler->watch(server);
    int signals_seen = 0;
    const StopSignals signals([&](int signal) {
      if (signal == SIGHUP) return;
      if (signals_seen++ == 0) {
        log_.info("stopping: running requests may finish for " + base::to_string(config_.drain_timeout) + "; a second signal stops at once");
        server.drain();
      } else {
        server.stop_now();
      }
    });
    const std::string address = (config_.host.find(':') == std::string::npos ? config_.host : "[" + config_.host + "]") + ":" + std::to_string(server.port());
    log_.info(service_.metadata().name + " " + service_.metadata().app_version + " listens on http://" + address + " (" + std::to_string(options.request_threads) +
              " requests at once)");
    server.run();
    log_.info("stopped");
    return 0;
  }

 private:
  void finished(const Exchange& exchange) {
    metrics_.observe(exchange);
    if (log_.enabled(base::LogLevel::Info)) log_.with_context(std::string(exchange.request_id)).info(access_line(exchange));
  }

  std::string name_;
  Config config_;
  base::Logger log_;
  Service& service_;
  Metrics metrics_;
};

}  // namespace
}  // namespace server

int run_program(int argc, char** argv, std::vector<NamedApp> apps) {
  using namespace server;
  ::signal(SIGPIPE, SIG_IGN);
  std::string name = argc > 0 ? argv[0] : "app";
  name = name.substr(name.rfind('/') + 1);
  auto parsed = parse_config(argc, argv, environment, describe_program(name, apps));
  if (!parsed) return exit_with(parsed.error(), name);
  if (const auto* help = std::get_if<HelpText>(&*parsed)) {
    (void)base::write_all(STDOUT_FILENO, help->text, "standard output");
    return 0;
  }
  Config& config = std::get<Config>(*parsed);
  if (config.input && config.log_level == base::LogLevel::Info) config.log_level = base::LogLevel::Warning;  // a run's result is its document
  const base::Logger log(make_log_sink(config.log_format, config.log_level, config.app.empty() ? name : config.app));
  ServiceOptions options;
  options.environment_version = environment("CLAMS_APP_VERSION").value_or("");
  options.python_status_codes = config.python_status_codes;
  options.log = log;
  options.vram_error_status = config.gpu.error_status;
  options.gpu = gpu_options(config.gpu);
  auto service = Service::create(find_app(apps, config.app)->make(), std::move(options));
  if (!service) return exit_with(service.error(), name);
  if (config.input) return run_once(**service, config, log);
  return Program(name, config, log, **service).serve();
}

}  // namespace clams
