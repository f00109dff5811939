#include "ledger/ofd_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace vram::ofd {
namespace {

struct flock range(short type, std::uint64_t offset, std::uint64_t length) noexcept {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(offset);
  lock.l_len = static_cast<off_t>(length);
  return lock;
}

base::Error lock_error(int errno_value) {
  if (errno_value == EINVAL || errno_value == ENOSYS || errno_value == EOPNOTSUPP || errno_value == ENOLCK) {
    return {base::ErrorCode::Unsupported,
            "the file system of the GPU ledger has no open-file-description locks; choose a directory on tmpfs or a local disk",
            errno_value};
  }
  return base::error_from_errno("cannot lock the GPU ledger", errno_value);
}

}  // namespace

base::Result<bool> try_lock(int fd, std::uint64_t offset, std::uint64_t length, Mode mode) noexcept {
  struct flock lock = range(mode == Mode::Exclusive ? F_WRLCK : F_RDLCK, offset, length);
  while (::fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return false;
    if (errno != EINTR) return lock_error(errno);
  }
  return true;
}

void unlock(int fd, std::uint64_t offset, std::uint64_t length) noexcept {
  struct flock lock = range(F_UNLCK, offset, length);
  while (::fcntl(fd, F_OFD_SETLK, &lock) != 0 && errno == EINTR) {}
}

base::Result<bool> held_by_other(int fd, std::uint64_t offset, std::uint64_t length) noexcept {
  struct flock lock = range(F_WRLCK, offset, length);
  while (::fcntl(fd, F_OFD_GETLK, &lock) != 0) {
    if (errno != EINTR) return lock_error(errno);
  }
  return lock.l_type != F_UNLCK;
}

}  // namespace vram::ofd
