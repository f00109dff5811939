// A program that is started and waited for.
#pragma once
#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace clams::tool {

struct ChildOptions {
  std::vector<std::string> words;        // found on PATH as a shell does; a script without an interpreter line is given to sh
  std::vector<std::string> environment;  // "NAME=value", beside that of this process
  std::optional<int> inherited;          // a descriptor that the program gets and keeps
  sigset_t signal_mask{};
};

// The process id, or the exit status with which a shell would tell that it cannot be started: 127 not found, 126 otherwise.
// Complains then.
struct ChildStart {
  pid_t pid = -1;
  int failure = 0;
};
ChildStart start_child(std::string_view command, const ChildOptions& options);

// Its exit status, 128 + n for a signal, once it has ended.
std::optional<int> status_if_ended(pid_t pid);

// Whether `pid` is `ancestor` or one of its descendants, as far as /proc shows.
bool is_descendant(std::int64_t pid, pid_t ancestor);

}  // namespace clams::tool
