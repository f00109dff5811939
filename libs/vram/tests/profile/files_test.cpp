#include "vram/profile_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "support.hpp"

namespace vram {
namespace {

using test::key_of;
using test::kGiB;
using test::kPatience;
using test::run_of;
using namespace base::literals;

constexpr std::chrono::hours kDay{24};

class Files : public test::ProfileTest {
 protected:
  void record(const std::string& json, const std::string& app = "http://apps.clams.ai/probe/v1") {
    ProfileStore store(options(app));
    store.record(key_of(json), run_of(6 * kGiB));
    ASSERT_TRUE(store.flush(kPatience));
  }
  // Makes a file as old as that.
  void age(const std::string& path, std::chrono::nanoseconds by) const {
    const auto then = std::chrono::duration_cast<std::chrono::seconds>(base::system_clock().wall() - by);
    const timespec times[2] = {{then.count(), 0}, {then.count(), 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  static std::chrono::nanoseconds now() { return base::system_clock().wall(); }
};

TEST_F(Files, AMissingRootIsAnEmptyListing) {
  const auto listing = list_profiles(root_ + "/none");
  ASSERT_TRUE(listing);
  EXPECT_TRUE(listing->files.empty());
  EXPECT_EQ(prune_profiles(root_ + "/none", {}, now())->files, 0U);
  EXPECT_EQ(clear_profiles(root_ + "/none", true)->files, 0U);
}

TEST_F(Files, ListsEveryKindAndNamesWhatItSkips) {
  record(R"({"model":"large"})");
  record("{}", "other-app");
  put(folder() + "/memory_0123456789abcdef.txt", "1024");
  put(folder() + "/memory_401e75d1b37bd08bb3d93cdfb1993827.json", R"({"peak_bytes": 2048, "parameters": {"a": 1}})");
  put(folder() + "/memory_fedcba9876543210.json", "{\"peak_bytes\": \"x\"");
  put(folder() + "/notes.json", "{}");
  const auto listing = list_profiles(root_);
  ASSERT_TRUE(listing);
  ASSERT_EQ(listing->files.size(), 4U);
  ASSERT_EQ(listing->skipped.size(), 1U);
  EXPECT_NE(listing->skipped[0].find("memory_fedcba9876543210.json"), std::string::npos);
  const auto own = std::find_if(listing->files.begin(), listing->files.end(),
                                [](const ProfileFile& file) { return file.parameters == R"({"model":"large"})"; });
  ASSERT_NE(own, listing->files.end());
  EXPECT_EQ(own->app, "http://apps.clams.ai/probe/v1");
  EXPECT_EQ(own->learned.cold, 6_GiB);
  EXPECT_EQ(own->runs, 1U);
  EXPECT_EQ(own->hash, key_of(R"({"model":"large"})").hash());
  EXPECT_EQ(list_profiles(root_, "other-app")->files.size(), 1U);
  EXPECT_EQ(list_profiles(root_, "http://apps.clams.ai/probe/v1")->files.size(), 3U);
}

TEST_F(Files, ShowsOneFileByTheBeginningOfItsHash) {
  record(R"({"model":"large"})");
  const auto key = key_of(R"({"model":"large"})");
  EXPECT_EQ(show_profile(root_, key.hash().substr(0, 6)).value(), get(path_of(key)));
  EXPECT_EQ(show_profile(root_, "ffffffffffff").error().code, base::ErrorCode::NotFound);
  EXPECT_EQ(show_profile(root_, "").error().code, base::ErrorCode::NotFound);
  put(folder() + "/memory_" + key.hash().substr(0, 6) + "0000000000.txt", "1");
  EXPECT_EQ(show_profile(root_, key.hash().substr(0, 6)).error().code, base::ErrorCode::InvalidArgument);
}

TEST_F(Files, PruneRemovesOldFilesAndTheOldestBeyondTheLimitAndNothingForeign) {
  for (int i = 0; i < 5; ++i) record("{\"n\":" + std::to_string(i) + "}");
  for (int i = 0; i < 5; ++i) age(path_of(key_of("{\"n\":" + std::to_string(i) + "}")), kDay * (10 * (5 - i)));
  const std::string python = folder() + "/memory_401e75d1b37bd08bb3d93cdfb1993827.json";
  const std::string foreign = folder() + "/memory_of_a_summer.json";
  const std::string temporary = folder() + "/.memory_0123456789abcdef.json.0123456789abcdef.tmp";
  const std::string running = folder() + "/.memory_0123456789abcdef.json.fedcba9876543210.tmp";
  for (const std::string& path : {python, foreign, temporary}) {
    put(path, "{}");
    age(path, kDay * 1000);
  }
  put(running, "{}");
  const PruneOptions options{{3, std::chrono::duration_cast<std::chrono::hours>(kDay * 45)}, false, std::chrono::seconds(5)};
  const auto report = prune_profiles(root_, options, now());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->files, 3U);  // n=0 too old, n=1 one too many, the temporary
  EXPECT_FALSE(std::filesystem::exists(path_of(key_of(R"({"n":0})"))));
  EXPECT_FALSE(std::filesystem::exists(path_of(key_of(R"({"n":1})"))));
  EXPECT_TRUE(std::filesystem::exists(path_of(key_of(R"({"n":2})"))));
  EXPECT_FALSE(std::filesystem::exists(temporary));
  EXPECT_TRUE(std::filesystem::exists(running));
  EXPECT_TRUE(std::filesystem::exists(python));
  EXPECT_TRUE(std::filesystem::exists(foreign));
}

TEST_F(Files, AFileFromTheFutureIsNotOld) {
  record("{}");
  age(path_of(key_of("{}")), -kDay * 4000);
  EXPECT_EQ(prune_profiles(root_, {}, now())->files, 0U);
}

TEST_F(Files, AStoreKeepsItsFolderWithinItsLimits) {
  for (int i = 0; i < 5; ++i) record("{\"n\":" + std::to_string(i) + "}");
  {
    ProfileOptions chosen = options();
    chosen.limits.max_files = 2;
    ProfileStore store(std::move(chosen));
    store.record(key_of(R"({"n":9})"), run_of(kGiB));
    ASSERT_TRUE(store.flush(kPatience));
  }
  EXPECT_EQ(list_profiles(root_)->files.size(), 3U);  // two kept at the start, one written since
}

TEST_F(Files, ClearRemovesWhatWasLearnedAndARunningStoreStartsAnew) {
  record("{}", "other-app");
  const auto key = key_of("{}");
  const std::string python = folder() + "/memory_401e75d1b37bd08bb3d93cdfb1993827.json";
  ProfileStore store(options());
  store.record(key, run_of(6 * kGiB));
  store.record_model("m", 1_GiB, std::chrono::milliseconds(1));
  ASSERT_TRUE(store.flush(kPatience));
  put(python, R"({"peak_bytes": 2048, "parameters": {"a": 1}})");
  EXPECT_EQ(clear_profiles(root_, false, "http://apps.clams.ai/probe/v1")->files, 2U);
  EXPECT_TRUE(std::filesystem::exists(python));
  EXPECT_EQ(list_profiles(root_, "other-app")->files.size(), 1U);
  EXPECT_FALSE(store.lookup(key));
  EXPECT_FALSE(store.model_facts("m"));
  store.record(key, run_of(2 * kGiB));
  EXPECT_EQ(store.lookup(key)->cold, 2_GiB);
  EXPECT_EQ(clear_profiles(root_, true)->files >= 2, true);
}

}  // namespace
}  // namespace vram
