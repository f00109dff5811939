// Containers: processes that are both PID 1, each in a PID namespace of its own, on one ledger directory.
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "fixture.hpp"

namespace vram::test {
namespace {

// fork() into a new PID namespace; -1 where that is not allowed.
pid_t fork_as_pid_one(const std::function<int()>& body) {
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (pid == 0) ::_exit(body());
  return pid;
}

bool namespaces_allowed() {
  const pid_t pid = fork_as_pid_one([] { return ::getpid() == 1 ? 0 : 1; });
  if (pid < 0) {
    std::printf("not tried: this user may not make PID namespaces (%s)\n", std::strerror(errno));
    return false;
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void kill_and_wait(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

// What each of the two holds now; beyond the limit together = the lock did not exclude.
struct Shared {
  std::atomic<std::uint64_t> held[2];
  std::atomic<std::uint64_t> rounds[2];
  std::atomic<int> together;
  std::atomic<bool> dying;  // the second is about to be killed: what it says it holds does not count any more
};

int take_turns(const std::string& directory, Shared& shared, int me) {
  LedgerOptions options = options_for(directory);
  options.drain_time = std::chrono::milliseconds(0);  // what a dead one held must not hold up the other
  const Joined joined = join(options, 10_GiB);
  for (;;) {
    const auto lease = try_lease(joined, ask(6_GiB));
    if (!lease) continue;
    shared.held[me].store(1);
    if (shared.held[1 - me].load() != 0 && !shared.dying) shared.together.fetch_add(1);
    for (int spin = 0; spin < 200; ++spin) (void)shared.rounds[me].load();
    shared.held[me].store(0);
    shared.rounds[me].fetch_add(1);
  }
}

TEST(Namespaces, ProcessesThatAreBothPidOneExcludeEachOtherAndDieApart) {
  if (!namespaces_allowed()) return;
  TempDir dir;
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  Shared& shared = *new (memory) Shared{};
  const pid_t first = fork_as_pid_one([&] { return take_turns(dir.path(), shared, 0); });
  for (int i = 0; i < 10; ++i) {
    const pid_t second = fork_as_pid_one([&] { return take_turns(dir.path(), shared, 1); });
    const std::uint64_t before = shared.rounds[0].load() + shared.rounds[1].load();
    EXPECT_TRUE(eventually([&] { return shared.rounds[0].load() + shared.rounds[1].load() > before + 200; }));
    shared.dying = true;
    kill_and_wait(second);
    shared.held[1].store(0);
    shared.dying = false;
  }
  const std::uint64_t before = shared.rounds[0].load();
  EXPECT_TRUE(eventually([&] { return shared.rounds[0].load() > before; })) << "no death of the other took the lock along";
  EXPECT_EQ(shared.together, 0);
  kill_and_wait(first);
  ::munmap(memory, sizeof(Shared));
}

TEST(Namespaces, TheHostSeesWhoLivesInThem) {
  if (!namespaces_allowed()) return;
  TempDir dir;
  const Joined host = join(options_for(dir.path()), 10_GiB);
  Signal ready;
  const pid_t inside = fork_as_pid_one([&] {
    const Joined joined = join(options_for(dir.path(), "in a container"), 10_GiB);
    const auto lease = try_lease(joined, ask(6_GiB));
    ready.send();
    for (;;) ::pause();
    return 0;
  });
  ready.await();
  EXPECT_FALSE(try_lease(host, ask(5_GiB)));
  EXPECT_EQ(host.ledger->figures(host.device, {}).charges, 6_GiB);
  const LedgerSnapshot shown = host.ledger->snapshot();
  ASSERT_EQ(shown.processes.size(), 2U);
  EXPECT_EQ(shown.processes[1].pid, 1) << "its own number, for display";
  kill_and_wait(inside);
  EXPECT_TRUE(try_lease(host, ask(10_GiB), {sample_now(10_GiB, 10_GiB), nullptr}) ||
              try_lease(host, ask(10_GiB), {sample_now(10_GiB, 10_GiB), nullptr}));
}

}  // namespace
}  // namespace vram::test
