// What a service manager (systemd) wants to know of a server, by its datagram protocol (sd_notify(3)), without libsystemd.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace clams::server {

// The variables of the protocol, as they stand in the environment.
struct NotifyVariables {
  std::optional<std::string> socket;                       // NOTIFY_SOCKET: "/run/systemd/notify" or abstract, "@name"
  std::optional<std::string> watchdog_usec, watchdog_pid;  // WATCHDOG_USEC, WATCHDOG_PID
};

struct NotifyOptions {
  std::string socket;                     // empty: nobody listens
  std::chrono::microseconds watchdog{0};  // killed after so long without a sign of life; 0: never
};

// A watchdog that is meant for another process than `self` counts as none. Errors are Configuration: a time that is no number.
base::Result<NotifyOptions> notify_options(const NotifyVariables& variables, long self);

// Sends states to the manager. Not thread-safe.
class NotifySocket {
 public:
  // Without an address every send succeeds and does nothing. Errors: InvalidArgument (an address that is neither a path nor
  // abstract, or is too long), Io.
  static base::Result<NotifySocket> open(const std::string& address);
  // One datagram: lines of NAME=VALUE. Never blocks: false when the manager takes nothing now, to be tried again, also while its
  // socket is missing (it is being restarted).
  bool send(std::string_view state) noexcept;
  bool is_open() const noexcept { return static_cast<bool>(fd_); }

 private:
  base::Fd fd_;
  std::string address_;  // as sockaddr_un has it
};

// What the manager should know now.
struct ServiceState {
  bool ready = false;  // once true, ready for good
  bool reloading = false;
  bool stopping = false;
  std::chrono::microseconds stop_time{0};  // from its beginning to the end, at most: the manager's own patience may be shorter
  std::string status = {};                 // one line for people
};

// Reports changes, and signs of life. Called by the event loop while it turns, so that a loop that hangs gives none. Not
// thread-safe.
class ServiceReporter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  ServiceReporter(NotifySocket socket, std::chrono::microseconds watchdog);

  // Sends what has changed since the last call, as far as the manager takes it: READY=1 once; RELOADING=1 and READY=1 around a
  // reload; STOPPING=1 once; STATUS= at most once a second; WATCHDOG=1 at half the watchdog's time.
  void report(const ServiceState& state, TimePoint now);
  // Whether a status is looked at now: it need not be worded else.
  bool wants_status(TimePoint now) const noexcept;

 private:
  void report_state(const ServiceState& state, TimePoint now);

  NotifySocket socket_;
  std::chrono::microseconds watchdog_;
  bool said_ready_ = false, said_reloading_ = false, said_stopping_ = false;
  std::string status_;
  TimePoint status_seen_{}, alive_sent_{};
};

}  // namespace clams::server
