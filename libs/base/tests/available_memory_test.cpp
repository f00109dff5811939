#include "base/available_memory.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "fake_root.hpp"

namespace base {
namespace {

using Files = std::map<std::string, std::string>;

AvailableMemory with(Files files) {
  files.try_emplace("proc/meminfo", "MemTotal:       16000000 kB\nMemFree:  1 kB\n");
  files.try_emplace("proc/self/cgroup", "0::/a.slice/b.service\n");
  return available_memory(FakeRoot(files).path());
}

constexpr Bytes kMachine(16'000'000ULL << 10);

TEST(AvailableMemory, IsTheMachinesWithoutALimit) {
  const auto none = with({});
  EXPECT_EQ(none.bytes, kMachine);
  EXPECT_EQ(none.machine, kMachine);
  EXPECT_EQ(none.limit, "");
  for (const char* text :
       {"max\n", "9223372036854771712\n", "18446744073709551615", "99999999999999999999999", "-1", "", "12x", "0\n"}) {
    EXPECT_EQ(with({{"sys/fs/cgroup/memory.max", text}}).bytes, kMachine) << text;
  }
}

TEST(AvailableMemory, OfThisMachineIsThere) { EXPECT_GT(available_memory().bytes, Bytes(1 << 20)); }

TEST(AvailableMemory, IsTheSmallestLimitOfTheGroupsAboveTheProcess) {
  Files files{{"sys/fs/cgroup/a.slice/memory.max", "5000000\n"}, {"sys/fs/cgroup/a.slice/b.service/memory.max", "max\n"}};
  const auto above = with(files);
  EXPECT_EQ(above.bytes, Bytes(5000000));
  EXPECT_EQ(above.machine, kMachine);
  EXPECT_EQ(above.limit, "memory.max of the control group /a.slice");
  files["sys/fs/cgroup/a.slice/b.service/memory.max"] = "4000000\n";
  EXPECT_EQ(with(files).bytes, Bytes(4000000));
  files["sys/fs/cgroup/memory.max"] = "3000000\n";
  EXPECT_EQ(with(files).limit, "memory.max of the control group /");
}

TEST(AvailableMemory, EndsWhereTheKernelBeginsToSlowTheGroupDown) {
  const auto high = with({{"sys/fs/cgroup/a.slice/memory.max", "5000000"}, {"sys/fs/cgroup/a.slice/memory.high", "4000000"}});
  EXPECT_EQ(high.bytes, Bytes(4000000));
  EXPECT_EQ(high.limit, "memory.high of the control group /a.slice");
}

TEST(AvailableMemory, IsThatOfTheContainerWhoseGroupIsTheTop) {
  EXPECT_EQ(with({{"proc/self/cgroup", "0::/../outside/of/here\n"}, {"sys/fs/cgroup/memory.max", "3000000\n"}}).bytes,
            Bytes(3000000));
}

TEST(AvailableMemory, KnowsTheFirstVersionOfControlGroups) {
  const auto memory = with({{"proc/self/cgroup", "12:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n"},
                            {"sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "9223372036854771712\n"},
                            {"sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "2000000\n"}});
  EXPECT_EQ(memory.bytes, Bytes(2000000));
  EXPECT_EQ(memory.limit, "memory.limit_in_bytes of the control group /docker");
}

TEST(AvailableMemory, OfAMachineWhoseMeminfoMakesNoSenseIsAskedOfTheKernel) {
  const Bytes kernel = with({{"proc/meminfo", "nothing"}}).machine;
  EXPECT_GT(kernel, Bytes(1 << 20));
  for (const char* text : {"MemTotal: x kB", "MemTotal: 0 kB", "MemTotal: 18446744073709551615 kB", "MemTotal: 5"})
    EXPECT_EQ(with({{"proc/meminfo", text}}).machine, kernel) << text;
}

// Sanitizers reserve terabytes of address space and end a process that cannot have more.
#if defined(__has_feature)
#define BASE_TEST_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BASE_TEST_SANITIZED 1
#else
#define BASE_TEST_SANITIZED 0
#endif

#if !BASE_TEST_SANITIZED
TEST(AvailableMemory, IsNoMoreThanTheAddressSpace) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit limit{1'000'000'000, 1'000'000'000};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) ::_exit(2);
    const auto memory = available_memory();
    ::_exit(memory.bytes <= Bytes(1'000'000'000) ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}
#endif

}  // namespace
}  // namespace base
