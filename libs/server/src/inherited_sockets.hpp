// Listening sockets that a service manager opened before this process started (sd_listen_fds(3), without libsystemd). They outlive
// the process: connections that nobody has accepted wait in the kernel for its successor, so that a restart refuses none.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "listener.hpp"

namespace clams::server {

inline constexpr int kFirstInheritedFd = 3;  // SD_LISTEN_FDS_START

// The variables of the protocol, as they stand in the environment; absent ones are none.
struct ListenVariables {
  std::optional<std::string> pid, count, names;  // LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES
};

// Takes over the sockets that are meant for the process `self`, made non-blocking and close-on-exec. None where the variables are
// absent or name another process (a parent that passed its environment on). Errors are Configuration with one line: a number that
// is none, a descriptor that is not open or no listening stream socket. The process should then end: those taken before are closed.
base::Result<std::vector<Listener>> inherited_sockets(const ListenVariables& variables, pid_t self,
                                                      int first_fd = kFirstInheritedFd);

}  // namespace clams::server
