// Move-only owner of a file descriptor.
#pragma once
#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace base {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }
  void reset() noexcept;  // closes; errno is kept

 private:
  int fd_ = -1;
};

// open(2) with O_CLOEXEC, retried on EINTR. The error names the path.
Result<Fd> open_file(const std::string& path, int flags, unsigned mode = 0644);
// Whole file, at most `limit` bytes (error InvalidArgument beyond). Works for /proc and pipes too.
Result<std::string> read_file(const std::string& path, std::size_t limit = std::size_t{1} << 34);
Result<std::string> read_all(int fd, std::string_view name, std::size_t limit = std::size_t{1} << 34);
// Writes all of `data`, retrying short writes and EINTR.
Status write_all(int fd, std::string_view data, std::string_view name);

}  // namespace base
