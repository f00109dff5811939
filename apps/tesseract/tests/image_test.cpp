#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "app_harness.hpp"
#include "mmif/time.hpp"
#include "ocr/engine.hpp"
#include "ocr/score.hpp"
#include "test_pictures.hpp"

namespace ocr_app {
namespace {

namespace types = mmif::types;
using ocr::test::sample;
using test::error_of;
using test::image;
using test::last_view;
using test::mmif_with;
using test::post;
using test::texts_of;
using test::warnings_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Images : public ocr::test::InTemporaryDirectory {};

std::vector<const mmif::Annotation*> boxes(const mmif::View& view, std::string_view label) {
  std::vector<const mmif::Annotation*> found;
  for (const auto* box : view.annotations(types::BoundingBox))
    if (box->string("label") == label) found.push_back(box);
  return found;
}

TEST_F(Images, TheSamplePageComesBackAsItsText) {
  const auto reply = post(mmif_with({image("d1", sample("page.png"))}));
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  const auto texts = texts_of(last_view(reply));
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_EQ(ocr::character_errors(ocr::test::sample_text(), texts[0]).edits, 0U) << texts[0];
  EXPECT_EQ(last_view(reply).annotations(types::TextDocument)[0]->text_language(), "en");
}

TEST_F(Images, EachWordLineAndBlockHasABoxAlignedWithTheText) {
  const auto reply = post(mmif_with({image("d1", sample("page.png"))}));
  ASSERT_EQ(reply.status, 200U);
  const mmif::View& view = last_view(reply);
  EXPECT_EQ(boxes(view, "word").size(), 279U);
  EXPECT_EQ(boxes(view, "line").size(), 24U);
  EXPECT_GE(boxes(view, "block").size(), 1U);
  const auto* text = view.annotations(types::TextDocument)[0];
  std::set<std::string> sources;
  for (const auto* alignment : view.annotations(types::Alignment)) {
    EXPECT_EQ(alignment->string("target"), text->id());
    EXPECT_TRUE(sources.insert(std::string(alignment->string("source"))).second);
  }
  EXPECT_TRUE(sources.contains("d1"));
  EXPECT_EQ(sources.size(), 1 + view.annotations(types::BoundingBox).size());
  for (const auto* box : view.annotations(types::BoundingBox)) {
    EXPECT_TRUE(sources.contains(box->id()));
    EXPECT_EQ(box->string("document"), "d1");
    EXPECT_GT(box->number("confidence").value_or(0), 0.3);
    EXPECT_EQ(mmif::document_of(*reply.mmif, *box), reply.mmif->document("d1"));
  }
  const auto* title = boxes(view, "line")[0];
  EXPECT_EQ(title->string("text"), "The Gettysburg Address");
  const auto& corners = *title->find("coordinates")->array();
  ASSERT_EQ(corners.size(), 4U);
  const auto at = [&](std::size_t corner, std::size_t axis) { return corners[corner].array()->at(axis).as_int64().value_or(-1); };
  EXPECT_NEAR(static_cast<double>(at(0, 0)), 98, 3);
  EXPECT_NEAR(static_cast<double>(at(3, 1)), 206, 3);
  EXPECT_EQ(at(0, 1), at(1, 1));
  EXPECT_EQ(at(0, 0), at(2, 0));
  EXPECT_EQ(at(3, 0), at(1, 0));
  EXPECT_EQ(at(3, 1), at(2, 1));
  EXPECT_GT(at(3, 0), at(0, 0));
  EXPECT_GT(at(3, 1), at(0, 1));
}

TEST_F(Images, TheViewSaysWhichDocumentItIsAbout) {
  ocr::test::write_title(path("a.png"));
  const auto reply = post(mmif_with({image("d1", path("a.png"))}));
  ASSERT_EQ(reply.status, 200U);
  for (const auto type : {types::TextDocument, types::BoundingBox}) {
    const mmif::Object* contains = last_view(reply).contains(type);
    ASSERT_NE(contains, nullptr) << type;
    ASSERT_NE(contains->find("document"), nullptr) << type;
    EXPECT_EQ(contains->find("document")->as_string(), "d1") << type;
  }
  EXPECT_EQ(reply.mmif->views_for("d1").size(), 1U);
}

TEST_F(Images, LevelsChooseTheBoxes) {
  ocr::test::write_title(path("a.png"));
  const std::string body = mmif_with({image("d1", path("a.png"))});
  const auto count = [&](const std::string& query) { return last_view(post(body, query)).annotations(types::BoundingBox).size(); };
  EXPECT_EQ(count("levels=word"), 3U);
  EXPECT_EQ(count("levels=line"), 1U);
  EXPECT_EQ(count("levels=block&levels=line"), 2U);
  EXPECT_EQ(count("levels=none"), 0U);
  EXPECT_EQ(count(""), 5U);
}

TEST_F(Images, EachPageOfATiffIsATextDocumentWithItsNumber) {
  ocr::test::write_tiff(path("many.tif"), 3);
  const auto reply = post(mmif_with({image("d1", path("many.tif"))}), "levels=word");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  const auto documents = last_view(reply).annotations(types::TextDocument);
  ASSERT_EQ(documents.size(), 3U);
  for (std::size_t n = 0; n < 3; ++n) EXPECT_EQ(documents[n]->integer("page"), static_cast<std::int64_t>(n + 1));
  EXPECT_THAT(texts_of(last_view(reply))[2], HasSubstr("continent"));
  EXPECT_EQ(last_view(reply).annotations(types::BoundingBox).back()->integer("page"), 3);
}

TEST_F(Images, EachDocumentGetsItsOwnView) {
  ocr::test::write_title(path("a.png"));
  ocr::test::write_title(path("b.jpg"));
  const auto reply = post(mmif_with({image("d1", path("a.png")), image("d2", path("b.jpg"))}));
  ASSERT_EQ(reply.status, 200U);
  ASSERT_EQ(reply.mmif->views().size(), 2U);
  for (const auto& view : reply.mmif->views()) EXPECT_THAT(texts_of(*view), ElementsAre("The Gettysburg Address"));
  EXPECT_EQ(reply.mmif->views()[1]->contains(types::TextDocument)->find("document")->as_string(), "d2");
}

TEST_F(Images, AnEmptyPageIsAnEmptyTextDocument) {
  ocr::test::write_white(path("white.png"));
  const auto reply = post(mmif_with({image("d1", path("white.png"))}));
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_THAT(texts_of(last_view(reply)), ElementsAre(""));
  EXPECT_TRUE(last_view(reply).annotations(types::BoundingBox).empty());
}

TEST_F(Images, AMissingFileIsNamed) {
  const auto reply = post(mmif_with({image("d1", path("none.png"))}));
  EXPECT_EQ(reply.status, 500U);
  EXPECT_THAT(error_of(reply), HasSubstr("FileNotFoundError"));
  EXPECT_THAT(error_of(reply), HasSubstr(path("none.png")));
}

TEST_F(Images, AnUnreadableImageIsNamed) {
  ocr::test::write_title(path("cut.png"));
  std::filesystem::resize_file(path("cut.png"), 2000);
  const auto reply = post(mmif_with({image("d1", path("cut.png"))}));
  EXPECT_EQ(reply.status, 500U);
  EXPECT_THAT(error_of(reply), HasSubstr(path("cut.png")));
  EXPECT_THAT(error_of(reply), HasSubstr("truncated or damaged"));
}

TEST_F(Images, OneMissingOrUnreadableImageCostsNoneOfTheOthers) {
  ocr::test::write_title(path("a.png"));
  ocr::test::write_title(path("cut.png"));
  std::filesystem::resize_file(path("cut.png"), 2000);
  const auto reply = post(mmif_with(
      {image("d1", path("none.png")), image("d2", path("a.png")), image("d3", path("cut.png")), image("d4", path("a.png"))}));
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_THAT(warnings_of(reply), HasSubstr("image d1 could not be read and was left out: "));
  EXPECT_THAT(warnings_of(reply), HasSubstr(path("none.png")));
  EXPECT_THAT(warnings_of(reply), HasSubstr("image d3 could not be read and was left out: "));
  EXPECT_EQ(reply.mmif->annotations(types::TextDocument).size(), 2U);
}

TEST_F(Images, WhereNothingCanBeReadItIsAnError) {
  const auto reply = post(mmif_with({image("d1", path("none.png")), image("d2", path("neither.png"))}));
  EXPECT_EQ(reply.status, 500U);
  EXPECT_THAT(error_of(reply), HasSubstr(path("none.png")));
}

class BadPages : public Images {
 protected:
  static std::vector<std::int64_t> numbers(const test::Reply& reply) {
    std::vector<std::int64_t> found;
    for (const auto* text : reply.mmif->annotations(types::TextDocument)) found.push_back(text->integer("page").value_or(-1));
    return found;
  }
};

TEST_F(BadPages, ADamagedPageAmongManyIsNamedAndTheOthersKeepTheirNumbers) {
  for (const int bad : {1, 2, 3}) {
    ocr::test::write_tiff(path("many.tif"), 3);
    ocr::test::damage_tiff_page(path("many.tif"), bad);
    const auto reply = post(mmif_with({image("d1", path("many.tif"))}), "levels=none");
    ASSERT_EQ(reply.status, 200U) << reply.bytes;
    std::vector<std::int64_t> others{1, 2, 3};
    others.erase(others.begin() + bad - 1);
    EXPECT_EQ(numbers(reply), others);
    EXPECT_THAT(warnings_of(reply), HasSubstr("1 of 3 pages of image d1 was left out (page " + std::to_string(bad) + "): "));
    EXPECT_THAT(warnings_of(reply), HasSubstr(path("many.tif")));
  }
}

TEST_F(BadPages, WhereNoPageCanBeReadItIsAnError) {
  ocr::test::write_tiff(path("many.tif"), 2);
  ocr::test::damage_tiff_page(path("many.tif"), 1);
  ocr::test::damage_tiff_page(path("many.tif"), 2);
  const auto reply = post(mmif_with({image("d1", path("many.tif"))}));
  EXPECT_EQ(reply.status, 500U);
  EXPECT_THAT(error_of(reply), HasSubstr("page 1 of image"));
}

TEST_F(BadPages, AListOfPagesThatBreaksOffIsNamed) {
  ocr::test::write_tiff(path("many.tif"), 3);
  ocr::test::cut_tiff_before_directory(path("many.tif"), 3);
  const auto reply = post(mmif_with({image("d1", path("many.tif"))}), "levels=none");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_EQ(numbers(reply), (std::vector<std::int64_t>{1, 2}));
  EXPECT_THAT(warnings_of(reply), HasSubstr("breaks off after page 2"));
}

// All eight values, in Exif of JPEG and PNG and in the tag of a TIFF.
TEST_F(Images, APictureIsReadAsViewersTurnIt) {
  for (const char* name : {"a.jpg", "a.png", "a.tif"})
    for (int orientation = 1; orientation <= 8; ++orientation) {
      ocr::test::write_turned_title(path(name), orientation);
      const auto reply = post(mmif_with({image("d1", path(name))}), "levels=line");
      ASSERT_EQ(reply.status, 200U) << reply.bytes;
      EXPECT_THAT(texts_of(last_view(reply)), ElementsAre("The Gettysburg Address")) << name << " " << orientation;
      // Boxes are those of the upright picture, which is wide and low.
      const auto lines = boxes(last_view(reply), "line");
      ASSERT_EQ(lines.size(), 1U);
      const auto& corners = *lines[0]->find("coordinates")->array();
      EXPECT_GT((*corners[3].array())[0].as_double().value_or(-1), 300) << name << " " << orientation;
      EXPECT_LT((*corners[3].array())[1].as_double().value_or(-1), 140) << name << " " << orientation;
    }
}

TEST_F(Images, ADamagedJpegIsReadWithAWarning) {
  ocr::test::write_title(path("cut.jpg"));
  std::filesystem::resize_file(path("cut.jpg"), std::filesystem::file_size(path("cut.jpg")) * 95 / 100);
  const auto reply = post(mmif_with({image("d1", path("cut.jpg"))}));
  EXPECT_EQ(reply.status, 200U);
  EXPECT_THAT(warnings_of(reply), HasSubstr("is damaged"));
}

TEST_F(Images, AMissingLanguageSaysWhatToInstall) {
  ocr::test::write_title(path("a.png"));
  const auto reply = post(mmif_with({image("d1", path("a.png"))}), "language=eng%2Bxqq");
  EXPECT_EQ(reply.status, 500U);
  EXPECT_THAT(error_of(reply), HasSubstr("apt-get install tesseract-ocr-xqq"));
  EXPECT_THAT(error_of(reply), HasSubstr("Installed: eng"));
}

TEST_F(Images, LanguagesMayBeRepeatedOrJoined) {
  ocr::test::write_title(path("a.png"));
  for (const char* query : {"language=eng", "language=eng&language=eng", "language=eng+eng", "language=eng%2Beng"}) {
    const auto reply = post(mmif_with({image("d1", path("a.png"))}), query);
    EXPECT_EQ(reply.status, 200U) << query << reply.bytes;
  }
  EXPECT_THAT(error_of(post(mmif_with({image("d1", path("a.png"))}), "language=")), HasSubstr("language"));
  EXPECT_THAT(error_of(post(mmif_with({image("d1", path("a.png"))}), "language=..%2Feng")), HasSubstr("no language code"));
}

TEST_F(Images, ParametersOutOfRangeAreRefused) {
  ocr::test::write_title(path("a.png"));
  const std::string body = mmif_with({image("d1", path("a.png"))});
  for (const char* query : {"pageSegmentationMode=2", "thresholding=magic", "assumedResolution=5", "pageTimeout=-1",
                            "pageTimeout=nan", "sampleEvery=-1", "levels=letter"})
    EXPECT_EQ(post(body, query).status, 500U) << query;
  EXPECT_EQ(post(body, "pageSegmentationMode=7&thresholding=sauvola&assumedResolution=300&pageTimeout=0").status, 200U);
}

TEST_F(Images, APageThatTakesTooLongIsLeftOutWithAWarning) {
  const auto reply = post(mmif_with({image("d1", sample("page.png"))}), "pageTimeout=0.01");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_THAT(warnings_of(reply), HasSubstr("longer than pageTimeout (10 ms)"));
  EXPECT_TRUE(reply.mmif->annotations(types::TextDocument).empty());
}

TEST_F(Images, AStopEndsTheRequestWithinAPage) {
  ocr::test::write_slow_page(path("slow.png"));  // tens of seconds, and no limit to them
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    stop.request_stop();
  });
  const auto reply = post(mmif_with({image("d1", path("slow.png"))}), "thresholding=adaptive&pageSegmentationMode=11&pageTimeout=0",
                          stop.get_token());
  EXPECT_NE(reply.status, 200U);
}

TEST_F(Images, WithoutADocumentToReadThereIsAWarning) {
  const auto reply = post(mmif_with(
      {R"({"@type": "http://clams.ai/vocabulary/type/TextDocument/v2", "properties": {"id": "t1", "text": {"@value": "hello"}}})"}));
  EXPECT_EQ(reply.status, 200U);
  EXPECT_THAT(warnings_of(reply), HasSubstr("no ImageDocument and no VideoDocument"));
}

TEST_F(Images, ConcurrentRequestsGiveTheSameText) {
  std::vector<std::string> texts(4);
  {
    std::vector<std::jthread> threads;
    for (auto& text : texts)
      threads.emplace_back([&text] {
        const auto reply = post(mmif_with({image("d1", sample("page.png"))}), "levels=none");
        if (reply.status == 200) text = texts_of(last_view(reply)).at(0);
      });
  }
  EXPECT_THAT(texts, ::testing::Each(texts[0]));
  EXPECT_EQ(ocr::character_errors(ocr::test::sample_text(), texts[0]).edits, 0U);
}

TEST(Metadata, TellsVersionsLicencesAndParameters) {
  const mmif::Object metadata = test::service().metadata().to_object();
  EXPECT_EQ(metadata.find("analyzer_version")->as_string(), ocr::tesseract_version());
  EXPECT_EQ(metadata.find("analyzer_license")->as_string(), "Apache-2.0");
  EXPECT_EQ(metadata.find("app_license")->as_string(), "Apache-2.0");
  std::set<std::string> names;
  for (const auto& parameter : *metadata.find("parameters")->array())
    names.insert(std::string(parameter.object()->find("name")->as_string()));
  for (const char* name : {"language", "pageSegmentationMode", "thresholding", "assumedResolution", "levels", "pageTimeout",
                           "sampleEvery", "sampleAt", "label", "tfSamplingMode"})
    EXPECT_TRUE(names.contains(name)) << name;
}

}  // namespace
}  // namespace ocr_app
