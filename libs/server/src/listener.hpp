// A listening TCP socket, with errors a person can act on.
#pragma once
#include <cstdint>
#include <string>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace clams::server {

struct Listener {
  base::Fd fd;  // non-blocking, close-on-exec
  std::uint16_t port = 0;
  bool is_ipv6 = false;
};

// `host` is an address or a name; "::" takes IPv4 too. Errors are Configuration.
base::Result<Listener> open_listener(const std::string& host, std::uint16_t port);

// "127.0.0.1:40312", "[::1]:40312"; an IPv4 client of an IPv6 socket is shown as IPv4. Empty if the peer is unknown.
std::string peer_name(int fd);

}  // namespace clams::server
