// A fresh ledger directory for each test, kept when the test fails.
#pragma once
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vram/ledger.hpp"

namespace vram::test {

using namespace base::literals;

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "vram-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    if (!::testing::Test::HasFailure()) std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline DeviceInfo card(Bytes total, int index = 0) {
  return {DeviceUuid("GPU-00000000-0000-0000-0000-00000000000" + std::to_string(index)), "Test card", index, total};
}

struct Joined {
  std::shared_ptr<Ledger> ledger;
  LedgerDevice device;
  std::shared_ptr<ProcessSlot> slot;
};

inline LedgerOptions options_for(const std::string& directory, std::string app = "test-app") {
  LedgerOptions options;
  options.directory = {directory, LedgerScope::Host, false, {}};
  options.app = std::move(app);
  return options;
}

inline Joined join(LedgerOptions options, Bytes total = 24_GiB) {
  auto ledger = Ledger::open(std::move(options));
  if (!ledger) {
    ADD_FAILURE() << ledger.error().message;
    std::abort();
  }
  Joined joined{*ledger, {}, nullptr};
  joined.device = joined.ledger->register_device(card(total)).value();
  joined.slot = joined.ledger->own_slot().value();
  return joined;
}

inline ChargeRequest ask(Bytes bytes) {
  ChargeRequest request;
  request.bytes = bytes;
  return request;
}

// A sample that shows `free` of `total`, taken now.
inline MemorySample sample_now(Bytes total, Bytes free, const base::Clock& clock = base::system_clock()) {
  return {total, free, clock.monotonic()};
}

// A refused or failed charge is an empty lease.
inline std::optional<Lease> try_lease(const Joined& joined, const ChargeRequest& request, const Observation& observation = {}) {
  auto outcome = joined.ledger->charge(joined.device, joined.slot, request, observation);
  if (!outcome) return std::nullopt;
  return std::move(outcome->lease);
}

// Runs `body` in a forked child, which opens what it needs itself and leaves by _exit.
class Child {
 public:
  explicit Child(const std::function<int()>& body) : pid_(::fork()) {
    if (pid_ == 0) ::_exit(body());
  }
  ~Child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      wait();
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }
  void kill() {
    ::kill(pid_, SIGKILL);
    wait();
  }
  int wait() {
    int status = 0;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

// One byte from one process to another: "I am there now".
class Signal {
 public:
  Signal() {
    if (::pipe(ends_) != 0) std::abort();
  }
  ~Signal() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  void send() const { static_cast<void>(!::write(ends_[1], "x", 1)); }
  void await() const {
    char byte = 0;
    if (::read(ends_[0], &byte, 1) != 1) std::abort();
  }

 private:
  int ends_[2] = {-1, -1};
};

// A grandchild that outlives its parent: told by it, ended by the test.
class Orphan {
 public:
  Orphan() {
    if (::pipe(ends_) != 0) std::abort();
  }
  ~Orphan() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Orphan(const Orphan&) = delete;
  Orphan& operator=(const Orphan&) = delete;
  void tell(pid_t pid) const { static_cast<void>(!::write(ends_[1], &pid, sizeof pid)); }
  pid_t await() {
    if (::read(ends_[0], &pid_, sizeof pid_) != static_cast<ssize_t>(sizeof pid_)) std::abort();
    return pid_;
  }

 private:
  int ends_[2] = {-1, -1};
  pid_t pid_ = -1;
};

// Starts `sleep 60`, handing it `descriptor` as number 200 when there is one.
inline pid_t spawn_sleep(int descriptor = -1) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (descriptor >= 0) posix_spawn_file_actions_adddup2(&actions, descriptor, 200);
  char name[] = "sleep", time[] = "60";
  char* argv[] = {name, time, nullptr};
  pid_t pid = -1;
  if (::posix_spawnp(&pid, "sleep", &actions, nullptr, argv, environ) != 0) std::abort();
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

// Until `condition` holds, for at most a minute.
inline bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 6000; ++i) {
    if (condition()) return true;
    ::usleep(10'000);
  }
  return false;
}

}  // namespace vram::test
