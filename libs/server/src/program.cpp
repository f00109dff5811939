#include "program.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "app_handler.hpp"
#include "base/available_cpus.hpp"
#include "base/available_memory.hpp"
#include "base/duration.hpp"
#include "base/fd.hpp"
#include "clams/server/environment.hpp"
#include "metrics.hpp"
#include "stop_signals.hpp"

namespace clams::server {
namespace {

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

// What this process may use, where that is less than the machine has: most such limits are meant, and some are a surprise.
void say_limits(const base::Logger& log, const base::AvailableMemory& memory) {
  const base::AvailableCpus cpus = base::available_cpus();
  std::string line = cpus.limit.empty() ? "" : cpus.words();
  if (!memory.limit.empty())
    line += (line.empty() ? "" : "; ") + to_string(memory.bytes) + " of " + to_string(memory.machine) + " of memory (" +
            memory.limit + ")";
  if (!line.empty()) log.info("may use " + line);
}

// What monitoring asks every few seconds says nothing of what clients do, unless it is answered otherwise than usual.
bool is_probe(const Exchange& exchange) {
  const bool page = exchange.path == "/health" || exchange.path == "/ready" || exchange.path == "/metrics";
  return page && (exchange.method == "GET" || exchange.method == "HEAD") && exchange.status == 200;
}

}  // namespace

int exit_with(const base::Error& error, const std::string& program) {
  std::string line = program + ": " + error.message;
  std::replace(line.begin(), line.end(), '\n', ' ');
  line += '\n';
  (void)base::write_all(STDERR_FILENO, line, "standard error");
  return base::traits_of(error.code).exit_status;
}

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

void say_environment(const base::Logger& log) {
  const EnvironmentFindings findings = look_at_environment(environment_variables());
  if (const std::string line = findings.injected_line(); !line.empty()) log.info(line);
  if (const std::string line = findings.unknown_line(); !line.empty()) log.warning(line);
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
  options.admission.headroom = settings.headroom.share ? vram::Headroom::percent(*settings.headroom.share * 100)
                                                       : vram::Headroom::bytes(settings.headroom.bytes);
  options.admission.margin = settings.margin;
  options.admission.first_share = settings.first_share;
  options.model_idle = settings.model_idle;
  options.devices = vram::DeviceEnvironment::from_environment();
  options.directory.explicit_directory = settings.ledger_directory;
  options.directory.xdg_runtime_directory = variable("XDG_RUNTIME_DIR");
  options.profile_root = vram::default_profile_root({settings.profile_directory, variable("XDG_CACHE_HOME"), variable("HOME")});
  return options;
}

int serve_http(const Serving& serving, const Config& config, const base::Logger& log, AppBackend& backend) {
  Metrics metrics(backend.identifier(), backend.version(), backend.gpu());
  auto handler = std::make_shared<AppHandler>(backend, metrics);
  HttpServerOptions options;
  options.host = config.host;
  options.port = config.port;
  options.request_threads = serving.threads;
  options.queue = config.queue;
  options.max_body = config.max_body.count();
  const base::AvailableMemory memory = base::available_memory();
  options.body_memory = config.body_memory.value_or(base::scaled(memory.bytes, 0.25)).count();
  options.shared_bodies = backend.wants_shared_bodies();
  if (!serving.backend_keeps_time) options.request_timeout = config.request_timeout;
  options.drain_timeout = config.drain_timeout;
  const auto observe = [&](const Exchange& exchange) {
    metrics.observe(exchange);
    const base::LogLevel level = is_probe(exchange) ? base::LogLevel::Debug : base::LogLevel::Info;
    if (log.enabled(level)) log.with_context(std::string(exchange.request_id)).log(level, access_line(exchange));
  };
  auto listening = HttpServer::listen(options, handler, observe, log);
  if (!listening) return exit_with(listening.error(), serving.program);
  HttpServer& server = **listening;
  handler->watch(server);
  int stops = 0;
  const StopSignals signals([&](int signal) {
    if (signal == SIGHUP) {
      if (serving.on_hangup) serving.on_hangup();
    } else if (stops++ == 0) {
      log.info("stopping: running requests may finish for " + base::to_string(config.drain_timeout) +
               "; a second signal stops at once");
      server.drain();
    } else {
      server.stop_now();
    }
  });
  if (const std::string gpu = serving.uses_gpu ? backend.gpu().start_line() : ""; !gpu.empty()) log.info(gpu);
  const std::string address =
      (config.host.find(':') == std::string::npos ? config.host : "[" + config.host + "]") + ":" + std::to_string(server.port());
  say_limits(log, memory);
  log.info(serving.title + " " + backend.version() + " listens on http://" + address + " (" + std::to_string(serving.threads) +
           " requests at once)");
  server.run();
  log.info("stopped");
  return 0;
}

}  // namespace clams::server
