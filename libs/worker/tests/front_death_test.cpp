// When the front dies, however it dies, its workers are gone soon, whatever they are doing: they would hang for ever.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "worker/child_process.hpp"

namespace worker {
namespace {

constexpr int kPatience = 60'000;  // milliseconds; five seconds are promised, which a busy machine under a sanitizer may break

// Lines of a child's output, until there are `count`.
std::vector<std::string> read_lines(const ChildProcess& child, std::size_t count) {
  std::string text;
  std::vector<std::string> lines;
  while (lines.size() < count) {
    pollfd readable{child.output().get(), POLLIN, 0};
    if (::poll(&readable, 1, kPatience) <= 0) return lines;
    char buffer[4096];
    const ssize_t got = ::read(child.output().get(), buffer, sizeof buffer);
    if (got < 0 && errno == EAGAIN) continue;
    if (got <= 0) return lines;
    text.append(buffer, static_cast<std::size_t>(got));
    lines.clear();
    for (const std::string_view line : base::split(text, '\n')) lines.emplace_back(line);
    lines.pop_back();  // what follows the last line end
  }
  return lines;
}

void expect_workers_to_end(const std::string& how, int signal) {
  const std::string program = (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "worker_tiny_front").string();
  auto front = ChildProcess::start({program, {how}, {}, {}, {}}, {});
  ASSERT_TRUE(front) << front.error().message;
  std::vector<base::Fd> workers;
  for (const std::string& line : read_lines(*front, 3)) {
    workers.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(line), 0)));
    ASSERT_TRUE(workers.back()) << "worker " << line;
  }
  ASSERT_EQ(workers.size(), 3U);
  if (signal != 0) ::kill(front->pid(), signal);
  for (const base::Fd& worker : workers) {
    pollfd ended{worker.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&ended, 1, kPatience), 1) << "a worker lives on without its front";
  }
}

TEST(FrontDeath, WorkersThatHangAndIgnoreSignalsEndWithAKilledFront) { expect_workers_to_end("wait", SIGKILL); }
TEST(FrontDeath, WorkersEndWithAFrontThatCrashes) { expect_workers_to_end("wait", SIGSEGV); }
TEST(FrontDeath, WorkersEndWithAFrontThatExitsWithoutAWord) { expect_workers_to_end("exit-quickly", 0); }

}  // namespace
}  // namespace worker
