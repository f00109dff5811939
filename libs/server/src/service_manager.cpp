#include "service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace clams::server {
namespace {

constexpr std::chrono::seconds kStatusPause{1};

std::optional<long long> number(const std::string& text) {
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// The manager reads lines, so a line break in a status would begin another assignment.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

long long monotonic_microseconds(ServiceReporter::TimePoint now) {  // steady_clock is CLOCK_MONOTONIC
  return std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
}

}  // namespace

base::Result<NotifyOptions> notify_options(const NotifyVariables& variables, long self) {
  NotifyOptions options;
  options.socket = variables.socket.value_or("");
  if (!variables.watchdog_usec || options.socket.empty()) return options;
  if (variables.watchdog_pid) {
    const auto pid = number(*variables.watchdog_pid);
    if (!pid)
      return base::Error{base::ErrorCode::Configuration,
                         "WATCHDOG_PID is '" + *variables.watchdog_pid + "', which is no process number", 0};
    if (*pid != self) return options;
  }
  const auto time = number(*variables.watchdog_usec);
  if (!time || *time == 0) {
    return base::Error{base::ErrorCode::Configuration,
                       "WATCHDOG_USEC is '" + *variables.watchdog_usec + "', expected microseconds; set WatchdogSec= in the unit",
                       0};
  }
  options.watchdog = std::chrono::microseconds(*time);
  return options;
}

base::Result<NotifySocket> NotifySocket::open(const std::string& address) {
  NotifySocket socket;
  if (address.empty()) return socket;
  if ((address.front() != '/' && address.front() != '@') || address.size() < 2) {
    return base::Error{
        base::ErrorCode::InvalidArgument,
        "NOTIFY_SOCKET is '" + address + "', neither a path nor an abstract name (@...): the service manager is not notified", 0};
  }
  if (address.size() >= sizeof(sockaddr_un::sun_path)) {
    return base::Error{base::ErrorCode::InvalidArgument,
                       "NOTIFY_SOCKET is too long for a unix socket: the service manager is not notified", 0};
  }
  socket.fd_ = base::Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.fd_) return base::error_from_errno("cannot make a socket to notify the service manager", errno);
  socket.address_ = address;
  if (address.front() == '@') socket.address_.front() = '\0';
  return socket;
}

// Sent to the address each time: a manager that was restarted in between has another socket there.
bool NotifySocket::send(std::string_view state) noexcept {
  if (!fd_) return true;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  return ::sendto(fd_.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), size) >= 0;
}

ServiceReporter::ServiceReporter(NotifySocket socket, std::chrono::microseconds watchdog)
    : socket_(std::move(socket)), watchdog_(watchdog) {}

bool ServiceReporter::wants_status(TimePoint now) const noexcept {
  return socket_.is_open() && (status_seen_ == TimePoint{} || now - status_seen_ >= kStatusPause);
}

void ServiceReporter::report(const ServiceState& state, TimePoint now) {
  report_state(state, now);
  if (!state.status.empty() && wants_status(now) && (state.status == status_ || socket_.send("STATUS=" + one_line(state.status)))) {
    status_ = state.status;
    status_seen_ = now;
  }
  if (watchdog_.count() != 0 && (alive_sent_ == TimePoint{} || now - alive_sent_ >= watchdog_ / 2) && socket_.send("WATCHDOG=1"))
    alive_sent_ = now;
}

void ServiceReporter::report_state(const ServiceState& state, TimePoint now) {
  if (state.ready && !said_ready_) said_ready_ = socket_.send("READY=1");
  if (state.stopping && !said_stopping_)
    said_stopping_ = socket_.send("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + std::to_string(state.stop_time.count()));
  if (!said_ready_ || state.stopping || state.reloading == said_reloading_) return;
  // A manager that waits for the end of a reload needs to know that this answer is younger than its question.
  const std::string began = "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_microseconds(now));
  if (socket_.send(state.reloading ? began : "READY=1")) said_reloading_ = state.reloading;
}

}  // namespace clams::server
