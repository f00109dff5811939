#include "gpu/background.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/fd.hpp"
#include "streams.hpp"

namespace clams::tool {
namespace {

// By its name, so that the process is called by it. A program that was replaced meanwhile can still be started by the link.
std::string own_program() {
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  return length > 0 && ::access(path.data(), X_OK) == 0 ? path.data() : "/proc/self/exe";
}

// Its output must not keep the pipes of our caller open, or somebody who reads them to their end would wait for it.
int spawn_detached(pid_t& pid, std::vector<std::string>& words, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int problem = ::posix_spawn(&pid, own_program().c_str(), &actions, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return problem;
}

std::string first_line(int fd) {
  std::string text;
  std::array<char, 512> piece{};
  while (text.find('\n') == std::string::npos) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

int run_in_background(std::string_view command, std::vector<std::string> words) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return finish(command, base::error_from_errno("cannot make a pipe", errno));
  const base::Fd reading(ends[0]);
  base::Fd writing(ends[1]);
  pid_t pid = -1;
  if (const int problem = spawn_detached(pid, words, writing.get()); problem != 0) {
    return finish(command, base::error_from_errno("cannot start itself again", problem));
  }
  writing.reset();
  const std::string text = first_line(reading.get());
  int status = 0;
  const bool runs = text.starts_with("took ") && ::waitpid(pid, &status, WNOHANG) == 0;
  if (runs) return finish(command, write_output(std::nullopt, text));
  (void)base::write_all(STDERR_FILENO, text, "standard error");
  if (!text.starts_with("took ")) (void)::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace clams::tool
