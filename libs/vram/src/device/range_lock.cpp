#include "range_lock.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>

namespace vram {
namespace {

struct flock one_byte(std::int64_t byte, short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = byte;
  range.l_len = 1;
  return range;
}

// A fork handler has nowhere else to find the descriptors.
std::array<std::atomic<int>, 64> dropped_in_children;

void drop_all_in_child() {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (auto& entry : dropped_in_children) {
    const int fd = entry.exchange(0) - 1;
    if (fd < 0) continue;
    // Replaced, not closed: the owner's object in the child still has this number and will close it.
    if (nothing >= 0) ::dup3(nothing, fd, O_CLOEXEC);
  }
  if (nothing >= 0) ::close(nothing);
}

}  // namespace

base::Result<bool> try_lock_byte(int fd, std::int64_t byte, RangeLockKind kind) {
  struct flock range = one_byte(byte, static_cast<short>(kind == RangeLockKind::Shared ? F_RDLCK : F_WRLCK));
  while (::fcntl(fd, F_OFD_SETLK, &range) != 0) {
    if (errno == EAGAIN || errno == EACCES) return false;
    if (errno != EINTR) return base::error_from_errno("cannot lock a byte of a shared file", errno);
  }
  return true;
}

void unlock_byte(int fd, std::int64_t byte) noexcept {
  struct flock range = one_byte(byte, F_UNLCK);
  (void)::fcntl(fd, F_OFD_SETLK, &range);
}

bool is_locked_elsewhere(int fd, std::int64_t byte) noexcept {
  struct flock range = one_byte(byte, F_WRLCK);
  if (::fcntl(fd, F_OFD_GETLK, &range) != 0) return true;
  return range.l_type != F_UNLCK;
}

void drop_in_forked_children(int fd) {
  static std::once_flag once;
  std::call_once(once, [] { ::pthread_atfork(nullptr, nullptr, drop_all_in_child); });
  for (auto& entry : dropped_in_children) {
    int expected = 0;
    if (entry.compare_exchange_strong(expected, fd + 1)) return;
  }
}

void forget_forked_children(int fd) {
  for (auto& entry : dropped_in_children) {
    int expected = fd + 1;
    if (entry.compare_exchange_strong(expected, 0)) return;
  }
}

}  // namespace vram
