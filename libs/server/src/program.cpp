#include "program.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "app_handler.hpp"
#include "base/duration.hpp"
#include "base/fd.hpp"
#include "base/host_memory.hpp"
#include "metrics.hpp"
#include "stop_signals.hpp"
#include "vram/container.hpp"

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

}  // namespace

int exit_with(const base::Error& error, const std::string& program) {
  const std::string line = program + ": " + error.message + "\n";
  (void)base::write_all(STDERR_FILENO, line, "standard error");
  return base::traits_of(error.code).exit_status;
}

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
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
  options.in_container = vram::is_container(vram::ContainerSigns::from_environment());
  options.profile_root = vram::default_profile_root({settings.profile_directory, variable("XDG_CACHE_HOME"), variable("HOME")});
  return options;
}

int serve_http(const Serving& serving, const Config& config, const base::Logger& log, AppBackend& backend) {
  Metrics metrics(backend.identifier(), backend.gpu());
  auto handler = std::make_shared<AppHandler>(backend, metrics, std::max(1U, std::thread::hardware_concurrency()));
  HttpServerOptions options;
  options.host = config.host;
  options.port = config.port;
  options.request_threads = serving.threads;
  options.queue = config.queue;
  options.max_body = config.max_body.count();
  options.body_memory = config.body_memory.value_or(base::scaled(base::usable_memory(), 0.25)).count();
  options.shared_bodies = backend.wants_shared_bodies();
  if (!serving.backend_keeps_time) options.request_timeout = config.request_timeout;
  options.drain_timeout = config.drain_timeout;
  const auto observe = [&](const Exchange& exchange) {
    metrics.observe(exchange);
    if (log.enabled(base::LogLevel::Info)) log.with_context(std::string(exchange.request_id)).info(access_line(exchange));
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
  const std::string address =
      (config.host.find(':') == std::string::npos ? config.host : "[" + config.host + "]") + ":" + std::to_string(server.port());
  log.info(serving.title + " " + backend.version() + " listens on http://" + address + " (" + std::to_string(serving.threads) +
           " requests at once)");
  server.run();
  log.info("stopped");
  return 0;
}

}  // namespace clams::server
