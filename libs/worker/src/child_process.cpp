#include "worker/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

namespace worker {
namespace {

class SpawnActions {
 public:
  SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

class SpawnAttributes {
 public:
  SpawnAttributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

struct Pipe {
  base::Fd read, write;
};

base::Result<Pipe> make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return base::error_from_errno("cannot create a pipe for a child's output", errno);
  Pipe pipe{base::Fd(ends[0]), base::Fd(ends[1])};
  // Only our end: the child's must block, or its prints would fail while we are slow.
  if (::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0)
    return base::error_from_errno("cannot prepare a pipe for a child's output", errno);
  return pipe;
}

std::vector<std::string> environment_of(const ChildCommand& command) {
  const auto named = [](std::string_view entry, std::string_view name) {
    return entry.size() > name.size() && entry[name.size()] == '=' && entry.substr(0, name.size()) == name;
  };
  std::vector<std::string> result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const bool replaced = std::any_of(command.environment.begin(), command.environment.end(),
                                      [&](const auto& pair) { return named(text, pair.first); });
    const bool removed = std::any_of(command.environment_removed.begin(), command.environment_removed.end(),
                                     [&](const std::string& name) { return named(text, name); });
    if (!replaced && !removed) result.emplace_back(text);
  }
  for (const auto& [name, value] : command.environment) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// Copies of the descriptors at numbers above all targets. Without them
//   1. "5 becomes 3" would overwrite a descriptor 3 that is itself wanted as 4,
//   2. "3 becomes 3" would keep the close-on-exec flag, since dup2 of a number to itself does nothing.
base::Result<std::vector<base::Fd>> lift(const std::vector<InheritedFd>& wanted, int above) {
  std::vector<base::Fd> lifted;
  for (const InheritedFd& item : wanted) {
    const int copy = ::fcntl(item.source, F_DUPFD_CLOEXEC, above);
    if (copy < 0) return base::error_from_errno("cannot hand descriptor " + std::to_string(item.source) + " to a child", errno);
    lifted.emplace_back(copy);
  }
  return lifted;
}

base::Error start_error(const ChildCommand& command, int reason) {
  base::Error error = base::error_from_errno(
      "cannot start '" + command.program + "'" + (command.directory.empty() ? std::string() : " in '" + command.directory + "'"),
      reason);
  return error;
}

// All that posix_spawn needs; returns errno or 0.
int spawn(const ChildCommand& command, const std::vector<InheritedFd>& wanted, const std::vector<base::Fd>& lifted, pid_t& pid) {
  SpawnActions actions;
  int highest = 2;
  if (!command.directory.empty()) {
    if (const int problem = ::posix_spawn_file_actions_addchdir_np(actions.get(), command.directory.c_str()); problem != 0)
      return problem;
  }
  ::posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (const int problem = ::posix_spawn_file_actions_adddup2(actions.get(), lifted[i].get(), wanted[i].number); problem != 0)
      return problem;
    highest = std::max(highest, wanted[i].number);
  }
  if (const int problem = ::posix_spawn_file_actions_addclosefrom_np(actions.get(), highest + 1); problem != 0) return problem;
  std::vector<std::string> words{command.program};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> variables = environment_of(command);
  const SpawnAttributes attributes;
  return ::posix_spawnp(&pid, command.program.c_str(), actions.get(), attributes.get(), pointers(words).data(),
                        pointers(variables).data());
}

}  // namespace

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      output_(std::move(other.output_)),
      error_output_(std::move(other.error_output_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::move(other.pidfd_);
  output_ = std::move(other.output_);
  error_output_ = std::move(other.error_output_);
  return *this;
}

ChildProcess::~ChildProcess() { end(); }

base::Result<ChildProcess> ChildProcess::start(const ChildCommand& command, const std::vector<InheritedFd>& inherited) {
  BASE_TRY_ASSIGN(Pipe output, make_pipe());
  BASE_TRY_ASSIGN(Pipe error_output, make_pipe());
  std::vector<InheritedFd> wanted{{output.write.get(), STDOUT_FILENO}, {error_output.write.get(), STDERR_FILENO}};
  wanted.insert(wanted.end(), inherited.begin(), inherited.end());
  // closefrom closes above the highest number only, so the numbers must leave no gap through which a stray descriptor could pass.
  std::sort(wanted.begin(), wanted.end(), [](const InheritedFd& a, const InheritedFd& b) { return a.number < b.number; });
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].number != static_cast<int>(i) + 1) {
      return base::Error{base::ErrorCode::InvalidArgument, "descriptors for a child must be numbered 3, 4, 5 and so on"};
    }
  }
  BASE_TRY_ASSIGN(const std::vector<base::Fd> lifted, lift(wanted, static_cast<int>(wanted.size()) + 8));
  ChildProcess child;
  if (const int problem = spawn(command, wanted, lifted, child.pid_); problem != 0) {
    child.pid_ = -1;
    return start_error(command, problem);
  }
  child.pidfd_ = base::Fd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid_, 0)));
  if (!child.pidfd_) return base::error_from_errno("cannot watch child process " + std::to_string(child.pid_), errno);
  child.output_ = std::move(output.read);
  child.error_output_ = std::move(error_output.read);
  return child;
}

void ChildProcess::signal(int number) const noexcept {
  if (pid_ > 0) ::kill(-pid_, number);
}

std::optional<ExitReason> ChildProcess::reap() {
  if (pid_ < 0) return std::nullopt;
  siginfo_t info{};
  const auto id = static_cast<id_t>(pid_);
  if (::waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0) return std::nullopt;
  // The group goes before the leader is collected: afterwards its number could belong to somebody else.
  ::kill(-pid_, SIGKILL);
  info = {};
  const bool collected = ::waitid(P_PID, id, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0;
  pid_ = -1;
  ExitReason reason;
  if (!collected) return reason;
  reason.exited = info.si_code == CLD_EXITED;
  (reason.exited ? reason.status : reason.signal) = info.si_status;
  reason.dumped_core = info.si_code == CLD_DUMPED;
  return reason;
}

void ChildProcess::end() noexcept {
  if (pid_ < 0) return;
  signal(SIGKILL);
  // Cannot block for long: SIGKILL was delivered, and only a process stuck in the kernel takes its time.
  pollfd ended{pidfd_.get(), POLLIN, 0};
  while (pidfd_ && ::poll(&ended, 1, -1) < 0 && errno == EINTR) {}
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0 && errno == EINTR) {}
  pid_ = -1;
}

}  // namespace worker
