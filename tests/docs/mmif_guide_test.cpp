// The pieces of docs/guides/mmif.md, run in the order of the guide.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "mmif_guide.hpp"

namespace {

constexpr const char* kDocument = R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [
 {"@type": "http://clams.ai/vocabulary/type/VideoDocument/v1", "properties": {"mime": "video/mp4", "id": "d1", "location": "file:///nowhere/a%20b.mp4", "fps": 25}},
 {"@type": "http://clams.ai/vocabulary/type/TextDocument/v1", "properties": {"mime": "text/plain", "id": "d2", "text": {"@value": "one two three", "@language": "en"}}}],
 "views": [{"id": "v_0", "metadata": {"app": "http://apps.clams.ai/other/1", "contains": {"http://clams.ai/vocabulary/type/TimeFrame/v2": {"document": "d1", "timeUnit": "frames"}}},
 "annotations": [{"@type": "http://clams.ai/vocabulary/type/TimeFrame/v2", "properties": {"id": "tf_1", "frameType": "bars", "start": 25, "end": 50, "confidence": 0.5}},
  {"@type": "http://clams.ai/vocabulary/type/Span/v1", "properties": {"id": "s_1", "document": "d2", "start": 4, "end": 7}},
  {"@type": "http://clams.ai/vocabulary/type/TimeFrame/v2", "properties": {"id": "tf_2", "targets": ["tf_1"]}}]}]})";

class MmifGuide : public ::testing::Test {
 protected:
  void SetUp() override {
    auto parsed = mmif::Mmif::parse(kDocument);
    ASSERT_TRUE(parsed) << parsed.error().message;
    mmif_ = std::move(*parsed);
    buffer_ = std::cout.rdbuf(printed_.rdbuf());
  }
  void TearDown() override { std::cout.rdbuf(buffer_); }
  std::string printed() const { return printed_.str(); }

  std::unique_ptr<mmif::Mmif> mmif_;

 private:
  std::ostringstream printed_;
  std::streambuf* buffer_ = nullptr;
};

TEST_F(MmifGuide, ReadsAFileOrSaysWhatIsWrong) {
  std::string name = (std::filesystem::temp_directory_path() / "mmif-guide.XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  const std::string path = name + "/in.mmif";
  std::ofstream(path) << kDocument;
  EXPECT_TRUE(read_document(path));
  std::ofstream(path) << "{}";
  const auto bad = read_document(path);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, base::ErrorCode::InvalidDocument);
  std::filesystem::remove_all(name);
}

TEST_F(MmifGuide, ListsDocuments) {
  list_documents(*mmif_);
  EXPECT_EQ(printed(),
            "d1: VideoDocument, video/mp4\nd2: TextDocument, text/plain\nfile /nowhere/a b.mp4\ntext in en: one two three\n");
}

TEST_F(MmifGuide, ListsViewsAndFindsTypesOfAnyVersion) {
  list_views(*mmif_);
  EXPECT_EQ(printed(), "v_0 by http://apps.clams.ai/other/1, 3 annotations\n");
  EXPECT_EQ(labels_of_frames(*mmif_), (std::vector<std::string>{"bars", "unlabelled"}));
}

TEST_F(MmifGuide, LooksAtProperties) {
  look_at(*mmif_->find("v_0:tf_1"));
  look_at(*mmif_->find("v_0:tf_2"));
  EXPECT_EQ(printed(), "v_0:tf_1 bars from 25 at 0.5\nv_0:tf_2 none over 1 targets\n");
}

TEST_F(MmifGuide, TellsTimeThroughTargetsAndTextOfASpan) {
  tell_time(*mmif_, *mmif_->find("v_0:tf_2"));
  EXPECT_EQ(printed(), "v_0:tf_2: 1000 to 2000 ms\nin d1\n");
  EXPECT_EQ(words_of(*mmif_, *mmif_->find("v_0:s_1")), "two");
}

TEST_F(MmifGuide, BuildsAndWrites) {
  const auto made = make_document();
  // As an app sees it: a document that came in.
  auto read = mmif::Mmif::parse(made->write().to_string());
  ASSERT_TRUE(read) << read.error().message;
  add_results(**read);
  const auto text = finished_text(**read, false);
  ASSERT_TRUE(text) << text.error().message;
  auto again = mmif::Mmif::parse(*text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ((*again)->find("v_0:tf_1")->number("confidence"), 0.75);
  EXPECT_EQ((*again)->document("v_0:td_1")->text().value(), "BOSTON 1974");
  EXPECT_NE((*again)->find("v_0:title"), nullptr);
  EXPECT_EQ((*again)->document("d1")->number("fps"), 29.97);
  EXPECT_EQ((*again)->aligned_with(*(*again)->find("v_0:tf_1")).size(), 1U);
}

TEST_F(MmifGuide, TakesEnvelopes) {
  EXPECT_EQ(parameters_in(std::string(R"({"parameters": {"a": 1, "b": [2]}, "mmif": )") + kDocument + "}").value(), 2U);
  EXPECT_EQ(parameters_in(kDocument).value(), 0U);
}

}  // namespace
