#include "inherited_sockets.hpp"

#include <fcntl.h>

#include <cerrno>
#include <charconv>

#include "base/text.hpp"

namespace clams::server {
namespace {

constexpr int kMostSockets = 64;

base::Error not_usable(const std::string& what, int code = 0) {
  return {base::ErrorCode::Configuration,
          what + "; correct the .socket unit (ListenStream=, Accept=no) or stop it, then --host and --port count", code};
}

std::optional<long> number(const std::string& text) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

base::Status prepare(int fd, const std::string& what) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return not_usable(what + " is not open", errno);
  // Before anything is executed: a worker that inherited the socket would keep the port.
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
    return not_usable(what + " cannot be prepared", errno);
  return {};
}

}  // namespace

base::Result<std::vector<Listener>> inherited_sockets(const ListenVariables& variables, pid_t self, int first_fd) {
  std::vector<Listener> sockets;
  if (!variables.count || !variables.pid) return sockets;
  const auto pid = number(*variables.pid);
  if (!pid) return not_usable("LISTEN_PID is '" + *variables.pid + "', which is no process number");
  if (*pid != self) return sockets;
  const auto count = number(*variables.count);
  if (!count || *count < 0 || *count > kMostSockets)
    return not_usable("LISTEN_FDS is '" + *variables.count + "', expected a number of sockets from 0 to " +
                      std::to_string(kMostSockets));
  const std::string names = variables.names.value_or("");
  const auto parts = base::split(names, ':');
  for (int i = 0; i < *count; ++i) {
    const int fd = first_fd + i;
    const auto at = static_cast<std::size_t>(i);
    const std::string name = at < parts.size() ? std::string(parts[at]) : "";
    const std::string what = "descriptor " + std::to_string(fd) + (name.empty() ? "" : " (" + name + ")") + " of LISTEN_FDS";
    BASE_TRY(prepare(fd, what));
    const auto known = describe_listener(fd);
    if (!known) return not_usable(what + " " + known.error().message, known.error().native);
    sockets.push_back({base::Fd(fd), known->port, known->is_ipv6, known->address});
  }
  return sockets;
}

}  // namespace clams::server
