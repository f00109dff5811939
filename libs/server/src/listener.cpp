#include "listener.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
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
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(out.fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return cannot_listen(host, port, errno);
  out.port =
      ntohs(out.is_ipv6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
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

std::string peer_name(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (peer.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&peer);
    ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    return std::string(text.data()) + ':' + std::to_string(ntohs(v4->sin_port));
  }
  if (peer.ss_family != AF_INET6) return {};
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&peer);
  const auto port = ':' + std::to_string(ntohs(v6->sin6_port));
  if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
    ::inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text.data(), text.size());
    return text.data() + port;
  }
  ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
  return '[' + std::string(text.data()) + ']' + port;
}

}  // namespace clams::server
