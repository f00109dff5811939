// describe, summarize and source against what the Python command prints (tests/data/README.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/fd.hpp"
#include "base/files.hpp"
#include "describe.hpp"
#include "mmif/json.hpp"
#include "source.hpp"
#include "summarize.hpp"

namespace clams::tool {
namespace {

const std::string kData = CLAMS_TOOL_DATA;
const std::string kShared = CLAMS_SHARED_DATA;

std::string read(const std::string& path) { return base::read_file(path).value(); }

struct Sample {
  std::string name;
  std::string path;
};

std::vector<Sample> samples_with(const std::string& command) {
  std::vector<Sample> samples;
  for (const std::string& name : base::list_directory(kData + "/expected").value()) {
    const std::string ending = "." + command + ".json";
    if (!name.ends_with(ending)) continue;
    const std::string sample = name.substr(0, name.size() - ending.size());
    const bool ours = base::open_file(kData + "/" + sample + ".mmif", 0).has_value();
    samples.push_back({sample, (ours ? kData : kShared) + "/" + sample + ".mmif"});
  }
  return samples;
}

TEST(Describe, prints_what_the_python_command_prints) {
  const auto samples = samples_with("describe");
  ASSERT_GE(samples.size(), 16U);
  for (const Sample& sample : samples) {
    const auto document = mmif::Mmif::parse(read(sample.path));
    ASSERT_TRUE(document) << sample.name;
    const auto description = describe(**document);
    ASSERT_TRUE(description) << sample.name;
    EXPECT_EQ(mmif::to_mmif_text(description->to_object(), true) + "\n",
              read(kData + "/expected/" + sample.name + ".describe.json"))
        << sample.name;
  }
}

TEST(Summarize, prints_what_the_python_command_prints) {
  const auto samples = samples_with("summarize");
  ASSERT_GE(samples.size(), 15U);
  for (const Sample& sample : samples) {
    const std::string text = read(sample.path);
    const auto document = mmif::Mmif::parse(text);
    ASSERT_TRUE(document) << sample.name;
    const auto summary = summarize(**document, text.size());
    ASSERT_TRUE(summary) << sample.name;
    EXPECT_EQ(mmif::to_mmif_text(summary->data, true), read(kData + "/expected/" + sample.name + ".summarize.json")) << sample.name;
  }
}

TEST(Source, prints_what_the_python_command_prints) {
  const auto cases = mmif::parse_json(read(kData + "/expected/source.json")).value();
  ASSERT_GE(cases.array()->size(), 25U);
  for (const mmif::Value& one : *cases.array()) {
    SourceOptions options;
    const mmif::Array& arguments = *one.object()->find("arguments")->array();
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::string word(arguments[i].as_string());
      const bool last = i + 1 == arguments.size();
      if (word == "-p" || word == "-s" || word == "--scheme") {
        if (!last) (word == "-p" ? options.prefix : options.scheme) = std::string(arguments[++i].as_string());
      } else if (word.starts_with("--prefix=")) {
        options.prefix = word.substr(9);
      } else if (word == "-o") {
        ++i;
      } else {
        options.documents.push_back(word);
      }
    }
    const auto made = source_mmif(options);
    const std::string what = mmif::to_plain_text(arguments);
    if (const mmif::Value* message = one.object()->find("message")) {
      ASSERT_FALSE(made) << what;
      EXPECT_EQ(made.error().message, message->as_string()) << what;
    } else {
      ASSERT_TRUE(made) << what;
      EXPECT_EQ((*made)->write(true).to_string(), one.object()->find("output")->as_string()) << what;
    }
  }
}

TEST(Source, keeps_a_path_with_a_hash_and_a_uri_in_capitals) {
  const auto location = [](const std::string& argument) {
    return std::string(
        source_mmif({.documents = {argument}, .prefix = {}, .scheme = {}, .output = {}}).value()->documents().front()->location());
  };
  EXPECT_EQ(location("video:/a/x#1?.mp4"), "file:///a/x#1?.mp4");  // Python's command cuts it off: another file
  EXPECT_EQ(location("video:HTTP://h/a"), "http://h/a");           // Python's: http://HTTP://h/a
  EXPECT_EQ(location("video:file:///a/x#1"), "file:///a/x");
}

std::unique_ptr<mmif::Mmif> with_views(const std::string& views, const std::string& documents = "") {
  return mmif::Mmif::parse(R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [)" + documents +
                           R"(], "views": [)" + views + "]}")
      .value();
}

TEST(Describe, names_the_view_whose_running_time_cannot_be_read) {
  const auto document = with_views(
      R"({"id": "v_9", "metadata": {"app": "http://a/b/c", "timestamp": "1", "contains": {}, "appProfiling": {"runningTime": "soon"}}, "annotations": []})");
  const auto description = describe(*document);
  ASSERT_FALSE(description);
  EXPECT_THAT(description.error().message, testing::HasSubstr("view v_9 has the running time 'soon'"));
}

TEST(Describe, lists_an_error_view_that_follows_results_of_its_run) {
  const std::string good =
      R"({"id": "v_0", "metadata": {"app": "http://a/b/c", "timestamp": "1", "contains": {}}, "annotations": []})";
  const std::string bad =
      R"({"id": "v_1", "metadata": {"app": "http://a/b/c", "timestamp": "1", "error": {"message": "no"}}, "annotations": []})";
  const auto after = describe(*with_views(good + "," + bad)).value();
  EXPECT_EQ(after.error_views, std::vector<std::string>{"v_1"});
  EXPECT_EQ(after.runs.size(), 1U);
  EXPECT_EQ(after.runs.front().view_ids, std::vector<std::string>{"v_0"});
  const auto before = describe(*with_views(bad + "," + good)).value();
  EXPECT_TRUE(before.runs.empty());
  EXPECT_EQ(before.unassigned_views, std::vector<std::string>{"v_0"});
}

TEST(Summarize, refuses_two_videos) {
  const std::string video = R"({"@type": "http://clams.ai/vocabulary/type/VideoDocument/v)";
  const auto document = with_views("", video + R"(2", "properties": {"id": "d1", "location": "file:///a"}},)" + video +
                                           R"(1", "properties": {"id": "d2", "location": "file:///b"}})");
  const auto summary = summarize(*document, 1);
  ASSERT_FALSE(summary);
  EXPECT_THAT(summary.error().message, testing::StartsWith("More than one video document in MMIF file"));
  EXPECT_EQ(base::traits_of(summary.error().code).exit_status, 65);
}

// Each of these ends the Python command.
TEST(Summarize, survives_annotations_that_lack_what_they_should_have) {
  const std::string whisper =
      R"({"id": "v_0", "metadata": {"app": "http://apps.clams.ai/whisper-wrapper/v8", "timestamp": "1", "contains": {}}, "annotations": [)";
  const std::string type = R"({"@type": "http://clams.ai/vocabulary/type/)";
  for (
      const std::string& annotations : {
          type + R"(Token/v1", "properties": {"id": "v_0:to_1"}})",
          type + R"(Sentence/v1", "properties": {"id": "v_0:s_1"}},)" + type +
              R"(Token/v1", "properties": {"id": "v_0:to_1", "start": 5, "end": 2, "text": "x"}})",
          type + R"(Token/v1", "properties": {"id": "v_0:to_1", "start": -9, "end": 1e300, "text": "x"}})",
          type + R"(NamedEntity/v1", "properties": {"id": "v_0:ne_1"}})",
          type + R"(TimeFrame/v6", "properties": {"id": "v_0:tf_1", "label": "x"}})",
          type +
              R"(TimeFrame/v6", "properties": {"id": "v_0:tf_1", "label": {"a": 1}, "start": NaN, "end": "b", "representatives": ["none", 1]}})",
          type + R"(TimeFrame/v6", "properties": {"id": "v_0:tf_1", "label": 3, "start": 1, "end": 1e999, "classification": [1]}})",
          type + R"(Alignment/v1", "properties": {"id": "v_0:al_1", "source": "v_0:none", "target": "v_0:none"}})",
          type + R"(Span/v5", "properties": {"id": "v_0:sp_1", "targets": []}})",
          type + R"(Annotation/v6", "properties": {"id": "v_0:an_1", "duration": "long", "fps": null}})",
      }) {
    const auto summary = summarize(*with_views(whisper + annotations + "]}"), 1);
    ASSERT_TRUE(summary) << annotations;
    EXPECT_EQ(summary->data.size(), 10U) << annotations;
    EXPECT_TRUE(mmif::parse_json(mmif::to_mmif_text(summary->data))) << annotations;
  }
}

}  // namespace
}  // namespace clams::tool
