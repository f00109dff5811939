#include "listener.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>

namespace clams::server {

namespace {

base::Error cannot_listen(const std::string& host, std::uint16_t port, int error) {
  const auto place = "port " + std::to_string(port) + " on " + host;
  if (error == EADDRINUSE) {
    return {base::ErrorCode::Configuration, place + " is in use (another server is running there); choose another with --port",
            error};
  }
  if (error == EACCES) {
    return {base::ErrorCode::Configuration, place + " needs more rights than this user has; choose one above 1023 with --port",
            error};
  }
  if (error == EADDRNOTAVAIL) {
    return {base::ErrorCode::Configuration, "this machine has no address " + host + "; choose another with --host", error};
  }
  auto other = base::error_from_errno("cannot listen on " + place, error);
  other.code = base::ErrorCode::Configuration;
  return other;
}

base::Result<Listener> listen_on(const addrinfo& address, const std::string& host, std::uint16_t port) {
  Listener out;
  out.fd = base::Fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!out.fd) return cannot_listen(host, port, errno);
  out.is_ipv6 = address.ai_family == AF_INET6;
  const int on = 1;
  const int off = 0;
  // A restarted server may bind while old connections of its port are in TIME_WAIT; a second listener still fails.
  if (::setsockopt(out.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return cannot_listen(host, port, errno);
  if (out.is_ipv6 && ::setsockopt(out.fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0)
    return cannot_listen(host, port, errno);
  if (::bind(out.fd.get(), address.ai_addr, address.ai_addrlen) != 0) return cannot_listen(host, port, errno);
  if (::listen(out.fd.get(), SOMAXCONN) != 0) return cannot_listen(host, port, errno);
  const auto bound = describe_listener(out.fd.get());
  if (!bound) return cannot_listen(host, port, bound.error().native);
  out.port = bound->port;
  out.address = bound->address;
  return out;
}

}  // namespace

base::Result<Listener> open_listener(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int failure = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (failure != 0) {
    return base::Error{base::ErrorCode::Configuration, "\"" + host + "\" is not an address of this machine (" +
                                                           ::gai_strerror(failure) + "); choose another with --host"};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  // A name may stand for several addresses ("localhost"): IPv4 first, since that is what scripts mean.
  const addrinfo* chosen = list;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family == AF_INET) {
      chosen = entry;
      break;
    }
  }
  return listen_on(*chosen, host, port);
}

namespace {

// "1.2.3.4:5"; an IPv4 address within IPv6 as IPv4 where `unmap` says so.
std::string text_of(const sockaddr_storage& address, socklen_t size, bool unmap) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    return std::string(text.data()) + ':' + std::to_string(ntohs(v4->sin_port));
  }
  if (address.ss_family == AF_UNIX) {
    const auto* local = reinterpret_cast<const sockaddr_un*>(&address);
    if (size <= offsetof(sockaddr_un, sun_path)) return "unix";
    std::string path(local->sun_path, size - offsetof(sockaddr_un, sun_path));
    if (path.front() == '\0')
      path.front() = '@';  // an abstract name may hold any byte
    else
      path.resize(path.find('\0') == std::string::npos ? path.size() : path.find('\0'));
    return "unix:" + path;
  }
  if (address.ss_family != AF_INET6) return {};
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
  const auto port = ':' + std::to_string(ntohs(v6->sin6_port));
  if (unmap && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
    ::inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text.data(), text.size());
    return text.data() + port;
  }
  ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
  return '[' + std::string(text.data()) + ']' + port;
}

int socket_option(int fd, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

}  // namespace

base::Result<Listener> describe_listener(int fd) {
  const auto wrong = [](const char* what, int error) { return base::Error{base::ErrorCode::Configuration, what, error}; };
  if (socket_option(fd, SO_TYPE) != SOCK_STREAM) return wrong("is no stream socket", ENOTSOCK);
  if (socket_option(fd, SO_ACCEPTCONN) != 1) return wrong("is no listening socket", EINVAL);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return wrong("has no address", errno);
  Listener out;
  out.is_ipv6 = bound.ss_family == AF_INET6;
  if (out.is_ipv6)
    out.port = ntohs(reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port);
  else if (bound.ss_family == AF_INET)
    out.port = ntohs(reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
  else if (bound.ss_family != AF_UNIX)
    return wrong("is a socket of a family that no HTTP client speaks (TCP and unix sockets are served)", EAFNOSUPPORT);
  out.address = text_of(bound, size, false);
  return out;
}

std::string peer_name(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return {};
  return peer.ss_family == AF_UNIX ? "unix" : text_of(peer, size, true);
}

}  // namespace clams::server
