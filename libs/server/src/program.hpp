// What the programs that serve share.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "app_backend.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "config.hpp"

namespace clams::server {

// One line on standard error; returns the exit status of the error's code.
int exit_with(const base::Error& error, const std::string& program);
std::optional<std::string> environment(const std::string& name);
// What stands under our prefix in the environment and is no setting: one line for each kind.
void say_environment(const base::Logger& log);
// Settings and environment as GPU memory takes them.
GpuMemoryOptions gpu_options(const GpuSettings& settings);

struct Serving {
  std::string program;                   // for messages
  std::string title;                     // of the app
  unsigned threads = 1;                  // requests at once
  std::function<void()> on_hangup = {};  // SIGHUP
  bool uses_gpu = true;                  // the app says so
  // The backend ends requests that run too long by itself, and knows what to answer: a second clock that is a moment ahead of its
  // own would have them stopped as if the server were ending.
  bool backend_keeps_time = false;
};
// Listens and serves until SIGTERM or SIGINT; returns the exit status. `backend` must outlive it.
int serve_http(const Serving& serving, const Config& config, const base::Logger& log, AppBackend& backend);

}  // namespace clams::server
