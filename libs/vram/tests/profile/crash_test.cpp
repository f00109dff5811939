// Writers that die as by kill -9 at every crash point, and writers that run side by side.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <vector>

#include "base/fd.hpp"
#include "base/files.hpp"
#include "profile/document.hpp"
#include "profile/facts.hpp"
#include "support.hpp"
#include "vram/profile_files.hpp"

namespace vram {
namespace {

using test::kPatience;

struct Child {
  pid_t pid = -1;
  base::Fd output;
};

struct Ended {
  bool killed = false;
  int status = 0;
  int acknowledged = 0;  // runs that the child was told are on disk
};

Child start(const std::string& root, int count, const std::string& crash_at) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  std::string program = PROFILE_WRITER;
  std::string number = std::to_string(count);
  std::string plan = "CLAMS_CRASH_AT=" + crash_at;
  std::string folder = root;
  std::string load = "load";
  char* const arguments[] = {program.data(), folder.data(), number.data(), load.data(), nullptr};
  std::vector<char*> environment;
  for (char** one = environ; *one != nullptr; ++one) environment.push_back(*one);
  if (!crash_at.empty()) environment.push_back(plan.data());
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  Child child;
  if (::posix_spawn(&child.pid, program.c_str(), &actions, nullptr, arguments, environment.data()) != 0) child.pid = -1;
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  child.output = base::Fd(ends[0]);
  return child;
}

Ended wait(const Child& child) {
  Ended ended;
  const std::string said = base::read_all(child.output.get(), "child").value_or("");
  ended.acknowledged = static_cast<int>(std::count(said.begin(), said.end(), '\n'));
  int status = 0;
  if (::waitpid(child.pid, &status, 0) != child.pid) return ended;
  ended.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ended;
}

class Crash : public test::ProfileTest {
 protected:
  std::string own() const { return root_ + "/crash"; }
  std::string file() const { return own() + "/memory_" + test::key_of(R"({"model":"large"})").hash() + ".json"; }
  std::uint64_t runs() const {
    if (!std::filesystem::exists(file())) return 0;
    const auto document = profile::parse_document(get(file()));
    EXPECT_TRUE(document) << (document ? "" : document.error().message);
    return document ? document->cold.size() : 0;
  }
};

#if defined(CLAMS_CRASH_POINTS)
TEST_F(Crash, AWriterThatDiesAtAnyPointLosesNothingThatWasAcknowledgedAndBlocksNobody) {
  int point = 1;
  for (; point < 200; ++point) {
    SCOPED_TRACE("crash point " + std::to_string(point));
    std::filesystem::remove_all(own());
    const Ended ended = wait(start(root_, 2, std::to_string(point)));
    if (!ended.killed) {
      EXPECT_EQ(ended.status, 0);
      break;
    }
    const std::uint64_t stored = runs();
    EXPECT_GE(stored, static_cast<std::uint64_t>(ended.acknowledged));
    EXPECT_LE(stored, static_cast<std::uint64_t>(ended.acknowledged) + 1);
    EXPECT_TRUE(list_profiles(root_)->skipped.empty());
    const Ended survivor = wait(start(root_, 1, ""));
    EXPECT_EQ(survivor.status, 0);
    EXPECT_EQ(runs(), stored + 1);
    const auto facts = profile::parse_facts(get(own() + "/app.json"));
    EXPECT_TRUE(facts) << (facts ? "" : facts.error().message);
  }
  EXPECT_GT(point, 20);  // the ladder was climbed: profile, facts and file points, twice each
  EXPECT_LT(point, 200);
}

TEST_F(Crash, LeftOverTemporariesGoWithThePrune) {
  const Ended ended = wait(start(root_, 1, "file.half_written"));
  ASSERT_TRUE(ended.killed);
  const auto is_temporary = [](const std::string& name) { return name.ends_with(".tmp"); };
  auto names = base::list_directory(own()).value();
  EXPECT_EQ(std::count_if(names.begin(), names.end(), is_temporary), 1);
  const auto later = base::system_clock().wall() + std::chrono::hours(2);
  EXPECT_EQ(prune_profiles(root_, {}, later)->files, 1U);
  names = base::list_directory(own()).value();
  EXPECT_EQ(std::count_if(names.begin(), names.end(), is_temporary), 0);
}

TEST_F(Crash, AKilledHolderLeavesNoLock) {
  EXPECT_TRUE(wait(start(root_, 1, "profile.locked")).killed);
  const Ended next = wait(start(root_, 1, ""));
  EXPECT_EQ(next.status, 0);
  EXPECT_EQ(next.acknowledged, 1);
}
#endif

TEST_F(Crash, FourProcessesLoseNoSampleOfEachOther) {
  std::vector<Child> children;
  for (int i = 0; i < 4; ++i) children.push_back(start(root_, 12, ""));
  for (const Child& child : children) {
    const Ended ended = wait(child);
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.acknowledged, 12);
  }
  const auto document = profile::parse_document(get(file())).value();
  EXPECT_EQ(document.cold.size(), 48U);
  EXPECT_EQ(document.counters.runs, 48U);
  EXPECT_EQ(profile::parse_facts(get(own() + "/app.json"))->models.at("large").loads, 48U);
}

}  // namespace
}  // namespace vram
