#include "base/fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace base {

void Fd::reset() noexcept {
  if (fd_ < 0) return;
  const int saved = errno;
  ::close(fd_);  // not retried on EINTR: Linux has closed it either way
  fd_ = -1;
  errno = saved;
}

Result<Fd> open_file(const std::string& path, int flags, unsigned mode) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0) return Fd(fd);
    if (errno != EINTR) return error_from_errno("cannot open '" + path + "'", errno);
  }
}

Result<std::string> read_all(int fd, std::string_view name, std::size_t limit) {
  std::string data;
  std::size_t used = 0;
  for (;;) {
    if (data.size() - used < 65536) data.resize(std::max<std::size_t>(65536, data.size() * 2));
    const ssize_t got = ::read(fd, data.data() + used, data.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return error_from_errno("cannot read '" + std::string(name) + "'", errno);
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
    if (used > limit) {
      return Error{ErrorCode::InvalidArgument,
                   "'" + std::string(name) + "' is larger than the limit of " + std::to_string(limit) + " bytes"};
    }
  }
  data.resize(used);
  return data;
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  BASE_TRY_ASSIGN(const Fd fd, open_file(path, O_RDONLY));
  return read_all(fd.get(), path, limit);
}

Status write_all(int fd, std::string_view data, std::string_view name) {
  while (!data.empty()) {
    const ssize_t put = ::write(fd, data.data(), data.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return error_from_errno("cannot write '" + std::string(name) + "'", errno);
    data.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

}  // namespace base
