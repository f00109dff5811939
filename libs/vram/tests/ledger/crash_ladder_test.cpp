// A child dies at the 1st, 2nd, 3rd … named point that it passes, until one lives through. After each death the survivor finds the
// file whole, its own bytes untouched, no lock taken, and the dead one's capacity back.
#include <spawn.h>

#include <csignal>

#include "fixture.hpp"

namespace vram::test {
namespace {

constexpr const char* kBoot = "boot-of-the-ladder";

int run_child(const std::string& directory, int nth, const char* boot = kBoot) {
  const std::string child = (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "vram_crash_child").string();
  std::string program = child, where = directory, which = boot, at = "CLAMS_CRASH_AT=" + std::to_string(nth);
  char* argv[] = {program.data(), where.data(), which.data(), nullptr};
  char* env[] = {at.data(), nullptr};
  pid_t pid = 0;
  if (::posix_spawn(&pid, child.c_str(), nullptr, nullptr, argv, env) != 0) std::abort();
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

LedgerOptions ladder_options(const std::string& directory) {
  LedgerOptions options = options_for(directory, "survivor");
  options.boot_id = kBoot;
  options.drain_time = std::chrono::milliseconds(0);
  return options;
}

Joined join_ladder(const std::string& directory) {
  Joined joined;
  joined.ledger = Ledger::open(ladder_options(directory)).value();
  joined.device = joined.ledger->register_device({DeviceUuid("GPU-ladder"), "Ladder card", 0, 8_GiB}).value();
  joined.slot = joined.ledger->own_slot().value();
  return joined;
}

TEST(CrashLadder, ADeathAtAnyPointLeavesTheSurvivorWhole) {
  TempDir dir;
  const Joined survivor = join_ladder(dir.path());
  const auto mine = try_lease(survivor, ask(2_GiB));
  int nth = 1;
  for (; nth < 400; ++nth) {
    const int status = run_child(dir.path(), nth);
    SCOPED_TRACE("crash point " + std::to_string(nth));
    ASSERT_TRUE(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0) << status;
    EXPECT_EQ(survivor.slot->reserved(survivor.device), 2_GiB);
    {
      const auto all_the_rest = try_lease(survivor, ask(6_GiB));
      ASSERT_TRUE(all_the_rest) << "capacity is back, no lock is taken";
    }
    const Joined newcomer = join_ladder(dir.path());
    EXPECT_LE(newcomer.slot->index(), 1U) << "slots of the dead are free again";
    EXPECT_EQ(newcomer.slot->reserved(newcomer.device), Bytes());
    const auto wrong = survivor.ledger->check_invariants();
    EXPECT_TRUE(wrong.empty()) << wrong.front();
    if (!WIFSIGNALED(status)) break;
  }
  EXPECT_GT(nth, 40) << "the child passes fewer points than there are";
  EXPECT_LT(nth, 400);
}

TEST(CrashLadder, ADeathWhileTheFileIsBornLeavesItAbsentOrWhole) {
  for (int nth = 1; nth <= 6; ++nth) {
    TempDir dir;
    run_child(dir.path(), nth);
    SCOPED_TRACE("crash point " + std::to_string(nth));
    const Joined next = join_ladder(dir.path());
    EXPECT_TRUE(try_lease(next, ask(8_GiB)));
    EXPECT_TRUE(next.ledger->check_invariants().empty());
  }
}

TEST(CrashLadder, ADeathWhileTheFileIsReplacedLeavesTheOldOrTheNew) {
  for (int nth = 1; nth <= 6; ++nth) {
    TempDir dir;
    run_child(dir.path(), 0, "the-boot-before");
    run_child(dir.path(), nth);
    SCOPED_TRACE("crash point " + std::to_string(nth));
    const Joined next = join_ladder(dir.path());
    EXPECT_TRUE(try_lease(next, ask(8_GiB)));
  }
}

}  // namespace
}  // namespace vram::test
