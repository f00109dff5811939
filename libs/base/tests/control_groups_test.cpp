#include "base/control_groups.hpp"

#include <gtest/gtest.h>

#include "fake_root.hpp"

namespace base {
namespace {

using Files = std::map<std::string, std::string>;

// Paths without the root, one a line.
std::string folders(std::string_view controller, const FakeRoot& root) {
  std::string out;
  for (const GroupFolder& group : control_groups(controller, root.path()))
    out += (group.version_two ? "2 " : "1 ") + group.path.substr(root.path().size()) + " = " + group.name + "\n";
  return out;
}

constexpr const char* kUnified = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kFirst =
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:10 - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:30 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n";

TEST(ControlGroups, ListsTheOwnGroupAndThoseAboveIt) {
  const FakeRoot root(Files{{"proc/self/cgroup", "0::/a.slice/b.service\n"}, {"proc/self/mountinfo", kUnified}});
  EXPECT_EQ(folders("cpu", root),
            "2 /sys/fs/cgroup/a.slice/b.service = /a.slice/b.service\n"
            "2 /sys/fs/cgroup/a.slice = /a.slice\n"
            "2 /sys/fs/cgroup = /\n");
}

TEST(ControlGroups, OfTheTopIsOne) {
  const FakeRoot root(Files{{"proc/self/cgroup", "0::/\n"}, {"proc/self/mountinfo", kUnified}});
  EXPECT_EQ(folders("cpu", root), "2 /sys/fs/cgroup = /\n");
}

TEST(ControlGroups, OfVersionOneLieWhereTheControllerIsMounted) {
  const FakeRoot root(
      Files{{"proc/self/cgroup", "4:memory:/m\n3:cpuacct,cpu:/c/d\n1:name=systemd:/x\n"}, {"proc/self/mountinfo", kFirst}});
  EXPECT_EQ(folders("cpu", root),
            "1 /sys/fs/cgroup/cpu,cpuacct/c/d = /c/d\n"
            "1 /sys/fs/cgroup/cpu,cpuacct/c = /c\n"
            "1 /sys/fs/cgroup/cpu,cpuacct = /\n");
  EXPECT_EQ(folders("memory", root), "1 /sys/fs/cgroup/memory/m = /m\n1 /sys/fs/cgroup/memory = /\n");
  EXPECT_EQ(folders("cpuset", root), "") << "mounted nowhere";
}

TEST(ControlGroups, OfBothVersionsAreListedWhereBothAreMounted) {
  const FakeRoot root(
      Files{{"proc/self/cgroup", "3:cpu:/c\n0::/u\n"},
            {"proc/self/mountinfo", std::string(kFirst) + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"}});
  EXPECT_EQ(folders("cpu", root),
            "2 /sys/fs/cgroup/unified/u = /u\n2 /sys/fs/cgroup/unified = /\n"
            "1 /sys/fs/cgroup/cpu,cpuacct/c = /c\n1 /sys/fs/cgroup/cpu,cpuacct = /\n");
}

TEST(ControlGroups, OfAContainerBeginAtTheTopOfItsMount) {
  const FakeRoot root(Files{{"proc/self/cgroup", "0::/docker/abc/inner\n"},
                            {"proc/self/mountinfo", "31 23 0:28 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n"}});
  EXPECT_EQ(folders("cpu", root),
            "2 /sys/fs/cgroup/inner = /docker/abc/inner\n"
            "2 /sys/fs/cgroup = /docker/abc\n");
}

TEST(ControlGroups, ThatAreNotShownMakeTheTopCount) {
  for (const char* group : {"/../../other", "/elsewhere/x", "/docker/abcd"}) {
    const FakeRoot root(Files{{"proc/self/cgroup", std::string("0::") + group + "\n"},
                              {"proc/self/mountinfo", "31 23 0:28 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n"}});
    EXPECT_EQ(folders("cpu", root), "2 /sys/fs/cgroup = /docker/abc\n") << group;
  }
}

TEST(ControlGroups, AreTakenFromTheMountThatShowsThem) {
  const FakeRoot root(Files{{"proc/self/cgroup", "0::/mine\n"},
                            {"proc/self/mountinfo",
                             "30 23 0:28 /other /mnt/other rw - cgroup2 cgroup rw\n"
                             "31 23 0:28 /mine /mnt/my\\040groups rw - cgroup2 cgroup rw\n"}});
  EXPECT_EQ(folders("cpu", root), "2 /mnt/my groups = /mine\n");
}

TEST(ControlGroups, AreTakenFromTheMountThatCoversAnother) {
  const FakeRoot root(
      Files{{"proc/self/cgroup", "0::/\n"},
            {"proc/self/mountinfo", std::string("30 23 0:28 /../.. /sys/fs/cgroup rw - cgroup2 cgroup rw\n") + kUnified}});
  EXPECT_EQ(folders("cpu", root), "2 /sys/fs/cgroup = /\n");
}

TEST(ControlGroups, WithoutMountinfoLieInTheUsualPlaces) {
  const FakeRoot root(Files{{"proc/self/cgroup", "0::/u\n3:cpu:/c\n"}});
  EXPECT_EQ(folders("cpu", root),
            "2 /sys/fs/cgroup/u = /u\n2 /sys/fs/cgroup = /\n"
            "1 /sys/fs/cgroup/cpu/c = /c\n1 /sys/fs/cgroup/cpu = /\n");
}

TEST(ControlGroups, OfNonsenseAreNone) {
  EXPECT_EQ(folders("cpu", FakeRoot()), "");
  for (const char* text : {"", "\n::\n0:\nx\n0::\n0::relative\n:::::\n", "0", "\0\xff:::"}) {
    EXPECT_EQ(folders("cpu", FakeRoot(Files{{"proc/self/cgroup", text}})), "") << text;
    EXPECT_EQ(folders("cpu", FakeRoot(Files{{"proc/self/cgroup", "0::/\n"},
                                            {"proc/self/mountinfo", std::string("x - \n - cgroup2\n") + text}})),
              "");
  }
}

}  // namespace
}  // namespace base
