// What the programs that serve share.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "app_backend.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "listener.hpp"
#include "service_manager.hpp"

namespace clams::server {

// One line on standard error; returns the exit status of the error's code.
int exit_with(const base::Error& error, const std::string& program);
std::optional<std::string> environment(const std::string& name);
// What stands under our prefix in the environment and is no setting: one line for each kind.
void say_environment(const base::Logger& log);
// Settings and environment as GPU memory takes them.
GpuMemoryOptions gpu_options(const GpuSettings& settings);

// What the service manager passed to this process.
struct ServiceManager {
  NotifyOptions notify;
  std::vector<Listener> sockets;  // to serve on; none: host and port count
};
// Takes it out of the environment, so that no child process takes it for its own: before any thread or child is started. Errors are
// Configuration.
base::Result<ServiceManager> take_service_manager();

// For people who ask the service manager meanwhile: before something that may take minutes.
void say_starting(const ServiceManager& manager);

struct Serving {
  std::string program;   // for messages
  std::string title;     // of the app
  unsigned threads = 1;  // requests at once
  ServiceManager manager = {};
  bool uses_gpu = true;  // the app says so
  // The backend ends requests that run too long by itself, and knows what to answer: a second clock that is a moment ahead of its
  // own would have them stopped as if the server were ending.
  bool backend_keeps_time = false;
};
// Listens and serves until SIGTERM or SIGINT; returns the exit status. `backend` must outlive it.
int serve_http(Serving serving, const Config& config, const base::Logger& log, AppBackend& backend);

}  // namespace clams::server
