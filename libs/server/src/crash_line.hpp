// A crash of the app's code leaves one line on standard error: which signal, which request. Then the signal does what it always
// does (a core file, the exit status).
#pragma once
#include <string>
#include <string_view>

namespace clams::server {

// For SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT, where nobody else handles them (a sanitizer does). `program` and `advice` stand
// in the line. Call once, before threads are started. The handler only calls what is safe in a signal handler.
void report_crashes(const std::string& program, const std::string& advice);

// The calling thread runs this request (empty: the only one) until the object goes. A thread whose stack ran over can report it, too: it gets a stack of
// its own for handlers.
class RunningRequest {
 public:
  explicit RunningRequest(std::string_view id) noexcept;
  ~RunningRequest();
  RunningRequest(const RunningRequest&) = delete;
  RunningRequest& operator=(const RunningRequest&) = delete;
};

}  // namespace clams::server
