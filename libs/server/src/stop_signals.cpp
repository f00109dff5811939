#include "stop_signals.hpp"

#include <pthread.h>
#include <signal.h>

namespace clams::server {
namespace {

sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2}) sigaddset(&set, signal);  // SIGUSR2 ends the watching thread
  return set;
}

}  // namespace

void block_stop_signals() {
  const sigset_t set = watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

bool stop_is_pending() noexcept {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

StopSignals::StopSignals(std::function<void(int)> on_signal) {
  block_stop_signals();
  const sigset_t set = watched();
  thread_ = std::thread([set, on_signal = std::move(on_signal)] {
    pthread_setname_np(pthread_self(), "signals");
    for (;;) {
      int signal = 0;
      if (sigwait(&set, &signal) != 0) continue;
      if (signal == SIGUSR2) return;
      on_signal(signal);
    }
  });
}

StopSignals::~StopSignals() {
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
}

}  // namespace clams::server
