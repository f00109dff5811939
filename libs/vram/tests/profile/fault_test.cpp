#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <future>

#include "base/fd.hpp"
#include "base/files.hpp"
#include "profile/document.hpp"
#include "profile/folder.hpp"
#include "support.hpp"

namespace vram {
namespace {

using test::key_of;
using test::kGiB;
using test::kPatience;
using test::run_of;
using namespace base::literals;

class Faults : public test::ProfileTest {
 protected:
  // Asks twice, records and asks again: one warning that names the file, figures from memory on, and the file is whole afterwards
  // if it may be replaced.
  void expect_skipped(const std::string& what, bool replaced) {
    SCOPED_TRACE(what);
    const auto key = key_of(R"({"a":1})");
    const std::size_t before = log_->warnings().size();
    ProfileStore store(options());
    EXPECT_FALSE(store.lookup(key));
    EXPECT_FALSE(store.lookup(key));
    ASSERT_EQ(log_->warnings().size(), before + 1);
    EXPECT_NE(log_->warnings().back().find(path_of(key)), std::string::npos) << log_->warnings().back();
    store.record(key, run_of(2 * kGiB));
    EXPECT_EQ(static_cast<bool>(store.flush(kPatience)), replaced);
    EXPECT_EQ(store.lookup(key)->cold, 2_GiB);
    if (!replaced) return;
    EXPECT_TRUE(profile::parse_document(get(path_of(key))));
    EXPECT_EQ(ProfileStore(options()).lookup(key)->cold, 2_GiB);
    std::filesystem::remove(path_of(key));
  }
};

TEST_F(Faults, DamagedFilesAreSkippedWithOneWarningAndReplaced) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"empty", ""},
      {"truncated", R"({"peak_bytes": 123, "param)"},
      {"not UTF-8", "{\"peak_bytes\": 1, \"parameters\": {\"a\": \"\xff\xfe\"}}"},
      {"binary", std::string(4096, '\0')},
      {"a list", "[1, 2]"},
      {"peak of the wrong type", R"({"peak_bytes": "much", "parameters": {"a": 1}})"},
      {"peak with a fraction", R"({"peak_bytes": 1.5, "parameters": {"a": 1}})"},
      {"negative peak", R"({"peak_bytes": -5, "parameters": {"a": 1}})"},
      {"peak beyond 64 bits", R"({"peak_bytes": 99999999999999999999999, "parameters": {"a": 1}})"},
      {"no peak", R"({"parameters": {"a": 1}})"},
      {"parameters of the wrong type", R"({"peak_bytes": 5, "parameters": "a"})"},
      {"samples of the wrong type", R"({"peak_bytes": 5, "parameters": {"a": 1}, "cold": {"x": 1}})"},
      {"samples with a wrong member", R"({"peak_bytes": 5, "parameters": {"a": 1}, "cold": [{"visible": "x"}]})"},
      {"an instrument nobody knows", R"({"peak_bytes": 5, "parameters": {"a": 1}, "cold": [{"visible": 1, "by": "ear"}]})"},
      {"other parameters", R"({"peak_bytes": 5, "parameters": {"a": 2}})"},
      {"huge", "{\"peak_bytes\": 5, \"parameters\": {\"a\": \"" + std::string(std::size_t{2} << 20, 'x') + "\"}}"},
      {"deep", "{\"peak_bytes\": 5, \"x\": " + std::string(300000, '[') + "}"},
  };
  for (const auto& [what, text] : cases) {
    put(path_of(key_of(R"({"a":1})")), text);
    expect_skipped(what, true);
  }
}

TEST_F(Faults, WhatIsNotAFileIsSkippedAndNeverWaitedFor) {
  const std::string path = path_of(key_of(R"({"a":1})"));
  std::filesystem::create_directories(folder());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  expect_skipped("a pipe", true);
  std::filesystem::create_directories(path);
  const std::size_t before = log_->warnings().size();
  const auto key = key_of(R"({"a":1})");
  ProfileStore store(options());
  EXPECT_FALSE(store.lookup(key));
  store.record(key, run_of(2 * kGiB));
  EXPECT_FALSE(store.flush(kPatience));
  EXPECT_EQ(store.lookup(key)->cold, 2_GiB);
  EXPECT_EQ(log_->warnings().size(), before + 2);  // one for reading, one for writing
}

TEST_F(Faults, AFileOfALaterVersionIsLeftAlone) {
  const auto key = key_of(R"({"a":1})");
  const std::string text = R"({"peak_bytes": 5, "parameters": {"a": 1}, "version": 2})";
  put(path_of(key), text);
  expect_skipped("later version", false);
  EXPECT_EQ(get(path_of(key)), text);
}

TEST_F(Faults, DamagedFilesOfThePythonSdkAreNamedOnceAndLeftAlone) {
  const std::string bad = folder() + "/memory_401e75d1b37bd08bb3d93cdfb1993827.json";
  put(bad, "{\"peak_bytes\": NaN");
  put(folder() + "/memory_f0f851f595daffa61d086044b52e5489.json", R"({"peak_bytes": 77, "parameters": {"a": "1"}})");
  ProfileStore store(options());
  EXPECT_EQ(store.lookup(key_of(R"({"a":1})"))->cold, Bytes(77));
  EXPECT_FALSE(store.lookup(key_of(R"({"a":2})")));
  ASSERT_EQ(log_->warnings().size(), 1U);
  EXPECT_NE(log_->warnings()[0].find(bad), std::string::npos);
  EXPECT_EQ(get(bad), "{\"peak_bytes\": NaN");
}

TEST_F(Faults, DamagedFactsAreSkippedAndReplaced) {
  for (const std::string text : {"", "{\"contexts\": 5}", "{\"models\": [{\"model\": 1}]}", "\xff"}) {
    put(folder() + "/app.json", text);
    ProfileStore store(options());
    EXPECT_FALSE(store.model_facts("m"));
    store.record_model("m", 1_GiB, std::chrono::milliseconds(7));
    ASSERT_TRUE(store.flush(kPatience));
    EXPECT_EQ(ProfileStore(options()).model_facts("m")->bytes, 1_GiB);
  }
}

TEST_F(Faults, ARootThatCannotBeADirectoryGivesOneWarningAndMemoryGoesOn) {
  put(root_ + "/file", "x");
  ProfileOptions chosen = options();
  chosen.root = root_ + "/file/profiles";
  ProfileStore store(std::move(chosen));
  for (int i = 0; i < 3; ++i) {
    const auto key = key_of("{\"n\":" + std::to_string(i) + "}");
    EXPECT_FALSE(store.lookup(key));
    store.record(key, run_of(2 * kGiB));
    EXPECT_FALSE(store.flush(kPatience));
    EXPECT_EQ(store.lookup(key)->cold, 2_GiB);
  }
  EXPECT_EQ(log_->warnings().size(), 1U);
  EXPECT_NE(log_->warnings()[0].find(root_ + "/file"), std::string::npos);
}

TEST_F(Faults, AReadOnlyHomeGivesOneWarningAndMemoryGoesOn) {
  // In a child without privileges: the superuser may write everywhere.
  std::filesystem::create_directories(folder());
  std::filesystem::permissions(root_, std::filesystem::perms(0755));
  std::filesystem::permissions(folder(), std::filesystem::perms(0555));
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(9);
    const auto key = key_of("{}");
    bool good = false;
    {
      ProfileStore store(options());
      store.record(key, run_of(2 * kGiB));
      const auto status = store.flush(kPatience);
      good = !status && status.error().code == base::ErrorCode::PermissionDenied && store.lookup(key)->cold == 2_GiB;
    }
    ::_exit(good && log_->warnings().size() == 1 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  std::filesystem::permissions(folder(), std::filesystem::perms(0755));
}

TEST_F(Faults, AFullDiskLeavesTheOldFileAndNoTemporary) {
  const auto key = key_of("{}");
  {
    ProfileStore store(options());
    store.record(key, run_of(kGiB));
    ASSERT_TRUE(store.flush(kPatience));
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{64, 64};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ProfileStore store(options());
    store.record(key, run_of(2 * kGiB));
    const bool failed = !store.flush(kPatience);
    ::_exit(failed && store.lookup(key)->cold == 2_GiB ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(profile::parse_document(get(path_of(key)))->counters.runs, 1U);
  EXPECT_EQ(base::list_directory(folder())->size(), 2U);  // the profile and the lock
}

TEST_F(Faults, AWriteThatFailsForAnyNLosesNoSampleWhenALaterOneSucceeds) {
  for (int failing = 1; failing <= 4; ++failing) {
    const auto key = key_of("{\"round\":" + std::to_string(failing) + "}");
    std::atomic<int> writes{0};
    ProfileOptions chosen = options();
    chosen.write_file = [&](const std::string& path, std::string_view data) -> base::Status {
      if (++writes == failing) return base::Error{base::ErrorCode::Io, "'" + path + "': no space left", ENOSPC};
      return base::write_file_atomically(path, data);
    };
    ProfileStore store(std::move(chosen));
    int failed = 0;
    for (int i = 0; i < 5; ++i) {
      store.record(key, run_of(kGiB));
      if (!store.flush(kPatience)) ++failed;
    }
    // The write that failed may have been the one that the record itself had started; then the flush's own try succeeded.
    EXPECT_LE(failed, 1) << failing;
    EXPECT_GE(writes.load(), failing);
    const auto document = profile::parse_document(get(path_of(key))).value();
    EXPECT_EQ(document.cold.size(), 5U) << failing;
    EXPECT_EQ(document.counters.runs, 5U) << failing;
  }
}

TEST_F(Faults, AFolderHeldByAStoppedProcessEndsAtTheDeadlineAndIsWrittenLater) {
  const auto key = key_of("{}");
  std::filesystem::create_directories(folder());
  ProfileOptions chosen = options();
  chosen.lock_deadline = std::chrono::milliseconds(20);
  ProfileStore store(std::move(chosen));
  {
    const auto held = profile::FolderLock::acquire(folder(), kPatience);
    ASSERT_TRUE(held);
    store.record(key, run_of(kGiB));
    const auto status = store.flush(kPatience);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, base::ErrorCode::Timeout);
    EXPECT_EQ(store.lookup(key)->cold, 1_GiB);
  }
  EXPECT_TRUE(store.flush(kPatience));
  EXPECT_EQ(profile::parse_document(get(path_of(key)))->cold.size(), 1U);
}

TEST_F(Faults, AWriteThatHangsHoldsUpNeitherLookupsNorTheDestructor) {
  const auto key = key_of("{}");
  auto release = std::make_shared<std::promise<void>>();
  auto ended = std::make_shared<std::promise<void>>();
  auto wait_ended = ended->get_future();
  {
    ProfileOptions chosen = options();
    chosen.flush_deadline = std::chrono::milliseconds(10);
    chosen.write_file = [gate = release->get_future().share(), ended](const std::string&, std::string_view) -> base::Status {
      gate.wait();
      ended->set_value();
      return {};
    };
    ProfileStore store(std::move(chosen));
    store.record(key, run_of(kGiB));
    EXPECT_FALSE(store.flush(std::chrono::milliseconds(10)));
    EXPECT_EQ(store.lookup(key)->cold, 1_GiB);
    store.record(key, run_of(2 * kGiB));
    EXPECT_EQ(store.lookup(key)->cold, 2_GiB);
  }
  release->set_value();
  EXPECT_EQ(wait_ended.wait_for(kPatience), std::future_status::ready);
}

}  // namespace
}  // namespace vram
