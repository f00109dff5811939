#include "base/error.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace base {
namespace {

constexpr std::array<ErrorTraits, kErrorCodeCount> kErrorTable{{
    {ErrorCode::InvalidArgument, "invalid_argument", 400, 2, "ValueError"},
    {ErrorCode::InvalidDocument, "invalid_document", 400, 65, "ValueError"},
    {ErrorCode::NotFound, "not_found", 404, 1, "FileNotFoundError"},
    {ErrorCode::PermissionDenied, "permission_denied", 500, 1, "PermissionError"},
    {ErrorCode::Configuration, "configuration", 500, 78, "RuntimeError"},
    {ErrorCode::Unsupported, "unsupported", 501, 1, "NotImplementedError"},
    {ErrorCode::Unavailable, "unavailable", 503, 75, "ConnectionError"},
    {ErrorCode::InsufficientMemory, "insufficient_memory", 503, 75, "clams_vram.InsufficientMemory"},
    {ErrorCode::ImpossibleMemory, "impossible_memory", 507, 69, "clams_vram.ImpossibleMemory"},
    {ErrorCode::QueueFull, "queue_full", 429, 75, "RuntimeError"},
    {ErrorCode::Timeout, "timeout", 504, 1, "TimeoutError"},
    {ErrorCode::Cancelled, "cancelled", 503, 1, "InterruptedError"},
    {ErrorCode::Corrupt, "corrupt", 500, 1, "RuntimeError"},
    {ErrorCode::Io, "io", 500, 1, "OSError"},
    {ErrorCode::Internal, "internal", 500, 1, "RuntimeError"},
}};

ErrorCode code_for_errno(int value) {
  switch (value) {
    case ENOENT:
    case ENOTDIR: return ErrorCode::NotFound;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorCode::PermissionDenied;
    case EINVAL:
    case ENAMETOOLONG: return ErrorCode::InvalidArgument;
    case ENOSYS:
    case EOPNOTSUPP: return ErrorCode::Unsupported;
    case EAGAIN:
    case EBUSY:
    case ECONNREFUSED: return ErrorCode::Unavailable;
    case ETIMEDOUT: return ErrorCode::Timeout;
    case ECANCELED:
    case EINTR: return ErrorCode::Cancelled;
    default: return ErrorCode::Io;
  }
}

}  // namespace

const ErrorTraits& traits_of(ErrorCode code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  if (index >= kErrorTable.size()) std::abort();
  return kErrorTable[index];
}

Error error_from_errno(std::string what, int errno_value) {
  std::array<char, 128> buffer{};
  // The GNU form returns the text, which need not lie in the buffer.
  const char* text = strerror_r(errno_value, buffer.data(), buffer.size());
  return Error{code_for_errno(errno_value), std::move(what) + ": " + text, errno_value};
}

}  // namespace base
