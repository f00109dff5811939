// A serving program's life as others see it: ready, reloading, leaving, ended; for its service manager, for `/ready`, for signals.
#pragma once
#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "app_backend.hpp"
#include "base/log.hpp"
#include "clams/server/http.hpp"
#include "service_manager.hpp"

namespace clams::server {

// A status before the first worker process is ready.
inline constexpr std::string_view kFirstWorkerStarts = "the first worker process is starting";

struct LifecycleOptions {
  NotifyOptions notify;
  std::chrono::milliseconds drain_delay{0};    // after the first stop signal: so long all is served as before
  std::chrono::milliseconds drain_timeout{0};  // then, for the log and the manager
};

class Lifecycle {
 public:
  // `backend` must outlive it.
  Lifecycle(const LifecycleOptions& options, AppBackend& backend, base::Logger log);
  // Before the server runs, and before `signalled`. `server` must outlive it.
  void watch(HttpServer& server) { server_ = &server; }

  // SIGHUP: reload. Any other: leave; a second one ends at once. On the thread that takes signals.
  void signalled(int signal);
  // HttpServerOptions::on_turn.
  void turn();
  // Why no new request should be sent here, in the words of `/ready`: "draining", "no_worker". Any thread; does not block.
  std::vector<std::string_view> unready() const;

 private:
  std::chrono::microseconds stop_time() const;
  std::string status(bool leaving) const;
  void begin_drain();

  const LifecycleOptions options_;
  AppBackend& backend_;
  base::Logger log_;
  HttpServer* server_ = nullptr;
  ServiceReporter reporter_;
  std::atomic<int> stops_ = 0;
  std::atomic<std::chrono::steady_clock::rep> leaves_at_ = 0;  // since the clock's epoch; set before stops_
  std::atomic<bool> reload_asked_ = false;
  // Of the event loop.
  bool ready_ = false, reloading_ = false, drains_ = false;
};

}  // namespace clams::server
