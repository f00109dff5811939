#include "base/files.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace base {
namespace {

class Files : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/base_files_XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override {
    if (HasFailure()) return;  // kept for a look
    for (const auto& name : *list_directory(directory_)) ::unlink((directory_ + "/" + name).c_str());
    ::rmdir(directory_.c_str());
  }
  std::string directory_;
};

TEST_F(Files, AtomicWritePublishesTheWholeFileAndLeavesNoTemporary) {
  const std::string path = directory_ + "/a.json";
  ASSERT_TRUE(write_file_atomically(path, "one"));
  ASSERT_TRUE(write_file_atomically(path, "two, longer"));
  EXPECT_EQ(*read_file(path), "two, longer");
  EXPECT_EQ(list_directory(directory_)->size(), 1U);
}

TEST_F(Files, AtomicWriteIntoAMissingDirectoryNamesThePath) {
  const auto status = write_file_atomically(directory_ + "/no/such/file", "x");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::NotFound);
  EXPECT_NE(status.error().message.find("'" + directory_ + "/no/such/file'"), std::string::npos) << status.error().message;
  EXPECT_EQ(status.error().message.find(".tmp"), std::string::npos) << status.error().message;
}

TEST_F(Files, AtomicWriteOverADirectoryNamesItAndLeavesNothing) {
  ASSERT_TRUE(make_directories(directory_ + "/sub"));
  const auto status = write_file_atomically(directory_ + "/sub", "x");
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("'" + directory_ + "/sub'"), std::string::npos) << status.error().message;
  EXPECT_EQ(list_directory(directory_)->size(), 1U);
  ::rmdir((directory_ + "/sub").c_str());
}

TEST_F(Files, AtomicWriteTakesTheLongestNameThereIs) {
  const std::string path = directory_ + "/" + std::string(255, 'n');
  ASSERT_TRUE(write_file_atomically(path, "x"));
  EXPECT_EQ(*read_file(path), "x");
}

TEST_F(Files, ReadFileStopsAtItsLimit) {
  const std::string path = directory_ + "/big";
  ASSERT_TRUE(write_file_atomically(path, std::string(1000, 'x')));
  EXPECT_TRUE(read_file(path, 1000));
  EXPECT_FALSE(read_file(path, 999));
}

TEST_F(Files, MakeDirectoriesRefusesAFileInTheWay) {
  const std::string path = directory_ + "/file";
  ASSERT_TRUE(write_file_atomically(path, "x"));
  const auto status = make_directories(path + "/sub");
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find(path), std::string::npos);
  EXPECT_TRUE(make_directories(directory_));
}

TEST_F(Files, AMappedFileIsSharedWithOtherMappings) {
  const std::string path = directory_ + "/map";
  ASSERT_TRUE(write_file_atomically(path, std::string(4096, '\0')));
  const auto fd = open_file(path, O_RDWR);
  ASSERT_TRUE(fd);
  auto a = MappedFile::map(fd->get(), 4096, true);
  auto b = MappedFile::map(fd->get(), 4096, false);
  ASSERT_TRUE(a && b);
  std::memcpy(a->data(), "hello", 5);
  EXPECT_EQ(std::memcmp(b->data(), "hello", 5), 0);
}

}  // namespace
}  // namespace base
