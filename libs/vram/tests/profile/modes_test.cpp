// Who may read and write what a store leaves behind.
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.hpp"

namespace vram {
namespace {

using test::key_of;
using test::kGiB;
using test::kPatience;
using test::run_of;

class SharedModes : public test::ProfileTest {
 protected:
  void SetUp() override {
    ProfileTest::SetUp();
    above_ = root_;
    root_ += "/profiles";
  }
  void TearDown() override {
    root_ = above_;
    ProfileTest::TearDown();
  }
  static unsigned mode_of(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777U : 0U;
  }
  // What a user with this umask leaves behind.
  void write_with_umask(mode_t mask) {
    const mode_t before = ::umask(mask);
    {
      ProfileStore store(options());
      store.record(key_of(R"({"model":"large"})"), run_of(kGiB));
      store.record_model("large", base::Bytes(std::uint64_t{1} << 30U), std::chrono::milliseconds(10));
      EXPECT_TRUE(store.flush(kPatience));
    }
    ::umask(before);
  }
  std::string above_;
};

TEST_F(SharedModes, BelowASetGroupIdFolderWhateverTheUmask) {
  for (const mode_t mask : {0007U, 0022U, 0027U, 0077U}) {
    std::filesystem::remove_all(root_);
    ASSERT_EQ(::mkdir(root_.c_str(), 0700), 0);
    ASSERT_EQ(::chmod(root_.c_str(), 02770), 0);
    write_with_umask(mask);
    EXPECT_EQ(mode_of(folder()), 02770U) << std::oct << mask;
    for (const char* name : {"/.lock", "/app.json"}) EXPECT_EQ(mode_of(folder() + name), 0660U) << name << std::oct << mask;
    EXPECT_EQ(mode_of(path_of(key_of(R"({"model":"large"})"))), 0660U) << std::oct << mask;
  }
}

TEST_F(SharedModes, WhatOthersMayDoIsWhatTheFolderGivesThem) {
  ASSERT_EQ(::mkdir(root_.c_str(), 0700), 0);
  ASSERT_EQ(::chmod(root_.c_str(), 02775), 0);
  write_with_umask(0077);
  EXPECT_EQ(mode_of(folder()), 02775U);
  EXPECT_EQ(mode_of(folder() + "/app.json"), 0664U);
}

TEST_F(SharedModes, FoldersThatAreMissingInBetweenAreForTheGroupToo) {
  const unsigned before = mode_of(above_);
  ASSERT_EQ(::chmod(above_.c_str(), 02770), 0);
  write_with_umask(0027);
  EXPECT_EQ(mode_of(root_), 02770U);
  EXPECT_EQ(mode_of(folder()), 02770U);
  ASSERT_EQ(::chmod(above_.c_str(), before), 0);
}

TEST_F(SharedModes, ElsewhereTheUmaskDecides) {
  for (const mode_t mask : {0007U, 0022U, 0077U}) {
    std::filesystem::remove_all(root_);
    ASSERT_EQ(::mkdir(root_.c_str(), 0755), 0);
    ASSERT_EQ(::chmod(root_.c_str(), 0777), 0);
    write_with_umask(mask);
    EXPECT_EQ(mode_of(folder()), 0755U & ~mask) << std::oct << mask;
    EXPECT_EQ(mode_of(folder() + "/app.json"), 0644U & ~mask) << std::oct << mask;
  }
}

TEST_F(SharedModes, AnOwnFolderThatIsTooNarrowIsWidened) {
  ASSERT_EQ(::mkdir(root_.c_str(), 0700), 0);
  ASSERT_EQ(::chmod(root_.c_str(), 02770), 0);
  ASSERT_EQ(::mkdir(folder().c_str(), 0750), 0);
  write_with_umask(0007);
  EXPECT_EQ(mode_of(folder()), 02770U);
}

TEST_F(SharedModes, TwoUsersOfAGroupLearnTogether) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  constexpr gid_t kGroup = 61000;
  ASSERT_EQ(::chmod(above_.c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(root_.c_str(), 0700), 0);
  ASSERT_EQ(::chown(root_.c_str(), 0, kGroup), 0);
  ASSERT_EQ(::chmod(root_.c_str(), 02770), 0);
  const auto as_user = [&](uid_t user, mode_t mask, std::int64_t bytes) {
    const pid_t child = ::fork();
    if (child == 0) {
      const bool is_user =
          ::setgroups(0, nullptr) == 0 && ::setresgid(kGroup, kGroup, kGroup) == 0 && ::setresuid(user, user, user) == 0;
      ::umask(mask);
      bool written = false;
      if (is_user) {
        ProfileStore store(options());
        store.record(key_of("{}"), run_of(bytes));
        written = store.flush(kPatience).has_value();
      }
      ::_exit(is_user && written ? 0 : 1);
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    return status;
  };
  EXPECT_EQ(as_user(61001, 0007, kGiB), 0);
  EXPECT_EQ(as_user(61002, 0022, 3 * kGiB), 0);
  EXPECT_EQ(as_user(61001, 0077, 2 * kGiB), 0);
  ProfileStore store(options());
  const auto learned = store.lookup(key_of("{}"));
  ASSERT_TRUE(learned);
  EXPECT_EQ(learned->cold_samples, 3U);
}

}  // namespace
}  // namespace vram
