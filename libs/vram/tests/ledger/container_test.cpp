// Whether a ledger in a container counts more than that container.
#include "vram/container.hpp"

#include <fstream>

#include "fixture.hpp"

namespace vram::test {
namespace {

namespace fs = std::filesystem;

// As podman 4 gives a container; each test adds what its engine mounts beside.
constexpr std::string_view kContainer =
    "78 59 0:42 / / rw,relatime - overlay overlay rw,lowerdir=/l/1:/l/2,upperdir=/u,workdir=/w\n"
    "88 78 0:45 / /proc rw,nosuid - proc proc rw\n"
    "89 78 0:46 / /dev rw,nosuid,noexec - tmpfs tmpfs rw,size=65536k,mode=755\n"
    "94 89 0:41 / /dev/shm rw,nosuid - tmpfs shm rw,size=64000k\n";

std::string with(std::string_view line) { return std::string(kContainer) + std::string(line) + "\n"; }

TEST(Container, OwnsItsRootAndWhatEnginesMakeFresh) {
  EXPECT_TRUE(lies_in_container("/run/vram", kContainer));
  EXPECT_TRUE(lies_in_container("/dev/shm/vram-10001", kContainer));
  EXPECT_TRUE(lies_in_container("/run/vram", with("99 78 0:50 / /run rw,nosuid - tmpfs tmpfs rw,mode=755")));  // --read-only
  EXPECT_TRUE(lies_in_container("/tmp/vram", with("99 78 0:50 / /tmp rw - tmpfs tmpfs rw")));
}

TEST(Container, OwnsNoFolderOfTheHost) {
  // The host's /run is a tmpfs: the mount is a folder of it. Or /run/vram is a file system of its own there.
  EXPECT_FALSE(lies_in_container("/run/vram", with("99 78 0:24 /vram /run/vram rw,nosuid - tmpfs tmpfs rw,mode=755")));
  EXPECT_FALSE(lies_in_container("/run/vram", with("99 78 0:60 / /run/vram rw - tmpfs vram rw,size=4m")));
  EXPECT_FALSE(lies_in_container("/run/vram/a", with("99 78 0:24 /vram /run/vram rw,nosuid - tmpfs tmpfs rw")));
  EXPECT_FALSE(lies_in_container("/tmp/vram", with("99 78 8:1 /srv/tmp /tmp rw - ext4 /dev/sda1 rw")));
}

TEST(Container, TakesTheDeepestMountAndNoNeighbour) {
  EXPECT_TRUE(lies_in_container("/run/vram", with("99 78 0:24 /vram /run/vram2 rw - tmpfs tmpfs rw")));
  EXPECT_TRUE(lies_in_container("/run/vram2", with("99 78 0:24 /vram /run/vram rw - tmpfs tmpfs rw")));
  // A later mount at one place covers the earlier one.
  EXPECT_FALSE(
      lies_in_container("/run/vram", with("98 78 0:50 / /run rw - tmpfs tmpfs rw\n99 98 0:24 /x /run rw - tmpfs tmpfs rw")));
  EXPECT_TRUE(
      lies_in_container("/run/vram", with("98 78 0:24 /x /run rw - tmpfs tmpfs rw\n99 98 0:50 / /run rw - tmpfs tmpfs rw")));
}

TEST(Container, ReadsNamesWithBlanks) {
  EXPECT_FALSE(lies_in_container("/a b\\c/vram", with(R"(99 78 8:1 /x /a\040b\134c rw - ext4 /dev/sda1 rw)")));
}

TEST(Container, OfATableThatNamesNoMountIsUnknown) {
  EXPECT_FALSE(lies_in_container("/run/vram", ""));
  EXPECT_FALSE(lies_in_container("/run/vram", "78 59 0:42 /\n\nnonsense\n"));
}

TEST(Container, IsKnownByWhatEnginesLeave) {
  TempDir dir;
  ContainerSigns signs;
  signs.root = dir.path();
  EXPECT_FALSE(is_container(signs));
  fs::create_directory(dir.path() + "/run");
  std::ofstream(dir.path() + "/run/.containerenv");
  EXPECT_TRUE(is_container(signs));
  fs::remove(dir.path() + "/run/.containerenv");
  std::ofstream(dir.path() + "/.dockerenv");
  EXPECT_TRUE(is_container(signs));
  fs::remove(dir.path() + "/.dockerenv");
  for (auto member : {&ContainerSigns::container, &ContainerSigns::kubernetes_service, &ContainerSigns::apptainer}) {
    ContainerSigns one = signs;
    one.*member = "x";
    EXPECT_TRUE(is_container(one));
  }
}

TEST(Container, WarningNamesTheDirectoryAndWhatToMount) {
  // "/" is the root of some file system, here as in every container.
  const std::string warning = container_warning("/");
  EXPECT_NE(warning.find("'/' is not mounted from the host"), std::string::npos) << warning;
  EXPECT_NE(warning.find("--volume /run/vram:/run/vram"), std::string::npos) << warning;
  EXPECT_EQ(warning.find('\n'), std::string::npos);
  EXPECT_EQ(container_warning("/proc/self"), "") << "a mount of its own";
  EXPECT_EQ(container_warning("/absent/vram"), "");
}

}  // namespace
}  // namespace vram::test
