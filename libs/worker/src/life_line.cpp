#include "worker/life_line.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <thread>

#include "base/fd.hpp"

namespace worker {
namespace {

pid_t whom() { return ::getpgrp() == ::getpid() ? -::getpid() : ::getpid(); }

[[noreturn]] void end_all() {
  ::kill(whom(), SIGKILL);
  ::_exit(137);
}

bool front_is_gone(int fd) {
  pollfd line{fd, POLLIN, 0};
  return ::poll(&line, 1, 0) > 0 && (line.revents & POLLHUP) != 0;
}

// The kernel's part. Its failure is no error: the thread remains.
void ask_kernel(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (::fcntl(fd, F_SETOWN, whom()) != 0 || ::fcntl(fd, F_SETSIG, SIGKILL) != 0) return;
  [[maybe_unused]] const int set = ::fcntl(fd, F_SETFL, flags | O_ASYNC);
}

}  // namespace

struct LifeLine::Watch {
  base::Fd line, leave;
  std::thread thread;
  Watch(base::Fd line_end, base::Fd leave_event) : line(std::move(line_end)), leave(std::move(leave_event)) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    const int flags = ::fcntl(line.get(), F_GETFL);
    [[maybe_unused]] const int set = ::fcntl(line.get(), F_SETFL, flags & ~O_ASYNC);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t put = ::write(leave.get(), &one, sizeof one);
    if (thread.joinable()) thread.join();
  }
  void wait() const {
    std::array<pollfd, 2> events{pollfd{line.get(), POLLIN, 0}, pollfd{leave.get(), POLLIN, 0}};
    for (;;) {
      if (::poll(events.data(), events.size(), -1) < 0 && errno == EINTR) continue;
      if (events[1].revents != 0) return;
      if (events[0].revents != 0) end_all();
    }
  }
};

LifeLine::LifeLine(std::unique_ptr<Watch> watch) : watch_(std::move(watch)) {}
LifeLine::~LifeLine() = default;
LifeLine::LifeLine(LifeLine&&) noexcept = default;
LifeLine& LifeLine::operator=(LifeLine&&) noexcept = default;

base::Result<LifeLine> LifeLine::hold(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISFIFO(info.st_mode)) {
    return base::Error{base::ErrorCode::InvalidArgument,
                       "descriptor " + std::to_string(fd) +
                           " is not the life line of a worker: workers are started by a worker pool, not by hand"};
  }
  base::Fd line(fd);
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return base::error_from_errno("cannot prepare the life line of a worker", errno);
  base::Fd leave(::eventfd(0, EFD_CLOEXEC));
  if (!leave) return base::error_from_errno("cannot prepare the life line of a worker", errno);
  ask_kernel(fd);
  // After arming: a front that died before it gave no signal.
  if (front_is_gone(fd)) end_all();
  auto watch = std::make_unique<Watch>(std::move(line), std::move(leave));
  watch->thread = std::thread([raw = watch.get()] { raw->wait(); });
  return LifeLine(std::move(watch));
}

}  // namespace worker
