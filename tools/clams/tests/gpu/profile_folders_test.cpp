#include "profiles/profile_folders.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "profiles/listing_text.hpp"

namespace clams::tool {
namespace {

class ProfileFoldersTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "clams-folders.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    host_ = root_ + "/host/memory_profiles";
  }
  void TearDown() override {
    ::chmod((root_ + "/host").c_str(), 0700);
    std::filesystem::remove_all(root_);
  }
  std::string root_, host_;
};

TEST_F(ProfileFoldersTest, the_folder_of_the_host_comes_before_the_users_own) {
  std::filesystem::create_directories(host_);
  EXPECT_EQ(profile_folders({"", "/x", "/h"}, host_)->text(), host_ + " and /x/clams/memory_profiles");
  EXPECT_EQ(profile_folders({"", "", ""}, host_)->text(), host_);
}

TEST_F(ProfileFoldersTest, without_a_folder_of_the_host_there_is_the_users_own) {
  EXPECT_EQ(profile_folders({"", "", "/h"}, host_)->text(), "/h/.cache/clams/memory_profiles");
  EXPECT_EQ(profile_folders({}, host_).error().code, base::ErrorCode::Configuration);
}

TEST_F(ProfileFoldersTest, a_folder_that_is_named_is_the_only_one) {
  std::filesystem::create_directories(host_);
  EXPECT_EQ(profile_folders({"/p", "/x", "/h"}, host_)->text(), "/p");
  EXPECT_EQ(profile_folders({host_, "/x", "/h"}, host_)->text(), host_);
}

TEST_F(ProfileFoldersTest, a_folder_that_may_not_be_looked_into_is_said) {
  std::filesystem::create_directories(host_);
  ASSERT_EQ(::chmod((root_ + "/host").c_str(), 0), 0);
  if (::access(host_.c_str(), R_OK) == 0) GTEST_SKIP() << "root may look everywhere";
  const auto found = profile_folders({"", "/x", ""}, host_);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->text(), "/x/clams/memory_profiles");
  ASSERT_EQ(found->problems.size(), 1U);
  EXPECT_NE(found->problems[0].find("usermod -aG clams"), std::string::npos);
}

vram::ProfileFile profile(const std::string& hash) {
  vram::ProfileFile file;
  file.folder = "demo";
  file.hash = hash;
  file.parameters = R"({"model": "large", "prompt": "a long text that no narrow terminal has room for"})";
  return file;
}

TEST(ProfileListingText, names_all_folders_that_are_empty) {
  EXPECT_EQ(listing_text({{"/var/a", {}}, {"/home/b", {}}}, {}, {}),
            "No profiles yet in /var/a and /home/b: they are written when an app has run on a GPU.\n");
}

TEST(ProfileListingText, titles_each_table_with_its_folder_where_there_are_several) {
  const std::string text = listing_text({{"/var/a", {{profile("aa")}, {}}}, {"/home/b", {{profile("bb")}, {}}}}, {}, {});
  EXPECT_EQ(text.find("/var/a:\n"), 0U);
  EXPECT_NE(text.find("\n\n/home/b:\n"), std::string::npos);
  EXPECT_EQ(listing_text({{"/var/a", {{profile("aa")}, {}}}}, {}, {}).find("/var/a"), std::string::npos);
}

TEST(ProfileListingText, is_not_cut_where_there_is_room) {
  EXPECT_EQ(listing_text({{"/a", {{profile("aa")}, {}}}}, {}, {80, false, true}).find("room for"), std::string::npos);
  EXPECT_NE(listing_text({{"/a", {{profile("aa")}, {}}}}, {}, {1'000'000, false, true}).find("has room for"), std::string::npos);
}

}  // namespace
}  // namespace clams::tool
