// Listening sockets, with errors a person can act on.
#pragma once
#include <cstdint>
#include <string>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace clams::server {

struct Listener {
  base::Fd fd;             // non-blocking, close-on-exec
  std::uint16_t port = 0;  // 0: a unix socket
  bool is_ipv6 = false;
  std::string address = {};  // for people: "127.0.0.1:5000", "[::]:5000", "unix:/run/clams/x.sock"
};

// `host` is an address or a name; "::" takes IPv4 too. Errors are Configuration.
base::Result<Listener> open_listener(const std::string& host, std::uint16_t port);

// What an open descriptor listens on, without its descriptor: TCP over either IP, or a unix socket. Error Configuration, to be read
// after the descriptor's name: "is no listening stream socket".
base::Result<Listener> describe_listener(int fd);

// "127.0.0.1:40312", "[::1]:40312", "unix"; an IPv4 client of an IPv6 socket is shown as IPv4. Empty if the peer is unknown.
std::string peer_name(int fd);

}  // namespace clams::server
