#include "gpu/child.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/fd.hpp"
#include "base/text.hpp"
#include "streams.hpp"

namespace clams::tool {
namespace {

constexpr int kMostGenerations = 64;

std::vector<std::string> merged_environment(const std::vector<std::string>& own) {
  std::vector<std::string> all = own;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view line = *entry;
    const std::string_view name = line.substr(0, line.find('=') + 1);
    bool replaced = false;
    for (const std::string& one : own) replaced = replaced || (!name.empty() && one.starts_with(name));
    if (!replaced) all.emplace_back(line);
  }
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// 0 or errno.
int spawn(pid_t& pid, std::vector<std::string> words, std::vector<std::string> environment, const ChildOptions& options) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  // The duplicate of a descriptor onto itself loses its close-on-exec mark (POSIX.1-2024, glibc 2.29).
  if (options.inherited) ::posix_spawn_file_actions_adddup2(&actions, *options.inherited, *options.inherited);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  ::posix_spawnattr_setsigmask(&attributes, &options.signal_mask);
  auto arguments = pointers_to(words);
  auto variables = pointers_to(environment);
  const int problem = ::posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(), variables.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return problem;
}

std::int64_t parent_of(std::int64_t pid) {
  const auto stat = base::read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
  const std::size_t end_of_name = stat ? stat->rfind(')') : std::string::npos;
  if (end_of_name == std::string::npos) return 0;
  const auto fields = base::split(base::trim(std::string_view(*stat).substr(end_of_name + 1)), ' ');
  return fields.size() > 1 ? std::strtoll(std::string(fields[1]).c_str(), nullptr, 10) : 0;
}

}  // namespace

ChildStart start_child(std::string_view command, const ChildOptions& options) {
  ChildStart start;
  const auto environment = merged_environment(options.environment);
  int problem = spawn(start.pid, options.words, environment, options);
  if (problem == ENOEXEC) {
    std::vector<std::string> words = options.words;
    words.insert(words.begin(), "/bin/sh");
    problem = spawn(start.pid, std::move(words), environment, options);
  }
  if (problem == 0) return start;
  start.failure = problem == ENOENT || problem == ENOTDIR ? 127 : 126;
  complain(command, "cannot start '" + options.words.front() +
                        "': " + (start.failure == 127 ? "there is no such program" : std::strerror(problem)));
  return start;
}

std::optional<int> status_if_ended(pid_t pid) {
  int status = 0;
  pid_t got = -1;
  do { got = ::waitpid(pid, &status, WNOHANG); } while (got < 0 && errno == EINTR);
  if (got == 0) return std::nullopt;
  if (got < 0) return 1;  // nobody's child: cannot happen to one that this process started
  if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
  return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
}

bool is_descendant(std::int64_t pid, pid_t ancestor) {
  for (int i = 0; i < kMostGenerations && pid > 0; ++i) {
    if (pid == ancestor) return true;
    pid = parent_of(pid);
  }
  return false;
}

}  // namespace clams::tool
