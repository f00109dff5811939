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

// What Python prints, with the keys that this program fills where Python does not know the app (tests/data/README.md).
std::string expected_summary(const std::string& sample) {
  const std::string recorded = read(kData + "/expected/" + sample + ".summarize.json");
  const auto by_types = mmif::parse_json(read(kData + "/expected/by_types.json")).value();
  const mmif::Value* ours = by_types.object()->find(sample);
  if (ours == nullptr) return recorded;
  mmif::Value whole = mmif::parse_json(recorded).value();
  for (const auto& [key, value] : *ours->object()) {
    EXPECT_TRUE(whole.object()->find(key)->array()->empty()) << sample << ": Python knows the " << key;
    whole.object()->set(key, value);
  }
  return mmif::to_mmif_text(whole, true);
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
    EXPECT_EQ(mmif::to_mmif_text(summary->data, true), expected_summary(sample.name)) << sample.name;
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

// --- what no list of apps knows

constexpr const char* kSound =
    R"({"@type": "http://mmif.clams.ai/vocabulary/AudioDocument/v1", "properties": {"id": "d1", "location": "file:///a.wav"}})";
constexpr const char* kVideo =
    R"({"@type": "http://mmif.clams.ai/vocabulary/VideoDocument/v1", "properties": {"id": "d1", "location": "file:///a.mp4"}})";

std::string annotation(const std::string& type, const std::string& properties) {
  std::string uri = "http://mmif.clams.ai/vocabulary/" + type + "/v1";
  if (type == "Token" || type == "Sentence") uri = "http://vocab.lappsgrid.org/" + type;
  if (type == "Annotation") uri = mmif::types::Annotation;
  return R"({"@type": ")" + uri + R"(", "properties": {)" + properties + "}}";
}

std::string aligned(const std::string& id, const std::string& source, const std::string& target) {
  return annotation("Alignment", R"("id": ")" + id + R"(", "source": ")" + source + R"(", "target": ")" + target + '"');
}

// `outcome`: "contains", "warnings" or "error" of the view's metadata, of which a view has exactly one.
std::string view(const std::string& id, const std::string& app, const std::vector<std::string>& annotations,
                 const std::string& outcome = R"("contains": {})") {
  std::string list;
  for (const std::string& one : annotations) list += (list.empty() ? "" : ",") + one;
  return R"({"id": ")" + id + R"(", "metadata": {"app": ")" + app + R"(", "timestamp": "1", )" + outcome +
         R"(}, "annotations": [)" + list + "]}";
}

std::string part_of_summary(const std::string& key, const std::string& views, const std::string& documents) {
  const auto summary = summarize(*with_views(views, documents), 1);
  return summary ? mmif::to_mmif_text(*summary->data.find(key)) : summary.error().message;
}

const std::string kText = annotation("TextDocument", R"("id": "v_0:td_1", "text": {"@value": "good day. bye now"})");
std::string token(const std::string& n, const std::string& word, const std::string& offsets, const char* name = "text") {
  return annotation("Token", R"("id": "v_0:to_)" + n + R"(", "document": "v_0:td_1", ")" + name + R"(": ")" + word + '"' + offsets);
}
std::string frame(const std::string& n, const std::string& start, const std::string& end) {
  return annotation("TimeFrame", R"("id": "v_0:tf_)" + n + R"(", "label": "speech", "start": )" + start + R"(, "end": )" + end);
}
std::string sentence(const std::string& n, const std::string& properties) {
  return annotation("Sentence", R"("id": "v_0:s_)" + n + "\", " + properties);
}

// Alignments in both directions, "word" and "text", types of two vocabularies: any recogniser of any version.
TEST(Summarize, shows_the_transcript_of_a_recogniser_that_nobody_listed) {
  for (const bool from_frame : {true, false}) {
    for (const char* name : {"text", "word"}) {
      std::vector<std::string> all{kText, aligned("v_0:al_0", "d1", "v_0:td_1")};
      const std::vector<std::pair<std::string, std::string>> words{{"good", "0,4"}, {"day", "5,8"}, {".", "8,9"}, {"bye", "10,13"}};
      for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string n = std::to_string(i + 1), &offsets = words[i].second;
        const std::size_t comma = offsets.find(',');
        all.push_back(token(n, words[i].first,
                            R"(, "start": )" + offsets.substr(0, comma) + R"(, "end": )" + offsets.substr(comma + 1), name));
        all.push_back(frame(n, std::to_string(i * 100), std::to_string(i * 100 + 90)));
        const std::string of_frame = "v_0:tf_" + n, of_token = "v_0:to_" + n;
        all.push_back(from_frame ? aligned("v_0:al_" + n, of_frame, of_token) : aligned("v_0:al_" + n, of_token, of_frame));
      }
      all.push_back(sentence("1", R"("targets": ["v_0:to_1", "v_0:to_2", "v_0:to_3"], "text": "good day.")"));
      EXPECT_EQ(part_of_summary("transcript", view("v_0", "http://example.org/anything/v99", all), kSound),
                R"([{"start-time": 0, "end-time": 290, "text": "good day.", "id": "v_0:s_1"}, )"
                R"({"start-time": 300, "end-time": 390, "text": "bye"}])")
          << from_frame << name;
    }
  }
}

TEST(Summarize, shows_sentences_with_times_and_no_tokens) {
  const std::string said = R"("text": "good day.")";
  for (const bool from_frame : {true, false}) {
    const std::string edge = from_frame ? aligned("v_0:al_1", "v_0:tf_1", "v_0:s_1") : aligned("v_0:al_1", "v_0:s_1", "v_0:tf_1");
    EXPECT_EQ(part_of_summary("transcript",
                              view("v_0", "http://a/b/v1", {kText, sentence("1", said), frame("1", "1.5", "2"), edge},
                                   R"("contains": {"http://mmif.clams.ai/vocabulary/TimeFrame/v1": {"timeUnit": "seconds"}})"),
                              kSound),
              R"([{"start-time": 1500, "end-time": 2000, "text": "good day.", "id": "v_0:s_1"}])");
  }
}

TEST(Summarize, shows_a_text_of_a_whole_sound_without_times) {
  EXPECT_EQ(part_of_summary("transcript", view("v_0", "http://a/b/v1", {kText, aligned("v_0:al_1", "d1", "v_0:td_1")}), kSound),
            R"([{"start-time": null, "end-time": null, "text": "good day. bye now", "id": "v_0:td_1"}])");
}

TEST(Summarize, takes_no_tokens_without_times_for_speech) {
  EXPECT_EQ(
      part_of_summary(
          "transcript",
          view("v_0", "http://a/spacy/v1", {kText, token("1", "good", ""), sentence("1", R"("targets": ["v_0:to_1"])")}), kSound),
      "[]");
}

TEST(Summarize, passes_over_views_with_warnings_or_an_error) {
  const auto transcript = [](const std::string& id, const std::string& outcome) {
    const std::string text = annotation("TextDocument", R"("id": ")" + id + R"(:td_1", "text": {"@value": ")" + id + "\"}");
    return view(id, "http://a/b/v1", {text, aligned(id + ":al_1", "d1", id + ":td_1")}, outcome);
  };
  const std::string good = transcript("v_0", R"("contains": {})");
  for (const char* outcome : {R"("warnings": ["half"])", R"("error": {"message": "no"})"}) {
    EXPECT_THAT(part_of_summary("transcript", good + "," + transcript("v_1", outcome), kSound), testing::HasSubstr("v_0:td_1"))
        << outcome;
  }
}

TEST(Summarize, shows_texts_at_times_of_a_captioner_that_nobody_listed) {
  const std::string points =
      view("v_9", "http://a/swt/v1",
           {annotation("TimePoint", R"("id": "v_9:tp_1", "timePoint": 1500)"),
            annotation("TimeFrame", R"("id": "v_9:tf_1", "start": 1000, "end": 3001)"),
            annotation("TimeFrame", R"("id": "v_9:tf_2", "start": 0, "end": 9, "representatives": ["v_9:tp_1"])")});
  for (const auto& [place, time] :
       std::vector<std::pair<std::string, std::string>>{{"v_9:tp_1", "1500"}, {"v_9:tf_1", "2000"}, {"v_9:tf_2", "1500"}}) {
    for (const bool from_place : {true, false}) {
      const std::string edge = from_place ? aligned("v_0:al_1", place, "v_0:td_1") : aligned("v_0:al_1", "v_0:td_1", place);
      const std::string views = points + "," + view("v_0", "http://apps.clams.ai/smolvlm2-captioner/v1.1", {kText, edge});
      EXPECT_EQ(part_of_summary("captions", views, kVideo),
                R"([{"identifier": "v_0:td_1", "time-point": )" + time + R"(, "text": "good day. bye now"}])")
          << place;
      EXPECT_EQ(part_of_summary("transcript", views, kVideo), "[]");
    }
  }
}

TEST(Summarize, shows_recognised_text_where_no_captioner_ran) {
  const std::string point = annotation("TimePoint", R"("id": "v_0:tp_1", "timePoint": 40)");
  const std::string recognised =
      view("v_0", "http://a/ocr/v1",
           {point, kText, annotation("BoundingBox", R"("id": "v_0:bb_1")"), aligned("v_0:al_1", "v_0:tp_1", "v_0:td_1")});
  EXPECT_THAT(part_of_summary("captions", recognised, kVideo), testing::HasSubstr(R"("time-point": 40)"));
  const std::string caption = view("v_1", "http://a/captioner/v1",
                                   {annotation("TextDocument", R"("id": "v_1:td_1", "text": {"@value": "a slate"})"),
                                    aligned("v_1:al_1", "v_0:tp_1", "v_1:td_1")});
  for (const std::string& views : {recognised + "," + caption, caption + "," + recognised})
    EXPECT_EQ(part_of_summary("captions", views, kVideo), R"([{"identifier": "v_1:td_1", "time-point": 40, "text": "a slate"}])");
}

TEST(Summarize, finds_the_facts_of_the_media_behind_other_annotations) {
  const std::string views =
      view("v_0", "http://a/langid/v1", {annotation("Annotation", R"("id": "v_0:an_1", "lang": "en")")}) + "," +
      view("v_1", "http://a/ocr/v1", {annotation("Annotation", R"("id": "v_1:an_1", "fps": 25, "duration": 61000)")});
  EXPECT_THAT(part_of_summary("document", views, kVideo),
              testing::HasSubstr(R"("fps": 25, "duration_ms": 61000, "duration_ts": "0:01:01")"));
}

}  // namespace
}  // namespace clams::tool
