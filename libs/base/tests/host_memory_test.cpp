#include "base/host_memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace base {
namespace {

struct HostMemoryTest : ::testing::Test {
  HostMemoryTest() : root(std::filesystem::temp_directory_path() / ("host-memory-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(root);
    write("proc/self/cgroup", "0::/\n");
  }
  HostMemoryTest(const HostMemoryTest&) = delete;
  HostMemoryTest& operator=(const HostMemoryTest&) = delete;
  ~HostMemoryTest() override { std::filesystem::remove_all(root); }
  void write(const std::string& name, const std::string& text) {
    const auto path = root / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  Bytes usable() const { return usable_memory((root / "proc").string(), (root / "cg").string()); }

  const Bytes machine = usable_memory("/nowhere", "/nowhere");
  const std::filesystem::path root;
};

TEST_F(HostMemoryTest, IsTheMachinesWithoutALimit) {
  EXPECT_GT(machine, Bytes(1 << 20));
  EXPECT_EQ(usable(), machine);
  write("cg/memory.max", "max\n");
  EXPECT_EQ(usable(), machine);
  write("cg/memory.max", "9223372036854771712\n");
  EXPECT_EQ(usable(), machine);
}

TEST_F(HostMemoryTest, IsTheSmallestLimitOfTheGroupsAboveTheProcess) {
  write("proc/self/cgroup", "0::/a.slice/b.service\n");
  write("cg/a.slice/memory.max", "5000000\n");
  write("cg/a.slice/b.service/memory.max", "max\n");
  EXPECT_EQ(usable(), Bytes(5000000));
  write("cg/a.slice/b.service/memory.max", "4000000\n");
  EXPECT_EQ(usable(), Bytes(4000000));
}

TEST_F(HostMemoryTest, IsThatOfTheContainerWhoseGroupIsTheTop) {
  write("proc/self/cgroup", "0::/../outside/of/here\n");
  write("cg/memory.max", "3000000\n");
  EXPECT_EQ(usable(), Bytes(3000000));
}

TEST_F(HostMemoryTest, KnowsTheFirstVersionOfControlGroups) {
  write("proc/self/cgroup", "12:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n");
  write("cg/memory/docker/abc/memory.limit_in_bytes", "2000000\n");
  EXPECT_EQ(usable(), Bytes(2000000));
}

TEST_F(HostMemoryTest, LeavesOutWhatMakesNoSense) {
  write("proc/self/cgroup", "\n::\n0:\nx\n0::\n0::relative\n:::::\n0::/");
  EXPECT_EQ(usable(), machine);
}

}  // namespace
}  // namespace base
