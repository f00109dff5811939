#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "app_harness.hpp"
#include "base/files.hpp"
#include "media/libav_log.hpp"
#include "media/testing/clip.hpp"
#include "mmif/time.hpp"
#include "test_pictures.hpp"

namespace ocr_app {
namespace {

namespace types = mmif::types;
using test::error_of;
using test::last_view;
using test::mmif_with;
using test::post;
using test::texts_of;
using test::video;
using test::warnings_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A clip of six seconds at 25 frames a second. Second s shows line s + 1 of the sample page, second 3 nothing.
constexpr const char* kLines[] = {"Four score and seven years ago our fathers brought forth on this",
                                  "continent, a new nation, conceived in Liberty, and dedicated to the",
                                  "proposition that all men are created equal.",
                                  "",
                                  "any nation so conceived and so dedicated, can long endure. We are met",
                                  "on a great battle-field of that war. We have come to dedicate a portion"};

class Videos : public ocr::test::InTemporaryDirectory {
 protected:
  static void SetUpTestSuite() {
    media::set_libav_log(media::LibavLog::Quiet);
    std::vector<std::vector<std::uint8_t>> lines;
    for (int n = 1; n <= 6; ++n) lines.push_back(ocr::test::sample_line(n));
    media::testing::VideoTrack track{.encoder = "mjpeg", .width = 1160, .height = 80, .fps = 25, .frames = 150};
    track.paint = [&](int n, media::Image& image) {
      const auto second = static_cast<std::size_t>(n / 25);
      if (second == 3) return;
      std::copy(lines[second].begin(), lines[second].end(), image.pixels.begin() + 18 * 1160);
    };
    clip_ = (std::filesystem::temp_directory_path() / ("ocr_clip_" + std::to_string(::getpid()) + ".mkv")).string();
    const auto written = media::testing::write_clip(clip_, track);
    ASSERT_TRUE(written) << written.error().message;
  }
  static void TearDownTestSuite() { std::filesystem::remove(clip_); }

  // A view of another app with the given annotations; `contains` properties of TimePoint and TimeFrame: document and milliseconds.
  static std::string body(const std::string& annotations = {}) {
    if (annotations.empty()) return mmif_with({video("d1", clip_)});
    const std::string about = R"({"document": "d1", "timeUnit": "milliseconds"})";
    return mmif_with(
        {video("d1", clip_)},
        R"({"id": "v_0", "metadata": {"app": "http://apps.clams.ai/swt/v1", "timestamp": "2026-01-02T03:04:05", "contains": {"http://clams.ai/vocabulary/type/TimePoint/v5": )" +
            about + R"(, "http://clams.ai/vocabulary/type/TimeFrame/v6": )" + about + R"(}}, "annotations": [)" + annotations +
            "]}");
  }
  static std::string point(const std::string& id, int ms, const std::string& label = "S") {
    return R"({"@type": "http://clams.ai/vocabulary/type/TimePoint/v5", "properties": {"id": "v_0:)" + id + R"(", "timePoint": )" +
           std::to_string(ms) + R"(, "label": ")" + label + R"("}})";
  }
  static std::string frame(const std::string& id, const std::string& properties, const std::string& label = "slate") {
    return R"({"@type": "http://clams.ai/vocabulary/type/TimeFrame/v6", "properties": {"id": "v_0:)" + id + R"(", "label": ")" +
           label + R"(", )" + properties + "}}";
  }
  // What was read at which time, by the TimePoints that text documents are aligned with.
  static std::vector<std::pair<std::int64_t, std::string>> read(const test::Reply& reply) {
    std::vector<std::pair<std::int64_t, std::string>> found;
    if (!reply.mmif) return found;
    for (const auto* alignment : reply.mmif->annotations(types::Alignment)) {
      const auto* source = reply.mmif->find(alignment->string("source"));
      const auto* text = reply.mmif->find(alignment->string("target"));
      if (source != nullptr && source->is(types::TimePoint))
        found.emplace_back(source->integer("timePoint").value_or(-1), text->text().value_or(""));
    }
    return found;
  }
  static const std::string& clip() { return clip_; }

 private:
  inline static std::string clip_;
};

using Found = std::pair<std::int64_t, std::string>;

TEST_F(Videos, EveryNSecondsMakesTimePoints) {
  const auto reply = post(body(), "sampleEvery=1");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_THAT(read(reply), ElementsAre(Found(0, kLines[0]), Found(1000, kLines[1]), Found(2000, kLines[2]), Found(4000, kLines[4]),
                                       Found(5000, kLines[5])));
  const mmif::Object* contains = last_view(reply).contains(types::TimePoint);
  ASSERT_NE(contains, nullptr);
  EXPECT_EQ(contains->find("document")->as_string(), "d1");
  EXPECT_EQ(contains->find("timeUnit")->as_string(), "milliseconds");
  for (const auto* box : last_view(reply).annotations(types::BoundingBox)) {
    EXPECT_TRUE(box->integer("timePoint").has_value());
    EXPECT_EQ(box->string("timeUnit"), "milliseconds");
  }
}

TEST_F(Videos, AFractionOfASecondIsAStepToo) {
  const auto reply = post(body(), "sampleEvery=0.5&levels=none");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_EQ(read(reply).size(), 10U);
}

TEST_F(Videos, TheVideosFactsAreNoted) {
  const auto reply = post(body(), "sampleEvery=5");
  ASSERT_EQ(reply.status, 200U);
  const auto* document = reply.mmif->document("d1");
  EXPECT_EQ(document->number("fps"), 25.0);
  EXPECT_NEAR(document->number("frameCount").value_or(0), 150, 1);
  EXPECT_NEAR(document->number("duration").value_or(0), 6000, 40);
}

TEST_F(Videos, TimePointsOfAnotherAppAreReadAndAligned) {
  const auto reply = post(body(point("tp_1", 4500) + ", " + point("tp_2", 500)));
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_THAT(read(reply), ElementsAre(Found(500, kLines[0]), Found(4500, kLines[4])));
  EXPECT_TRUE(last_view(reply).annotations(types::TimePoint).empty());
}

TEST_F(Videos, LabelsChooseAnnotations) {
  const auto reply =
      post(body(point("tp_1", 500, "S") + ", " + point("tp_2", 1500, "C") + ", " + point("tp_3", 2500, "B")), "label=C&label=B");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_THAT(read(reply), ElementsAre(Found(1500, kLines[1]), Found(2500, kLines[2])));
}

std::string frames_with_points() { return R"("targets": ["v_0:tp_1", "v_0:tp_2", "v_0:tp_3"])"; }

TEST_F(Videos, RepresentativesOfTimeFramesAreTheDefault) {
  const auto annotations = point("tp_1", 500) + ", " + point("tp_2", 1500) + ", " + point("tp_3", 2500) + ", " +
                           frame("tf_1", frames_with_points() + R"(, "representatives": ["v_0:tp_2"])");
  const auto reply = post(body(annotations));
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_THAT(read(reply), ElementsAre(Found(1500, kLines[1])));
}

TEST_F(Videos, ATimeFrameWithoutRepresentativesIsSkippedWithAWarning) {
  const auto reply = post(body(frame("tf_1", R"("start": 0, "end": 1000)")));
  EXPECT_EQ(reply.status, 200U);
  EXPECT_THAT(warnings_of(reply), HasSubstr("1 of 1 TimeFrames of video d1 have no representatives"));
  EXPECT_TRUE(reply.mmif->annotations(types::TextDocument).empty());
}

TEST_F(Videos, SingleTakesTheMiddleRepresentativeOrTheMiddleOfTheFrame) {
  const auto annotations = point("tp_1", 500) + ", " + point("tp_2", 1500) + ", " + point("tp_3", 2500) + ", " +
                           frame("tf_1", frames_with_points() + R"(, "representatives": ["v_0:tp_1", "v_0:tp_3"])") + ", " +
                           frame("tf_2", R"("start": 4001, "end": 5000)");
  const auto reply = post(body(annotations), "tfSamplingMode=single");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_THAT(read(reply), ElementsAre(Found(2500, kLines[2]), Found(4500, kLines[4])));
  const auto made = last_view(reply).annotations(types::TimePoint);
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0]->integer("timePoint"), 4500);
  // A TimePoint made for a TimeFrame leads back to it.
  const auto aligned = reply.mmif->aligned_with(*reply.mmif->find("v_0:tf_2"));
  ASSERT_EQ(aligned.size(), 1U);
  EXPECT_EQ(aligned[0]->text().value_or(""), kLines[4]);
}

TEST_F(Videos, AllTakesTheTargetsOrEveryFrame) {
  const auto targets =
      point("tp_1", 500) + ", " + point("tp_2", 1500) + ", " + point("tp_3", 2500) + ", " + frame("tf_1", frames_with_points());
  EXPECT_THAT(read(post(body(targets), "tfSamplingMode=all")),
              ElementsAre(Found(500, kLines[0]), Found(1500, kLines[1]), Found(2500, kLines[2])));

  const auto reply = post(body(frame("tf_1", R"("start": 1000, "end": 1160)")), "tfSamplingMode=all");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_THAT(read(reply),
              ElementsAre(Found(1000, kLines[1]), Found(1040, kLines[1]), Found(1080, kLines[1]), Found(1120, kLines[1])));
}

TEST_F(Videos, ATimePointSharedByTimeFramesIsReadOnce) {
  const auto annotations = point("tp_1", 500) + ", " +
                           frame("tf_1", R"("targets": ["v_0:tp_1"], "representatives": ["v_0:tp_1"])") + ", " +
                           frame("tf_2", R"("targets": ["v_0:tp_1"], "representatives": ["v_0:tp_1"])", "chyron");
  EXPECT_THAT(read(post(body(annotations))), ElementsAre(Found(500, kLines[0])));
}

TEST_F(Videos, TimePointsCanBePreferredToTimeFrames) {
  const auto annotations = point("tp_1", 500) + ", " + point("tp_2", 1500) + ", " +
                           frame("tf_1", R"("targets": ["v_0:tp_1"], "representatives": ["v_0:tp_1"])");
  EXPECT_THAT(read(post(body(annotations), "sampleAt=timePoints")), ElementsAre(Found(500, kLines[0]), Found(1500, kLines[1])));
  EXPECT_THAT(warnings_of(post(body(point("tp_1", 500)), "sampleAt=timeFrames")), HasSubstr("has no TimeFrame"));
}

TEST_F(Videos, ATimeFramesOwnDocumentCounts) {
  const auto annotations = point("tp_1", 500) + ", " + frame("tf_1", R"("document": "d9", "start": 0, "end": 1000)") + ", " +
                           frame("tf_2", R"("document": "d1", "start": 1000, "end": 2000)");
  EXPECT_THAT(read(post(body(annotations), "tfSamplingMode=single")), ElementsAre(Found(1500, kLines[1])));
}

TEST_F(Videos, TimesInSecondsAndFramesAreUnderstood) {
  const auto annotations = frame("tf_1", R"("timeUnit": "seconds", "start": 1, "end": 2)") + ", " +
                           frame("tf_2", R"("timeUnit": "frames", "start": 100, "end": 125)");
  EXPECT_THAT(read(post(body(annotations), "tfSamplingMode=single")), ElementsAre(Found(1500, kLines[1]), Found(4500, kLines[4])));
}

TEST_F(Videos, IsoTimesAreUnderstood) {
  const auto reply = post(body(frame("tf_1", R"("timeUnit": "isoformat", "start": "00:00:01.000", "end": "00:00:02.000")")),
                          "tfSamplingMode=single");
  EXPECT_THAT(read(reply), ElementsAre(Found(1500, kLines[1]))) << reply.bytes;
}

TEST_F(Videos, AnUnknownTimeUnitIsNamed) {
  const auto reply = post(body(frame("tf_1", R"("timeUnit": "fortnight", "start": 1, "end": 2)")), "tfSamplingMode=single");
  EXPECT_EQ(reply.status, 500U);
  EXPECT_THAT(error_of(reply), HasSubstr("time unit 'fortnight'"));
}

// All three ways to choose frames: nothing is written for a time past the end, and the times are named.
TEST_F(Videos, PastTheEndNothingIsRead) {
  const std::string late = point("tp_9", 60000), middle = R"("start": 59000, "end": 61000)";
  const auto reply = post(body(point("tp_1", 5500) + ", " + late));
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_THAT(read(reply), ElementsAre(Found(5500, kLines[5])));
  EXPECT_THAT(warnings_of(reply), HasSubstr("1 timepoint(s) (60000 ms) lie past the end of video d1, which is 0:06.000 long"));
  for (const auto& [annotations, query] : std::vector<std::pair<std::string, std::string>>{
           {frame("tf_1", middle), "tfSamplingMode=single"},
           {frame("tf_1", R"("start": 6000, "end": 6200)"), "tfSamplingMode=all"},
           {late + ", " + frame("tf_1", R"("targets": ["v_0:tp_9"], "representatives": ["v_0:tp_9"])"), ""}}) {
    const auto other = post(body(annotations), query);
    EXPECT_EQ(other.status, 200U) << other.bytes;
    EXPECT_THAT(warnings_of(other), HasSubstr("past the end of video d1")) << query;
    EXPECT_TRUE(other.mmif->annotations(types::TextDocument).empty()) << query;
    EXPECT_TRUE(other.mmif->annotations(types::Alignment).empty()) << query;
  }
  EXPECT_THAT(warnings_of(post(body(), "sampleEvery=1")), IsEmpty()) << "steps end with the video";
}

class LostParts : public Videos {
 protected:
  // The clip without what lies between two shares of its bytes; `wiped`: zeros instead.
  std::string damaged(const std::string& name, double from, double to, bool wiped) {
    std::string bytes = base::read_file(clip()).value();
    const auto at = [&](double share) { return static_cast<std::ptrdiff_t>(share * static_cast<double>(bytes.size())); };
    if (wiped)
      std::fill(bytes.begin() + at(from), bytes.begin() + at(to), '\0');
    else
      bytes.erase(bytes.begin() + at(from), bytes.begin() + at(to));
    EXPECT_TRUE(base::write_file_atomically(path(name), bytes));
    return path(name);
  }
  static std::string with_clip(std::string body, const std::string& other) {
    const auto at = body.find(clip());
    return body.replace(at, clip().size(), other);
  }
};

TEST_F(LostParts, OfACutVideoAreNamedHoweverFramesAreChosen) {
  const std::string cut = damaged("cut.mkv", 0.45, 1, false);
  const std::string points = point("tp_1", 500) + ", " + point("tp_2", 4500),
                    frames = frame("tf_1", R"("start": 4000, "end": 4400)");
  const auto missing = testing::ContainsRegex(
      "video d1: [23]\\.[0-9]{3} s of 6\\.000 s \\([3456][0-9]\\.[0-9] %\\) are missing: "
      "0:0[23]\\.[0-9]{3} to 0:06\\.000 \\(the file ends early\\)");
  const auto every = post(with_clip(body(), cut), "sampleEvery=1");
  ASSERT_EQ(every.status, 200U) << every.bytes;
  EXPECT_THAT(warnings_of(every), missing);
  EXPECT_THAT(read(every), testing::Each(testing::Field(&Found::first, testing::Le(3000))));
  EXPECT_GE(read(every).size(), 2U);

  const auto at_points = post(with_clip(body(points), cut));
  EXPECT_THAT(warnings_of(at_points), missing);
  EXPECT_THAT(warnings_of(at_points), HasSubstr("No image is available for 1 timepoint(s) (4500 ms) of video d1"));
  EXPECT_THAT(read(at_points), ElementsAre(Found(500, kLines[0])));

  for (const char* mode : {"single", "all"}) {
    const auto in_frames = post(with_clip(body(frames), cut), std::string("tfSamplingMode=") + mode);
    EXPECT_EQ(in_frames.status, 200U);
    EXPECT_THAT(warnings_of(in_frames), missing) << mode;
    EXPECT_THAT(warnings_of(in_frames), HasSubstr("No image is available")) << mode;
    EXPECT_TRUE(in_frames.mmif->annotations(types::TextDocument).empty()) << mode;
  }
}

TEST_F(LostParts, OfADamagedVideoAreNamedAndTheRestIsRead) {
  const auto reply = post(with_clip(body(), damaged("hole.mkv", 0.3, 0.5, true)), "sampleEvery=0.5");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_THAT(warnings_of(reply), testing::ContainsRegex("video d1: .* are missing: 0:0[12]\\.[0-9]{3} to 0:0[2345]\\.[0-9]{3}"));
  const auto found = read(reply);
  ASSERT_GE(found.size(), 4U);
  EXPECT_EQ(found.front(), Found(0, kLines[0]));
  EXPECT_EQ(found.back(), Found(5500, kLines[5]));
  for (const auto& [time, text] : found) EXPECT_EQ(text, kLines[time / 1000]) << time;
}

TEST_F(LostParts, AWholeVideoHasNoWarning) {
  for (const char* query : {"sampleEvery=1", "sampleEvery=7"}) EXPECT_THAT(warnings_of(post(body(), query)), IsEmpty());
  EXPECT_THAT(warnings_of(post(body(point("tp_1", 500) + ", " + point("tp_2", 5990)))), IsEmpty());
}

TEST_F(LostParts, OneVideoOfTwoThatCannotBeReadCostsNothingOfTheOther) {
  ASSERT_TRUE(base::write_file_atomically(path("text.mp4"), std::string(4000, 'x')));
  for (const bool first : {true, false}) {
    const std::string bad = video("d1", path("text.mp4")), good = video("d2", clip());
    const auto reply = post(mmif_with(first ? std::vector{bad, good} : std::vector{good, bad}), "sampleEvery=5");
    ASSERT_EQ(reply.status, 200U) << reply.bytes;
    EXPECT_THAT(warnings_of(reply), HasSubstr("video d1 could not be read and was left out: "));
    EXPECT_THAT(warnings_of(reply), HasSubstr(path("text.mp4")));
    EXPECT_EQ(reply.mmif->annotations(types::TextDocument).size(), 2U);
  }
}

// As phones write it: stored lying on its side, with a matrix that turns it.
TEST_F(LostParts, ATurnedVideoIsReadUpright) {
  const auto line = ocr::test::sample_line(1);
  constexpr int kWidth = 80, kHeight = 1160;
  for (const int degrees : {90, 270}) {
    media::testing::VideoTrack track{.encoder = "mjpeg", .width = kWidth, .height = kHeight, .frames = 3, .turn_degrees = degrees};
    track.paint = [&](int, media::Image& image) {
      for (int y = 0; y < ocr::test::kLineHeight; ++y)
        for (int x = 0; x < ocr::test::kLineWidth; ++x) {
          const int shown_y = y + 18;
          const int stored_x = degrees == 90 ? shown_y : kWidth - 1 - shown_y;
          const int stored_y = degrees == 90 ? kHeight - 1 - x : x;
          image.pixels[static_cast<std::size_t>(stored_y) * image.stride + static_cast<std::size_t>(stored_x)] =
              line[static_cast<std::size_t>(y * ocr::test::kLineWidth + x)];
        }
    };
    ASSERT_TRUE(media::testing::write_clip(path("turned.mov"), track));
    const auto reply = post(mmif_with({video("d1", path("turned.mov"))}), "sampleEvery=1&levels=line");
    EXPECT_THAT(read(reply), ElementsAre(Found(0, kLines[0]))) << degrees << reply.bytes;
    // Boxes are those of the upright picture, 1160 x 80.
    const auto boxes = last_view(reply).annotations(types::BoundingBox);
    ASSERT_EQ(boxes.size(), 1U);
    EXPECT_GT((*(*boxes[0]->find("coordinates")->array())[3].array())[0].as_double().value_or(-1), 900) << degrees;
  }
}

TEST_F(Videos, AVideoWithoutAnnotationsSaysWhatToDo) {
  const auto reply = post(body());
  EXPECT_EQ(reply.status, 200U);
  EXPECT_THAT(warnings_of(reply), HasSubstr("sampleEvery=1"));
}

TEST_F(Videos, AMissingOrBrokenVideoIsNamed) {
  const auto missing = post(mmif_with({video("d1", path("none.mp4"))}), "sampleEvery=1");
  EXPECT_EQ(missing.status, 500U);
  EXPECT_THAT(error_of(missing), HasSubstr("FileNotFoundError"));
  EXPECT_THAT(error_of(missing), HasSubstr(path("none.mp4")));
  ASSERT_TRUE(base::write_file_atomically(path("text.mp4"), std::string(4000, 'x')));
  const auto broken = post(mmif_with({video("d1", path("text.mp4"))}), "sampleEvery=1");
  EXPECT_EQ(broken.status, 500U);
  EXPECT_THAT(error_of(broken), HasSubstr(path("text.mp4")));
  EXPECT_THAT(error_of(broken), HasSubstr("truncated or damaged"));
}

TEST_F(Videos, AStopEndsTheRequest) {
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    stop.request_stop();
  });
  EXPECT_NE(post(body(), "sampleEvery=0.04", stop.get_token()).status, 200U);
}

TEST_F(Videos, ImagesAndVideosMayStandTogether) {
  ocr::test::write_title(path("a.png"));
  const auto reply = post(mmif_with({video("d1", clip()), test::image("d2", path("a.png"))}), "sampleEvery=5");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_EQ(reply.mmif->annotations(types::TextDocument).size(), 3U);
}

}  // namespace
}  // namespace ocr_app
