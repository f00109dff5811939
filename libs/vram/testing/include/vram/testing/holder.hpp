// A child process that holds device memory: `vram_conformance --hold`. Header only.
#pragma once
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/fd.hpp"

extern char** environ;

namespace vram::testing {

// Killed and reaped on destruction.
class Holder {
 public:
  // Starts `program` with `arguments`; the child inherits the environment. pid() is -1 if it cannot be started.
  Holder(const std::string& program, const std::vector<std::string>& arguments) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0) return;
    if (::pipe2(out, O_CLOEXEC) != 0) return;
    const base::Fd child_in(in[0]), child_out(out[1]);
    to_child_ = base::Fd(in[1]);
    from_child_ = base::Fd(out[0]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, child_in.get(), 0);
    posix_spawn_file_actions_adddup2(&actions, child_out.get(), 1);
    std::vector<std::string> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    if (::posix_spawn(&pid_, program.c_str(), &actions, nullptr, pointers.data(), environ) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Holder() { kill(); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  pid_t pid() const { return pid_; }
  // The next line the child says ("ready", "refused …", "freed"), or what has come when `patience` is over or the child has ended.
  std::string line(std::chrono::milliseconds patience = std::chrono::seconds(30)) {
    std::string text;
    const auto end = std::chrono::steady_clock::now() + patience;
    for (char letter = 0;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      pollfd ready{from_child_.get(), POLLIN, 0};
      if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) return text;
      if (::read(from_child_.get(), &letter, 1) != 1 || letter == '\n') return text;
      text += letter;
    }
  }
  void say(const std::string& line) { (void)base::write_all(to_child_.get(), line + "\n", "child"); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  base::Fd to_child_, from_child_;
};

}  // namespace vram::testing
