#include "worker/child_process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "line_splitter.hpp"

namespace worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kPatience = 60'000;  // milliseconds; what takes longer hangs

ChildCommand shell(std::string script) { return {"/bin/sh", {"-c", std::move(script)}, {}, {}, {}}; }

// All that comes out until the end, and how it ended.
std::string output_of(const base::Fd& fd) {
  std::string text;
  for (;;) {
    pollfd readable{fd.get(), POLLIN, 0};
    if (::poll(&readable, 1, kPatience) <= 0) return text + "(silent)";
    char buffer[4096];
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

ExitReason end_of(ChildProcess& child) {
  pollfd ended{child.pidfd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, kPatience), 1);
  return child.reap().value_or(ExitReason{});
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "clams-worker-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    if (!::testing::Test::HasFailure()) std::filesystem::remove_all(path_);
  }
  std::string path() const { return path_.string(); }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }

 private:
  std::filesystem::path path_;
};

TEST(ChildProcess, RunsInItsFolderWithItsEnvironmentAndItsOwnGroup) {
  const TemporaryDirectory folder;
  ::setenv("CHILD_TEST_OLD", "old", 1);
  ::setenv("CHILD_TEST_GONE", "gone", 1);
  ChildCommand command = shell(
      "pwd; echo $CHILD_TEST_OLD-$CHILD_TEST_GONE-$CHILD_TEST_NEW; echo words >&2; test $(ps -o pgid= -p $$) = $$ && echo leader");
  command.directory = folder.path();
  command.environment = {{"CHILD_TEST_OLD", "replaced"}, {"CHILD_TEST_NEW", "new"}};
  command.environment_removed = {"CHILD_TEST_GONE"};
  auto child = ChildProcess::start(command, {});
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(output_of(child->output()), folder.path() + "\nreplaced--new\nleader\n");
  EXPECT_EQ(output_of(child->error_output()), "words\n");
  EXPECT_EQ(end_of(*child).words(), "exited with status 0");
}

TEST(ChildProcess, InheritsWhatItIsGivenUnderTheNumberItIsGivenAndNothingElse) {
  // A descriptor without close-on-exec, as careless libraries leave them.
  const base::Fd stray(::open("/dev/null", O_RDONLY));
  std::array<int, 2> first{}, second{};
  ASSERT_EQ(::pipe(first.data()), 0);
  ASSERT_EQ(::pipe(second.data()), 0);
  const base::Fd a(first[0]), b(first[1]), c(second[0]), d(second[1]);
  auto child = ChildProcess::start(shell("ls /proc/$$/fd; echo three >&3; echo four >&4"), {{d.get(), 4}, {b.get(), 3}});
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_THAT(output_of(child->output()), ::testing::StartsWith("0\n1\n2\n3\n4\n"));
  EXPECT_EQ(end_of(*child).status, 0);
  char buffer[16] = {};
  EXPECT_EQ(::read(a.get(), buffer, sizeof buffer), 6);
  EXPECT_STREQ(buffer, "three\n");
  EXPECT_EQ(::read(c.get(), buffer, sizeof buffer), 5);
}

TEST(ChildProcess, NumbersWithAGapAreRefused) {
  EXPECT_EQ(ChildProcess::start(shell("true"), {{0, 5}}).error().code, base::ErrorCode::InvalidArgument);
}

TEST(ChildProcess, AMissingProgramOrFolderIsToldByName) {
  EXPECT_THAT(ChildProcess::start({"/no/such/program", {}, {}, {}, {}}, {}).error().message, HasSubstr("/no/such/program"));
  ChildCommand command = shell("true");
  command.directory = "/no/such/folder";
  EXPECT_THAT(ChildProcess::start(command, {}).error().message, HasSubstr("/no/such/folder"));
}

TEST(ChildProcess, EveryWayToEndIsToldInWords) {
  const auto words = [](const std::string& script) {
    auto child = ChildProcess::start(shell(script), {});
    return child ? end_of(*child).words() : child.error().message;
  };
  EXPECT_EQ(words("exit 3"), "exited with status 3");
  EXPECT_EQ(words("kill -TERM $$"), "was killed by signal 15 (SIGTERM)");
  EXPECT_EQ(words("kill -KILL $$"), "was killed by signal 9 (SIGKILL)");
  EXPECT_THAT(words("kill -SEGV $$"), HasSubstr("signal 11 (SIGSEGV"));
  ExitReason reason;
  reason.signal = SIGKILL;
  reason.out_of_memory = true;
  EXPECT_EQ(reason.words(), "was killed by the kernel for want of memory");
  EXPECT_THAT(ExitReason{}.words(), HasSubstr("unknown"));
}

TEST(ChildProcess, BlockedAndIgnoredSignalsAreNotInherited) {
  ::signal(SIGTERM, SIG_IGN);
  auto child = ChildProcess::start(shell("kill -TERM $$; echo survived"), {});
  ::signal(SIGTERM, SIG_DFL);
  ASSERT_TRUE(child);
  EXPECT_EQ(end_of(*child).signal, SIGTERM);
}

TEST(ChildProcess, ItsEndTakesItsGroupWithItAndLeavesNoZombie) {
  pid_t grandchild = 0;
  {
    auto child = ChildProcess::start(shell("sleep 1000 & echo $!; wait"), {});
    ASSERT_TRUE(child);
    char buffer[32] = {};
    pollfd readable{child->output().get(), POLLIN, 0};
    ASSERT_EQ(::poll(&readable, 1, kPatience), 1);
    ASSERT_GT(::read(child->output().get(), buffer, sizeof buffer - 1), 0);
    grandchild = std::atoi(buffer);
    EXPECT_EQ(child->reap(), std::nullopt) << "it still runs";
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  // The grandchild belongs to another parent now, who collects it in his own time.
  std::string state = "R";
  for (int i = 0; i < kPatience && !state.empty() && state.find("Z") == std::string::npos; ++i) {
    const auto stat = base::read_file("/proc/" + std::to_string(grandchild) + "/stat");
    state = stat ? stat->substr(stat->rfind(')') + 1, 3) : "";
    ::usleep(1000);
  }
  EXPECT_TRUE(state.empty() || state.find("Z") != std::string::npos) << "still alive: " << state;
}

TEST(ChildProcess, WhatALeaderLeavesBehindInItsGroupEndsWhenTheLeaderIsCollected) {
  auto child = ChildProcess::start(shell("(trap '' TERM HUP; exec sleep 1000) >/dev/null 2>&1 & echo $!"), {});
  ASSERT_TRUE(child);
  const base::Fd left(static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(output_of(child->output())), 0)));
  ASSERT_TRUE(left);
  EXPECT_EQ(end_of(*child).status, 0);
  pollfd ended{left.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, kPatience), 1);
}

TEST(OomKillCounter, ReadsTheGroupOfVersionTwoThenOfOneThenTheHost) {
  const TemporaryDirectory root;
  root.write("proc/vmstat", "nr_free 5\noom_kill 3\n");
  EXPECT_EQ(OomKillCounter(root.path()).read(), 3U);
  root.write("proc/self/cgroup", "4:memory:/one\n0::/two\n");
  root.write("sys/fs/cgroup/memory/one/memory.oom_control", "under_oom 0\noom_kill 7\n");
  EXPECT_EQ(OomKillCounter(root.path()).read(), 7U);
  root.write("sys/fs/cgroup/memory.events", "oom 1\noom_kill 8\n");
  EXPECT_EQ(OomKillCounter(root.path()).read(), 8U) << "in a container the mount shows the own group at its root";
  root.write("sys/fs/cgroup/two/memory.events", "oom_kill 9\noom_group_kill 1\n");
  EXPECT_EQ(OomKillCounter(root.path()).read(), 9U);
}

TEST(OomKillCounter, IsUnknownWhereNothingCanBeRead) {
  const TemporaryDirectory root;
  EXPECT_EQ(OomKillCounter(root.path()).read(), std::nullopt);
  root.write("proc/vmstat", "oom_kill many\n");
  EXPECT_EQ(OomKillCounter(root.path()).read(), std::nullopt);
}

TEST(LineSplitter, CutsAtLineEndsCarriageReturnsAndItsLimit) {
  std::vector<std::string> lines;
  LineSplitter splitter(100, [&](std::string_view line) { lines.emplace_back(line); });
  const LineSplitter::TimePoint now{std::chrono::seconds(10)};
  splitter.feed("one\ntw", now);
  splitter.feed("o\r\nthree\r", now);
  splitter.feed(std::string(LineSplitter::kMaxLine + 1, 'x'), now);
  splitter.finish();
  EXPECT_THAT(lines, ElementsAre("one", "two", "three", std::string(LineSplitter::kMaxLine, 'x'), "x"));
  EXPECT_THAT(splitter.last_lines(), HasSubstr("one | two | three | x"));
}

TEST(LineSplitter, CountsWhatComesTooFastAndTellsItLater) {
  std::vector<std::string> lines;
  LineSplitter splitter(2, [&](std::string_view line) { lines.emplace_back(line); });
  const LineSplitter::TimePoint now{std::chrono::seconds(10)};
  splitter.feed("a\nb\nc\nd\n", now);
  EXPECT_THAT(lines, ElementsAre("a", "b"));
  splitter.feed("e\n", now + std::chrono::seconds(2));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_THAT(lines[2], HasSubstr("2 more lines"));
  EXPECT_EQ(lines[3], "e");
}

}  // namespace
}  // namespace worker
