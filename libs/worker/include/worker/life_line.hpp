// The worker's side of "when the front is gone, so am I".
#pragma once
#include <memory>

#include "base/result.hpp"

namespace worker {

// `fd` is the read end of a pipe whose only write end the front holds and never writes to. When the front ends, by whatever signal:
//  - the kernel sends SIGKILL to this process's group (signal-driven I/O on the pipe). That works while native code hangs, holds
//  every lock or has
//    stopped all threads, and reaches what the worker forked;
//  - a thread of this process, waiting on the pipe, does the same: the second line, for kernels where the first cannot be set up.
// The group is only killed when this process leads it, as pool workers do; otherwise this process alone ends.
// This is the one place in the libraries that ends a process on its own account: that is its purpose.
class LifeLine {
 public:
  // Takes the descriptor over and makes it close-on-exec. If the front is already gone, the process ends here.
  // Errors: InvalidArgument (not a pipe's read end), Io (no thread).
  static base::Result<LifeLine> hold(int fd);
  // Lets go: afterwards the front's end means nothing.
  ~LifeLine();
  LifeLine(LifeLine&&) noexcept;
  LifeLine& operator=(LifeLine&&) noexcept;

 private:
  struct Watch;
  explicit LifeLine(std::unique_ptr<Watch> watch);
  std::unique_ptr<Watch> watch_;
};

}  // namespace worker
