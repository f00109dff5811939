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
    const mmif::View& view = last_view(reply);
    for (const auto* alignment : view.annotations(types::Alignment)) {
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

TEST_F(Videos, PastTheEndTheLastFrameIsReadWithAWarning) {
  const auto reply = post(body(frame("tf_1", R"("start": 60000, "end": 62000)")), "tfSamplingMode=single");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_THAT(warnings_of(reply), HasSubstr("past the end of video d1"));
  const auto texts = reply.mmif->annotations(types::TextDocument);
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_EQ(texts[0]->text().value_or(""), kLines[5]);
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
