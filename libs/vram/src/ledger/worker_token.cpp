#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.hpp"
#include "ledger/fork_guard.hpp"
#include "vram/ledger.hpp"

namespace vram {

// Order of members: the guard goes before the descriptor, so that no fork in between closes a number that is somebody else's by
// then.
struct WorkerToken::State {
  explicit State(int number) : fd(number), guard(number) {}
  base::Fd fd;
  ForkGuard guard;
};

WorkerToken::WorkerToken(std::unique_ptr<State> state) : state_(std::move(state)) {}
WorkerToken::~WorkerToken() = default;
int WorkerToken::fd() const noexcept { return state_->fd.get(); }

Result<std::unique_ptr<WorkerToken>> WorkerToken::adopt(int fd) {
  const int flags = ::fcntl(fd, F_GETFD);
  if (flags < 0 || ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0) {
    return Error{ErrorCode::InvalidArgument,
                 "descriptor " + std::to_string(fd) + " is no life token: it is not open in this worker", errno};
  }
  return std::unique_ptr<WorkerToken>(new WorkerToken(std::make_unique<State>(fd)));
}

}  // namespace vram
