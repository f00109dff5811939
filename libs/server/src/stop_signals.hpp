// SIGTERM, SIGINT and SIGHUP as calls on a thread of their own, where everything is allowed.
#pragma once
#include <functional>
#include <thread>

namespace clams::server {

// Blocks the three signals in the calling thread and in every thread started after it. First thing in a program: a thread that does
// not block them would be ended by them.
void block_stop_signals();

// Whether SIGTERM or SIGINT has come while they are blocked and nobody takes them yet: for a start that takes long.
bool stop_is_pending() noexcept;

// Takes the signals once they are blocked; those that came meanwhile are still there. One per program.
class StopSignals {
 public:
  explicit StopSignals(std::function<void(int signal)> on_signal);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

 private:
  std::thread thread_;
};

}  // namespace clams::server
