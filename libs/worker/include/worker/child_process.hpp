// A child process: started by exec, in its own process group, watched by a pidfd.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace worker {

struct ChildCommand {
  std::string program;                 // path, or a name looked up on PATH
  std::vector<std::string> arguments;  // without argv[0]
  std::string directory;               // working directory; empty: the parent's
  // Added to the parent's environment as `environment` holds it when the child starts; a name that exists is replaced.
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> environment_removed;
};

// A descriptor of this process that the child gets under `number` (>= 3). Nothing else is inherited, whatever its flags.
struct InheritedFd {
  int source = -1;  // owned by the caller, open until `start` returns
  int number = -1;
};

// How a process ended.
struct ExitReason {
  bool exited = false;  // else ended by a signal, or unknown when `signal` is 0
  int status = 0;       // exit status, if `exited`
  int signal = 0;
  bool dumped_core = false;
  bool out_of_memory = false;  // the kernel's out-of-memory killer is known to have struck between start and end
  // "exited with status 3", "was killed by signal 11 (SIGSEGV)", "was killed by the kernel for want of memory".
  std::string words() const;
  bool operator==(const ExitReason&) const = default;
};
// "SIGSEGV"; "signal 42" for one without a name.
std::string signal_name(int number);

// Move-only. Destruction kills the process group and waits for the child: no zombie, no orphan of ours, is left.
class ChildProcess {
 public:
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  // Standard input is /dev/null; standard output and error are pipes. Signals are at their defaults, none blocked.
  // Blocks until exec has happened, which a dead network file system can delay: not for event threads.
  // Errors: NotFound, PermissionDenied, Configuration (working directory), Io, Unsupported (no pidfd: kernel older than 5.3).
  static base::Result<ChildProcess> start(const ChildCommand& command, const std::vector<InheritedFd>& inherited);

  pid_t pid() const noexcept { return pid_; }
  // Readable when the process has ended. Owned by this object.
  int pidfd() const noexcept { return pidfd_.get(); }
  // Read ends, non-blocking. May stay open after the child's end when its own children hold the other end.
  const base::Fd& output() const noexcept { return output_; }
  const base::Fd& error_output() const noexcept { return error_output_; }

  // To the whole process group. Safe after the end: the process id is ours until `reap`.
  void signal(int number) const noexcept;
  // If the process has ended: kills what is left of its group, collects it, and says how it ended. nullopt: still running.
  std::optional<ExitReason> reap();
  bool reaped() const noexcept { return pid_ < 0; }

 private:
  ChildProcess() = default;
  void end() noexcept;
  pid_t pid_ = -1;
  base::Fd pidfd_, output_, error_output_;
};

// Counts the kernel's out-of-memory kills in the control group of this process (memory.events of version 2, memory.oom_control of
// version 1), else on the whole host (/proc/vmstat). Only a hint: a rise while a child died by SIGKILL explains that death.
class OomKillCounter {
 public:
  // `root` replaces "/" in every path (tests).
  explicit OomKillCounter(std::string root = {});
  // nullopt when no counter can be read.
  std::optional<std::uint64_t> read() const;

 private:
  std::string root_;
};

}  // namespace worker
