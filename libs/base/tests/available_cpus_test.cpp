#include "base/available_cpus.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_root.hpp"

namespace base {
namespace {

using Files = std::map<std::string, std::string>;

constexpr const char* kUnified = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
constexpr const char* kFirst =
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n";

AvailableCpus with(const Files& files, unsigned affinity = 64) {
  const FakeRoot root(files);
  return available_cpus({.root = root.path(), .affinity = [&] { return affinity; }, .machine_cpus = [] { return 64U; }});
}

AvailableCpus with_cpu_max(const std::string& text) {
  return with({{"proc/self/cgroup", "0::/a\n"}, {"proc/self/mountinfo", kUnified}, {"sys/fs/cgroup/a/cpu.max", text}});
}

TEST(AvailableCpus, AreTheMachinesWithoutALimit) {
  const auto cpus = with({});
  EXPECT_EQ(cpus.count, 64U);
  EXPECT_EQ(cpus.machine, 64U);
  EXPECT_EQ(cpus.words(), "64 CPUs");
}

TEST(AvailableCpus, AreThoseOfTheAffinityMask) {
  EXPECT_EQ(with({}, 3).words(), "3 of 64 CPUs (CPU affinity or cpuset)");
  EXPECT_EQ(with({}, 0).count, 64U) << "not known";
  EXPECT_EQ(with({}, 2048).count, 64U);
}

TEST(AvailableCpus, AreAQuotaRoundedUp) {
  const std::map<std::string, unsigned> table{{"200000 100000\n", 2}, {"150000 100000\n", 2}, {"100001 100000", 2},
                                              {"100000 100000\n", 1}, {"10000 100000\n", 1},  {"1 1000000\n", 1},
                                              {"6400000 100000", 64}, {"50000 25000", 2},     {"max 100000\n", 64},
                                              {"max\n", 64},          {"300000\n", 3},        {"9999999999999999 1", 64}};
  for (const auto& [text, count] : table) EXPECT_EQ(with_cpu_max(text).count, count) << text;
  EXPECT_EQ(with_cpu_max("200000 100000\n").words(), "2 of 64 CPUs (cpu.max of the control group /a)");
}

TEST(AvailableCpus, AreNotLimitedByNonsense) {
  for (const char* text :
       {"", "\n", "0 100000", "100000 0", "-1 100000", "1e5 100000", "1 2 3", "100000 max", "99999999999999999999 1", "x"})
    EXPECT_EQ(with_cpu_max(text).count, 64U) << text;
}

TEST(AvailableCpus, AreTheSmallestOfAllGroupsAbove) {
  Files files{{"proc/self/cgroup", "0::/kubepods/pod1/c1\n"},
              {"proc/self/mountinfo", kUnified},
              {"sys/fs/cgroup/kubepods/cpu.max", "800000 100000"},
              {"sys/fs/cgroup/kubepods/pod1/cpu.max", "400000 100000"},
              {"sys/fs/cgroup/kubepods/pod1/c1/cpu.max", "max 100000"}};
  EXPECT_EQ(with(files).words(), "4 of 64 CPUs (cpu.max of the control group /kubepods/pod1)");
  files["sys/fs/cgroup/kubepods/pod1/c1/cpu.max"] = "50000 100000";
  EXPECT_EQ(with(files).count, 1U);
  files["sys/fs/cgroup/kubepods/pod1/c1/cpu.max"] = "600000 100000";
  EXPECT_EQ(with(files).count, 4U);
  EXPECT_EQ(with(files, 3).words(), "3 of 64 CPUs (CPU affinity or cpuset)");
}

TEST(AvailableCpus, OfAContainerAreThoseOfTheTopThatItSees) {
  EXPECT_EQ(
      with({{"proc/self/cgroup", "0::/\n"}, {"proc/self/mountinfo", kUnified}, {"sys/fs/cgroup/cpu.max", "150000 100000"}}).count,
      2U);
  EXPECT_EQ(with({{"proc/self/cgroup", "3:cpu,cpuacct:/docker/abc\n"},
                  {"proc/self/mountinfo", "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"},
                  {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n"},
                  {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"}})
                .words(),
            "3 of 64 CPUs (cpu.cfs_quota_us of the control group /docker/abc)");
}

TEST(AvailableCpus, KnowTheFirstVersionOfControlGroups) {
  Files files{{"proc/self/cgroup", "3:cpu,cpuacct:/c/d\n0::/\n"},
              {"proc/self/mountinfo", kFirst},
              {"sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "500000\n"},
              {"sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n"},
              {"sys/fs/cgroup/cpu,cpuacct/c/d/cpu.cfs_quota_us", "-1\n"},
              {"sys/fs/cgroup/cpu,cpuacct/c/d/cpu.cfs_period_us", "100000\n"}};
  EXPECT_EQ(with(files).count, 5U);
  files["sys/fs/cgroup/cpu,cpuacct/c/d/cpu.cfs_quota_us"] = "25000\n";
  files["sys/fs/cgroup/cpu,cpuacct/c/d/cpu.cfs_period_us"] = "10000\n";
  EXPECT_EQ(with(files).count, 3U);
  files["sys/fs/cgroup/cpu,cpuacct/c/d/cpu.cfs_period_us"] = "0\n";
  EXPECT_EQ(with(files).count, 5U);
}

TEST(AvailableCpus, OfAHybridMachineAreLimitedByEither) {
  EXPECT_EQ(with({{"proc/self/cgroup", "3:cpu,cpuacct:/c\n0::/u\n"},
                  {"proc/self/mountinfo", std::string(kFirst) + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"},
                  {"sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "700000\n"},
                  {"sys/fs/cgroup/unified/u/cpu.max", "900000 100000\n"}})
                .count,
            7U);
}

TEST(AvailableCpus, AreThoseOfTheCpuset) {
  const auto two = [](const std::string& list) {
    return with({{"proc/self/cgroup", "0::/a\n"},
                 {"proc/self/mountinfo", kUnified},
                 {"sys/fs/cgroup/a/cpuset.cpus.effective", list}})
        .count;
  };
  EXPECT_EQ(two("0-3,8\n"), 5U);
  EXPECT_EQ(two("7"), 1U);
  for (const char* text : {"", "\n", "3-1", "a", "0-", "-3", "0,,1", "0-99999999999"}) EXPECT_EQ(two(text), 64U) << text;
  EXPECT_EQ(with({{"proc/self/cgroup", "5:cpuset:/s\n"},
                  {"proc/self/mountinfo", kFirst},
                  {"sys/fs/cgroup/cpuset/s/cpuset.cpus", "0-5\n"},
                  {"sys/fs/cgroup/cpuset/s/cpuset.effective_cpus", "0-1\n"}})
                .words(),
            "2 of 64 CPUs (cpuset.effective_cpus of the control group /s)");
}

TEST(AvailableCpus, OfThisProcessFollowItsAffinity) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    cpu_set_t mask;
    if (::sched_getaffinity(0, sizeof mask, &mask) != 0) ::_exit(2);
    int first = 0;
    while (!CPU_ISSET(first, &mask)) ++first;
    CPU_ZERO(&mask);
    CPU_SET(first, &mask);
    if (::sched_setaffinity(0, sizeof mask, &mask) != 0) ::_exit(2);
    ::_exit(available_cpus().count == 1 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace base
