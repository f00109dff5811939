// Looking around in documents of others.
#include <gtest/gtest.h>

#include "samples.hpp"

namespace mmif {
namespace {

template <class List>
std::vector<std::string> ids(const List& list) {
  std::vector<std::string> out;
  for (const auto* item : list) out.push_back(item->id());
  return out;
}
using Ids = std::vector<std::string>;

constexpr const char* kVideo =
    R"({"@type": "http://clams.ai/vocabulary/type/VideoDocument/v2", "properties": {"id": "d1", "location": "file:///v.mp4"}})";

TEST(Navigation, DocumentsAreFoundByTypeInAnyVersionAndByIdThoseInViewsIncluded) {
  const auto mmif = parsed_sample("old-1.1-types");
  EXPECT_EQ(ids(mmif->documents(types::VideoDocument)), Ids{"d1"});
  const auto texts = mmif->documents(types::TextDocument);
  ASSERT_FALSE(texts.empty());
  for (const Annotation* text : texts) {
    EXPECT_TRUE(text->is_document());
    EXPECT_EQ(mmif->document(text->id()), text);
    EXPECT_NE(text->view(), nullptr);
  }
  EXPECT_EQ(mmif->document("nothing"), nullptr);
  EXPECT_EQ(mmif->document(mmif->annotations(types::TimePoint).front()->id()), nullptr) << "an annotation is no document";
  EXPECT_EQ(mmif->version_uri(), "http://mmif.clams.ai/1.1.0");
}

TEST(Navigation, ViewsAreFoundByWhatTheyContain) {
  const auto mmif = parsed(mmif_text(
      kVideo, view_text(R"("http://mmif.clams.ai/vocabulary/TimeFrame/v5": {}, "http://clams.ai/vocabulary/type/Token/v1": {})", "",
                        "v_0") +
                  "," + view_text(R"("http://mmif.clams.ai/vocabulary/TimeFrame/v3": {"document": "d1"})", "", "v_1") + "," +
                  view_text(R"("http://x.org/T": {})", "", "v_2")));
  EXPECT_EQ(ids(mmif->views_containing(types::TimeFrame)), (Ids{"v_0", "v_1"}));
  EXPECT_EQ(ids(mmif->views_containing("http://clams.ai/vocabulary/type/TimeFrame/v3")), Ids{"v_1"});
  EXPECT_EQ(ids(mmif->views_containing({types::TimeFrame, types::Token})), Ids{"v_0"});
  EXPECT_EQ(mmif->last_view_containing(types::TimeFrame)->id(), "v_1");
  EXPECT_EQ(mmif->last_view_containing(types::BoundingBox), nullptr);
  EXPECT_EQ(ids(mmif->views_containing("http://x.org/T")), Ids{"v_2"});
  EXPECT_EQ(mmif->view("v_1")->contains(types::TimeFrame)->find("document")->as_string(), "d1");
  EXPECT_EQ(mmif->view("v_3"), nullptr);
}

TEST(Navigation, ViewsAboutADocumentNameItInContainsMetadataOrAnnotations) {
  const auto mmif = parsed(mmif_text(
      kVideo, view_text(R"("http://x.org/T": {"document": "d1"})", "", "v_0") + "," +
                  view_text("", annotation_text("TimeFrame/v6", R"("id": "a", "document": "d1")"), "v_1") + "," +
                  R"({"id": "v_2", "metadata": {"app": "http://a.b/c", "document": "d1", "contains": {}}, "annotations": []},)" +
                  view_text("", annotation_text("TimeFrame/v6", R"("id": "a", "document": "v_1:td")"), "v_3") + "," +
                  view_text("", "", "v_4")));
  EXPECT_EQ(ids(mmif->views_for("d1")), (Ids{"v_0", "v_1", "v_2"}));
  EXPECT_EQ(ids(mmif->views_for("v_1:td")), Ids{"v_3"});
}

TEST(Navigation, AnnotationsAreFoundByLongAndShortId) {
  const auto mmif = parsed(mmif_text(kVideo, view_text("", annotation_text("TimeFrame/v6", R"("id": "tf_1")") + "," +
                                                               annotation_text("TimeFrame/v6", R"("id": "v_0:tf_2")") + "," +
                                                               annotation_text("TimeFrame/v6", R"("id": "other:tf_3")"))));
  const View& view = *mmif->view("v_0");
  EXPECT_EQ(ids(view.annotations(types::TimeFrame)), (Ids{"v_0:tf_1", "v_0:tf_2", "other:tf_3"}));
  for (const char* id : {"v_0:tf_1", "v_0:tf_2", "other:tf_3"}) {
    EXPECT_EQ(mmif->find(id)->id(), id);
    EXPECT_EQ(view.find(id)->id(), id);
  }
  EXPECT_EQ(view.find("tf_1")->id(), "v_0:tf_1");
  EXPECT_EQ(view.find("tf_9"), nullptr);
  EXPECT_EQ(mmif->find("tf_1"), nullptr) << "a short id says nothing without its view";
  EXPECT_EQ(mmif->find("d1"), mmif->documents().front().get());
  for (const char* id : {"", ":", "v_0:", ":tf_1", "v_9:tf_1"}) EXPECT_EQ(mmif->find(id), nullptr) << id;
}

TEST(Navigation, ReferencesOfOldFilesReadAsLongIds) {
  const auto mmif = parsed(mmif_text(
      kVideo,
      view_text(
          R"("http://x.org/T": {"document": "td1"})",
          annotation_text("TextDocument/v1", R"("id": "td1", "text": {"@value": "t"})") + "," +
              annotation_text("Alignment/v1", R"("id": "a1", "source": "td1", "target": "d1", "other": "td1")") + "," +
              annotation_text("Sentence/v1",
                              R"("id": "s1", "targets": ["t1", "v_7:x", 5], "representatives": ["t1"], "document": "td1")"))));
  const Annotation& alignment = *mmif->find("v_0:a1");
  EXPECT_EQ(alignment.string("source"), "v_0:td1");
  EXPECT_EQ(alignment.string("target"), "d1") << "a document at the top level keeps its id";
  EXPECT_EQ(alignment.string("other"), "td1");
  EXPECT_EQ(to_mmif_text(*mmif->find("v_0:s1")->find("targets")), R"(["v_0:t1", "v_7:x", 5])");
  EXPECT_EQ(to_mmif_text(*mmif->find("v_0:s1")->find("representatives")), R"(["v_0:t1"])");
  EXPECT_EQ(mmif->view("v_0")->contains("http://x.org/T")->find("document")->as_string(), "v_0:td1");
}

TEST(Navigation, OldSpellingsReadAsTodaysAndTodaysCountsWhereBothStand) {
  const auto mmif = parsed(mmif_text(
      "",
      view_text(
          R"("http://clams.ai/vocabulary/type/TimeFrame/v3": {"frameType": "bars", "x": 1}, "http://clams.ai/vocabulary/type/BoundingBox/v5": {"label": "new", "boxType": "old"})",
          annotation_text("TimeFrame/v3", R"("id": "a", "frameType": "slate")") + "," +
              annotation_text("TimeFrame/v3", R"("id": "b")") + "," +
              annotation_text("TimeFrame/v3", R"("id": "c", "label": "new", "frameType": "old")") + "," +
              annotation_text("TimeFrame/v3", R"("id": "d", "frameType": "old", "label": "new")") + "," +
              annotation_text("Token/v1", R"("id": "t", "word": "w", "classifications": {"x": 1})") + "," +
              annotation_text("Alignment/v1", R"("id": "al", "word": "w", "classifications": 1)") + "," +
              annotation_text("BoundingBox/v5", R"("id": "bb")"))));
  EXPECT_EQ(mmif->find("v_0:a")->string("label"), "slate");
  EXPECT_EQ(mmif->find("v_0:a")->find("frameType"), nullptr);
  EXPECT_EQ(mmif->find("v_0:b")->string("label"), "bars") << "the default of contains";
  EXPECT_EQ(mmif->find("v_0:c")->string("label"), "new");
  EXPECT_EQ(mmif->find("v_0:d")->string("label"), "new");
  EXPECT_EQ(mmif->find("v_0:t")->string("text"), "w");
  EXPECT_NE(mmif->find("v_0:t")->find("classification"), nullptr);
  EXPECT_EQ(mmif->find("v_0:al")->string("word"), "w");
  EXPECT_NE(mmif->find("v_0:al")->find("classifications"), nullptr);
  EXPECT_EQ(mmif->find("v_0:bb")->string("label"), "new");
}

TEST(Navigation, PropertiesHaveTheirTypesAndDefaultsComeFromContains) {
  const auto mmif = parsed(mmif_text(
      "", view_text(R"("http://clams.ai/vocabulary/type/TimeFrame/v6": {"timeUnit": "seconds", "start": 9})",
                    annotation_text("TimeFrame/v5",
                                    R"("id": "a", "start": 1, "end": 2.5, "big": 18446744073709551616, "s": "5", "n": null)"))));
  const Annotation& frame = *mmif->find("v_0:a");
  EXPECT_EQ(frame.integer("start"), 1) << "its own counts more than the default";
  EXPECT_EQ(frame.number("start"), 1.0);
  EXPECT_EQ(frame.integer("end"), std::nullopt);
  EXPECT_EQ(frame.number("end"), 2.5);
  EXPECT_EQ(frame.integer("big"), std::nullopt);
  EXPECT_EQ(frame.number("big"), 18446744073709551616.0);
  EXPECT_EQ(frame.integer("s"), std::nullopt);
  EXPECT_EQ(frame.string("s"), "5");
  EXPECT_EQ(frame.string("timeUnit"), "seconds");
  EXPECT_EQ(frame.string("absent", "otherwise"), "otherwise");
  EXPECT_EQ(frame.string("start", "otherwise"), "otherwise");
  EXPECT_TRUE(frame.find("n")->is_null());
  EXPECT_EQ(frame.find("id"), nullptr) << "the id is no property";
}

TEST(Navigation, WhatAnnotationsSayAboutADocumentIsReadFromTheDocumentTheLastCounts) {
  const auto mmif =
      parsed(mmif_text(kVideo, view_text(R"("http://clams.ai/vocabulary/type/Annotation/v6": {"document": "d1"})",
                                         annotation_text("Annotation/v6", R"("id": "a", "fps": 25, "location": "x")"), "v_0") +
                                   "," +
                                   view_text(R"("http://clams.ai/vocabulary/type/Annotation/v6": {})",
                                             annotation_text("Annotation/v6", R"("id": "a", "document": "d1", "fps": 29.97)") +
                                                 "," + annotation_text("Annotation/v6", R"("id": "b", "fps": 1)"),
                                             "v_1")));
  EXPECT_EQ(mmif->document("d1")->number("fps"), 29.97);
  EXPECT_EQ(mmif->document("d1")->location(), "file:///v.mp4");
  EXPECT_EQ(mmif->document("d1")->find("duration"), nullptr);
}

TEST(Navigation, AlignmentsLeadBothWaysInTheOrderOfTheViews) {
  const auto align = [](const char* id, const char* source, const char* target) {
    return annotation_text("Alignment/v1",
                           std::string(R"("id": ")") + id + R"(", "source": ")" + source + R"(", "target": ")" + target + "\"");
  };
  const auto alignments = R"("http://clams.ai/vocabulary/type/Alignment/v1": {})";
  const auto mmif = parsed(mmif_text(
      kVideo, view_text(alignments, annotation_text("Token/v1", R"("id": "t1")") + "," +
                                        annotation_text("TimeFrame/v6", R"("id": "tf1")") + "," + align("a1", "tf1", "t1") + "," +
                                        align("a2", "d1", "t1") + "," + align("a3", "nowhere", "t1")) +
                  "," +
                  view_text(alignments,
                            annotation_text("Token/v1", R"("id": "t9")") + "," + align("a1", "v_0:t1", "t9") + "," +
                                annotation_text("Alignment/v1", R"("id": "odd", "source": 5, "target": ["v_0:t1"])"),
                            "v_1")));
  EXPECT_EQ(ids(mmif->aligned_with(*mmif->find("v_0:t1"))), (Ids{"v_0:tf1", "d1", "v_1:t9"}));
  EXPECT_EQ(ids(mmif->aligned_with(*mmif->find("v_0:tf1"))), Ids{"v_0:t1"});
  EXPECT_EQ(ids(mmif->aligned_with(*mmif->document("d1"))), Ids{"v_0:t1"});
}

TEST(Navigation, OfEqualIdsTheLastCountsAtThePlaceOfTheFirst) {
  const auto mmif = parsed(mmif_text(
      R"({"@type": "http://x.org/Document", "properties": {"id": "d1", "n": 1}}, {"@type": "http://x.org/Document", "properties": {"id": "d2"}}, {"@type": "http://x.org/Document", "properties": {"id": "d1", "n": 2}})",
      view_text("", annotation_text("Token/v1", R"("id": "t1", "n": 1)") + "," + annotation_text("Token/v1", R"("id": "t2")") +
                        "," + annotation_text("Sentence/v1", R"("id": "v_0:t1", "n": 2)")) +
          "," + view_text("", "", "v_1") + "," + view_text(R"("http://x.org/T": {})", "", "v_1") + "," + view_text("", "", "v_2")));
  EXPECT_EQ(mmif->documents().size(), 2U);
  EXPECT_EQ(mmif->documents()[0]->id(), "d1");
  EXPECT_EQ(mmif->document("d1")->integer("n"), 2);
  EXPECT_EQ(mmif->find("d1"), mmif->documents()[0].get());
  EXPECT_EQ(mmif->views().size(), 3U);
  EXPECT_NE(mmif->view("v_1")->contains("http://x.org/T"), nullptr);
  const View& view = *mmif->view("v_0");
  ASSERT_EQ(view.annotations().size(), 2U);
  EXPECT_EQ(view.annotations()[0]->id(), "v_0:t1");
  EXPECT_TRUE(view.annotations()[0]->is(types::Sentence));
  EXPECT_EQ(view.find("t1")->integer("n"), 2);
}

TEST(Navigation, ViewsOfErrorsAndWarningsAreToldApart) {
  const auto mmif = parsed_sample("errors-and-warnings");
  int errors = 0, warnings = 0;
  for (const auto& view : mmif->views()) {
    errors += view->has_error();
    warnings += view->has_warnings();
    EXPECT_FALSE(view->app().empty());
    EXPECT_FALSE(view->is_new());
  }
  EXPECT_EQ(errors, 1);
  EXPECT_EQ(warnings, 1);
}

TEST(Navigation, EverythingInEverySampleCanBeLookedAt) {
  for (const char* name : {"errors-and-warnings", "minimal", "odd-values", "old-0.4-types", "old-1.0-short-ids", "old-1.1-types",
                           "screens", "several-documents", "speech-small"}) {
    const auto mmif = parsed_sample(name);
    for (const auto& view : mmif->views()) {
      EXPECT_EQ(view->annotation_count(), view->annotations().size()) << name;
      for (const auto& annotation : view->annotations()) {
        EXPECT_EQ(mmif->find(annotation->id()), annotation.get()) << name << " " << annotation->id();
        EXPECT_EQ(annotation->view(), view.get());
        for (const Annotation* other : mmif->aligned_with(*annotation)) EXPECT_NE(other, nullptr);
        const Value* targets = annotation->find("targets");
        if (targets == nullptr) continue;
        EXPECT_TRUE(extent_of(*mmif, *annotation) || text_of(*mmif, *annotation)) << name << " " << annotation->id();
      }
    }
  }
}

}  // namespace
}  // namespace mmif
