// What can go wrong in a healthy program, and how it is told to people.
#pragma once
#include <string>
#include <string_view>

namespace base {

// Each code has one row in `kErrorTable` (error.cpp): HTTP status, exit status, Python exception. A new code needs a new row; a
// test walks all codes through all three.
enum class ErrorCode {
  InvalidArgument,     // the caller gave a value that cannot be used
  InvalidDocument,     // the input document (MMIF, JSON, envelope) is malformed
  NotFound,            // a file, id or name does not exist
  PermissionDenied,    // the operating system or a policy says no
  Configuration,       // a setting, directory, port or model file makes starting impossible
  Unsupported,         // this build, kernel, driver or version cannot do it
  Unavailable,         // something needed does not answer now; trying again may help
  InsufficientMemory,  // GPU memory is not there now
  ImpossibleMemory,    // GPU memory will never be there on this host
  QueueFull,           // a bounded queue is full
  Timeout,             // a deadline passed
  Cancelled,           // the one who asked has gone, or said stop
  Corrupt,             // stored data is damaged
  Io,                  // reading or writing failed
  Internal,            // a bug of ours or of an app
};

inline constexpr int kErrorCodeCount = static_cast<int>(ErrorCode::Internal) + 1;

struct ErrorTraits {
  ErrorCode code;
  std::string_view name;              // stable, as in logs: "not_found"
  int http_status;                    // RFC 9110
  int exit_status;                    // docs/guides/production.md
  std::string_view python_exception;  // builtin, or clams_vram.<Name>
};
const ErrorTraits& traits_of(ErrorCode code) noexcept;

// code + one sentence: what was attempted, on what, what happened, what to do now. `native` is errno or a driver's number, 0 if
// none.
struct Error {
  ErrorCode code = ErrorCode::Internal;
  std::string message;
  int native = 0;
};

// "<what>: <strerror>", with the code that fits errno.
Error error_from_errno(std::string what, int errno_value);

}  // namespace base
