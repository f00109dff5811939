#include "range_lock.hpp"

#include <fcntl.h>

#include <cerrno>

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

}  // namespace vram
