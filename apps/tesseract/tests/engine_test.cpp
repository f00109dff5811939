#include "ocr/engine.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "ocr/score.hpp"
#include "test_pictures.hpp"

namespace ocr {
namespace {

using base::ErrorCode;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class EngineTest : public test::InTemporaryDirectory {
 protected:
  static Engine english() {
    auto engine = Engine::load({});
    EXPECT_TRUE(engine) << engine.error().message;
    return std::move(engine).value();
  }
  static std::string text_of(Engine& engine, const Picture& picture, const PageOptions& options = {}) {
    const auto page = engine.recognise(picture, options);
    EXPECT_TRUE(page) << page.error().message;
    return page ? page->text : "";
  }
};

TEST_F(EngineTest, ReadsTheSamplePageWithoutAnError) {
  Engine engine = english();
  const auto page = engine.recognise(test::sample_page());
  ASSERT_TRUE(page) << page.error().message;
  const Score score = character_errors(test::sample_text(), page->text);
  EXPECT_EQ(score.edits, 0U) << page->text;
  EXPECT_GT(score.characters, 1400U);
  EXPECT_GT(page->confidence, 0.85);
  EXPECT_EQ(page->width, 1240);
  EXPECT_EQ(page->height, 1754);
}

std::string part(const Page& page, Span span) {
  std::vector<std::size_t> starts;  // where each character begins, in bytes
  for (std::size_t i = 0; i < page.text.size(); ++i)
    if ((static_cast<unsigned char>(page.text[i]) & 0xC0U) != 0x80U) starts.push_back(i);
  starts.push_back(page.text.size());
  return page.text.substr(starts.at(span.begin), starts.at(span.end) - starts.at(span.begin));
}

bool lies_in(const Box& inner, const Box& outer) {
  return inner.left >= outer.left && inner.top >= outer.top && inner.right <= outer.right && inner.bottom <= outer.bottom;
}

TEST_F(EngineTest, PlacesAndOffsetsOfWordsLinesParagraphsAndBlocksFitTogether) {
  Engine engine = english();
  const auto page = engine.recognise(test::sample_page());
  ASSERT_TRUE(page);
  EXPECT_EQ(page->words.size(), 279U);
  EXPECT_EQ(page->lines.size(), 24U);
  EXPECT_GE(page->blocks.size(), 1U);
  std::string joined;
  for (const Piece& word : page->words) {
    joined += (joined.empty() ? "" : " ") + part(*page, word.text);
    EXPECT_TRUE(lies_in(word.box, page->lines.at(word.inside).box));
    EXPECT_TRUE(lies_in(word.box, {0, 0, page->width, page->height}));
    EXPECT_GT(word.box.right, word.box.left);
    EXPECT_GT(word.box.bottom, word.box.top);
    EXPECT_GT(word.confidence, 0);
    EXPECT_LE(word.confidence, 1);
  }
  EXPECT_EQ(joined, normalise_space(page->text));
  for (const Piece& line : page->lines) {
    EXPECT_TRUE(lies_in(line.box, page->blocks.at(page->paragraphs.at(line.inside).inside).box));
    EXPECT_THAT(part(*page, line.text), ::testing::Not(HasSubstr("\n")));
  }
  EXPECT_EQ(part(*page, page->lines[0].text), "The Gettysburg Address");
  EXPECT_EQ(part(*page, page->lines[23].text), "Abraham Lincoln, November 19, 1863");
  // The title stands at (98, 200), its base line: the words' boxes must be there and not somewhere else.
  EXPECT_NEAR(page->words[0].box.left, 98, 4);
  EXPECT_NEAR(page->words[0].box.bottom, 200, 4);
}

TEST_F(EngineTest, ReadsGreyPixelsWithPaddedRows) {
  Engine engine = english();
  EXPECT_EQ(text_of(engine, test::title_over(255, 255)), "The Gettysburg Address");
}

TEST_F(EngineTest, AnEmptyPageHasNoText) {
  Engine engine = english();
  const std::vector<std::uint8_t> white(400 * 300, 255);
  const auto page = engine.recognise(*Picture::from_gray(white.data(), 400, 300, 400));
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->text, "");
  EXPECT_TRUE(page->words.empty());
  EXPECT_EQ(page->confidence, 0);
}

TEST_F(EngineTest, TheSmallestPicturesAreNoError) {
  Engine engine = english();
  const std::uint8_t pixel = 0;
  for (const int mode : kPageSegmentationModes) {
    if (mode == 1) continue;  // needs the data for `osd`
    const auto page = engine.recognise(*Picture::from_gray(&pixel, 1, 1, 1), {.page_segmentation = mode});
    EXPECT_TRUE(page) << mode << ": " << page.error().message;
  }
}

TEST_F(EngineTest, EveryThresholdingReadsACleanPage) {
  Engine engine = english();
  test::write_title(path("title.png"));
  const Picture title = ImageFile::open(path("title.png"))->read(0).value();
  for (const auto method : {Thresholding::Otsu, Thresholding::Adaptive, Thresholding::Sauvola})
    EXPECT_EQ(text_of(engine, title, {.thresholding = method}), "The Gettysburg Address");
}

TEST_F(EngineTest, AdaptiveThresholdsReadWhatOneThresholdCannot) {
  Engine engine = english();
  const Picture title = test::title_over(230, 20);
  EXPECT_NE(text_of(engine, title, {.thresholding = Thresholding::Otsu}), "The Gettysburg Address");
  EXPECT_EQ(text_of(engine, title, {.thresholding = Thresholding::Adaptive}), "The Gettysburg Address");
}

TEST_F(EngineTest, ADeadlineEndsAPageAndTheEngineStaysUsable) {
  Engine engine = english();
  test::write_title(path("title.png"));
  const Picture title = ImageFile::open(path("title.png"))->read(0).value();
  const PageOptions slow{.page_segmentation = 11, .thresholding = Thresholding::Adaptive};
  test::write_slow_page(path("slow.png"));
  const Picture noise = ImageFile::open(path("slow.png"))->read(0).value();
  const auto page = engine.recognise(noise, slow, {.deadline = steady_clock::now() + 300ms});
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::Timeout) << page.error().message;
  EXPECT_EQ(text_of(engine, title), "The Gettysburg Address");
}

TEST_F(EngineTest, AStopFromAnotherThreadEndsAPageAndTheEngineStaysUsable) {
  Engine engine = english();
  test::write_title(path("title.png"));
  const Picture title = ImageFile::open(path("title.png"))->read(0).value();
  const PageOptions slow{.page_segmentation = 11, .thresholding = Thresholding::Adaptive};
  test::write_slow_page(path("slow.png"));
  const Picture noise = ImageFile::open(path("slow.png"))->read(0).value();
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(200ms);
    stop.request_stop();
  });
  const auto page = engine.recognise(noise, slow, {.stop = stop.get_token()});
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::Cancelled) << page.error().message;
  EXPECT_EQ(text_of(engine, title), "The Gettysburg Address");
}

TEST_F(EngineTest, AStopThatCameBeforeIsSeenAtOnce) {
  Engine engine = english();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(engine.recognise(test::sample_page(), {}, {.stop = stop.get_token()}).error().code, ErrorCode::Cancelled);
  EXPECT_EQ(engine.recognise(test::sample_page(), {}, {.deadline = steady_clock::now()}).error().code, ErrorCode::Timeout);
}

TEST_F(EngineTest, TwoThreadsAndRepetitionsGiveTheSamePage) {
  const Picture picture = test::sample_page();
  std::string texts[4];
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t)
      threads.emplace_back([&, t] {
        Engine engine = english();
        for (int n = 0; n < 2; ++n) texts[2 * t + n] = text_of(engine, picture);
      });
  }
  EXPECT_FALSE(texts[0].empty());
  EXPECT_THAT(texts, ::testing::Each(texts[0]));
}

TEST_F(EngineTest, AMissingLanguageNamesThePackageAndWhatIsInstalled) {
  test::link_english(directory(), "eng");
  test::link_english(directory(), "xyz");
  const auto engine = Engine::load({{"eng", "deu", "chi_sim"}, directory()});
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, ErrorCode::Configuration);
  EXPECT_THAT(engine.error().message, HasSubstr("language deu, chi_sim"));
  EXPECT_THAT(engine.error().message, HasSubstr("apt-get install tesseract-ocr-deu tesseract-ocr-chi-sim`"));
  EXPECT_THAT(engine.error().message, HasSubstr("Installed: eng, xyz"));
}

TEST_F(EngineTest, AnEmptyDataDirectorySaysThatNothingIsInstalled) {
  const auto engine = Engine::load({{"eng"}, directory()});
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, ErrorCode::Configuration);
  EXPECT_THAT(engine.error().message, HasSubstr("Installed: none"));
}

TEST_F(EngineTest, SeveralInstalledLanguagesLoadTogether) {
  test::link_english(directory(), "eng");
  test::link_english(directory(), "xyz");
  auto engine = Engine::load({{"eng", "xyz"}, directory()});
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_THAT(engine->installed_languages(), ::testing::ElementsAre("eng", "xyz"));
}

TEST_F(EngineTest, DamagedLanguageDataIsToldApartFromMissingData) {
  std::ofstream(path("bad.traineddata")) << "this is no language data";
  const auto engine = Engine::load({{"bad"}, directory()});
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, ErrorCode::Configuration);
  EXPECT_THAT(engine.error().message, HasSubstr("damaged"));
}

TEST_F(EngineTest, NoLanguageCodeLeadsOutOfTheDataDirectory) {
  for (const char* code : {"", "../eng", "/etc/passwd", "eng+deu", "~eng", "a b", "e.n"}) {
    const auto engine = Engine::load({{code}, directory()});
    ASSERT_FALSE(engine) << code;
    EXPECT_EQ(engine.error().code, ErrorCode::InvalidArgument) << code;
  }
  EXPECT_EQ(Engine::load({{}, directory()}).error().code, ErrorCode::InvalidArgument);
}

TEST_F(EngineTest, OrientationNeedsItsOwnData) {
  test::link_english(directory(), "eng");
  auto engine = Engine::load({{"eng"}, directory()});
  ASSERT_TRUE(engine);
  const auto page = engine->recognise(test::sample_page(), {.page_segmentation = 1});
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::Configuration);
  EXPECT_THAT(page.error().message, HasSubstr("tesseract-ocr-osd"));
}

TEST_F(EngineTest, OptionsOutOfRangeAreRefused) {
  Engine engine = english();
  const Picture page = test::sample_page();
  for (const int mode : {-1, 0, 2, 14})
    EXPECT_EQ(engine.recognise(page, {.page_segmentation = mode}).error().code, ErrorCode::InvalidArgument) << mode;
  for (const int dpi : {0, 69, 2401})
    EXPECT_EQ(engine.recognise(page, {.assumed_dpi = dpi}).error().code, ErrorCode::InvalidArgument) << dpi;
}

TEST_F(EngineTest, TellsItsVersion) { EXPECT_THAT(tesseract_version(), ::testing::StartsWith("5.")); }

}  // namespace
}  // namespace ocr
