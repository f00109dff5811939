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
#include "inherited_sockets.hpp"
#include "lifecycle.hpp"
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

// What this process may use, where that is less than the machine has: most such limits are meant, and some are a surprise.
void say_limits(const base::Logger& log, const base::AvailableMemory& memory) {
  const base::AvailableCpus cpus = base::available_cpus();
  std::string line = cpus.limit.empty() ? "" : cpus.words();
  if (!memory.limit.empty())
    line += (line.empty() ? "" : "; ") + to_string(memory.bytes) + " of " + to_string(memory.machine) + " of memory (" +
            memory.limit + ")";
  if (!line.empty()) log.info("may use " + line);
}

// The Python SDK answers 500 whatever went wrong with a request to the app, and some clients take every other status for a result.
// `unavailable`: what 503 becomes; 503 itself where it was asked for by name.
unsigned python_status(std::string_view path, unsigned status, unsigned unavailable) {
  const bool page = path == "/health" || path == "/ready" || path == "/metrics";
  if (page || path.empty() || status < 400 || status == 404 || status == 405) return status;
  return status == 503 ? unavailable : 500;
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
  options.in_container = vram::is_container(vram::ContainerSigns::from_environment());
  options.profile_root = vram::default_profile_root({settings.profile_directory, variable("XDG_CACHE_HOME"), variable("HOME")});
  return options;
}

base::Result<ServiceManager> take_service_manager() {
  const ListenVariables listen{environment("LISTEN_PID"), environment("LISTEN_FDS"), environment("LISTEN_FDNAMES")};
  const NotifyVariables notify{environment("NOTIFY_SOCKET"), environment("WATCHDOG_USEC"), environment("WATCHDOG_PID")};
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
    ::unsetenv(name);
  ServiceManager manager;
  BASE_TRY_ASSIGN(manager.notify, notify_options(notify, ::getpid()));
  BASE_TRY_ASSIGN(manager.sockets, inherited_sockets(listen, ::getpid()));
  return manager;
}

void say_starting(const ServiceManager& manager) {
  // One that cannot be reached is reported when the service is.
  if (auto socket = NotifySocket::open(manager.notify.socket)) (void)socket->send("STATUS=" + std::string(kFirstWorkerStarts));
}

namespace {

// On the sockets of the service manager, where there are any. `place`: for people.
base::Result<std::unique_ptr<HttpServer>> listen_somewhere(std::vector<Listener> sockets, const HttpServerOptions& options,
                                                           const std::shared_ptr<AppHandler>& handler,
                                                           const ExchangeObserver& observe, const base::Logger& log,
                                                           std::string& place) {
  if (sockets.empty()) {
    BASE_TRY_ASSIGN(auto server, HttpServer::listen(options, handler, observe, log));
    const bool plain = options.host.find(':') == std::string::npos;
    place = "http://" + (plain ? options.host : "[" + options.host + "]") + ":" + std::to_string(server->port());
    return server;
  }
  std::vector<base::Fd> descriptors;
  for (Listener& socket : sockets) {
    place += (place.empty() ? "" : " and ") + std::string(socket.port == 0 ? "" : "http://") + socket.address;
    descriptors.push_back(std::move(socket.fd));
  }
  log.info("the service manager passed " + std::to_string(sockets.size()) + " listening " +
           (sockets.size() == 1 ? "socket" : "sockets") + ": --host and --port do not count");
  return HttpServer::adopt(std::move(descriptors), options, handler, observe, log);
}

}  // namespace

int serve_http(Serving serving, const Config& config, const base::Logger& log, AppBackend& backend) {
  Metrics metrics(backend.identifier(), backend.version(), backend.gpu());
  auto handler = std::make_shared<AppHandler>(backend, metrics, config.python_status_codes);
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
  if (config.python_status_codes)
    options.status_of = [unavailable = config.gpu.error_status](std::string_view path, unsigned status) {
      return python_status(path, status, unavailable);
    };
  const auto observe = [&](const Exchange& exchange) {
    metrics.observe(exchange);
    const base::LogLevel level = is_probe(exchange) ? base::LogLevel::Debug : base::LogLevel::Info;
    if (log.enabled(level)) log.with_context(std::string(exchange.request_id)).log(level, access_line(exchange));
  };
  Lifecycle lifecycle({serving.manager.notify, config.drain_delay, config.drain_timeout}, backend, log);
  options.on_turn = [&] { lifecycle.turn(); };
  std::string place;
  auto listening = listen_somewhere(std::move(serving.manager.sockets), options, handler, observe, log, place);
  if (!listening) return exit_with(listening.error(), serving.program);
  HttpServer& server = **listening;
  handler->watch(server, lifecycle);
  lifecycle.watch(server);
  const StopSignals signals([&](int signal) { lifecycle.signalled(signal); });
  if (const std::string gpu = serving.uses_gpu ? backend.gpu().start_line() : ""; !gpu.empty()) log.info(gpu);
  say_limits(log, memory);
  log.info(serving.title + " " + backend.version() + " listens on " + place + " (" + std::to_string(serving.threads) +
           " requests at once)");
  server.run();
  log.info("stopped");
  return 0;
}

}  // namespace clams::server
