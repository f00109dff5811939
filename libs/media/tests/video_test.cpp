#include "media/video.hpp"

#include <gmock/gmock.h>

#include "media/testing/clip.hpp"
#include "temporary_directory.hpp"

namespace media {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using testing::read_number;
using testing::VideoTrack;
using testing::write_clip;
using namespace std::chrono_literals;

struct Container {
  std::string name;
  std::string file;
  std::string encoder;
  int b_frames;
};

// The same demands on every container and coding: with and without index, with frames coded out of order.
class VideoFile : public InTemporaryDirectory, public ::testing::WithParamInterface<Container> {
 protected:
  VideoReader clip(VideoTrack track = {}) {
    track.encoder = GetParam().encoder;
    track.b_frames = GetParam().b_frames;
    const auto written = write_clip(path(GetParam().file), track);
    EXPECT_TRUE(written) << written.error().message;
    auto reader = VideoReader::open(path(GetParam().file));
    EXPECT_TRUE(reader) << reader.error().message;
    return std::move(reader).value();
  }
  static int number_at(VideoReader& reader, milliseconds wanted) {
    auto frame = reader.frame_at(wanted);
    EXPECT_TRUE(frame) << frame.error().message;
    return *frame ? read_number((*frame)->image) : -1;
  }
};

INSTANTIATE_TEST_SUITE_P(
    Containers, VideoFile,
    ::testing::Values(Container{"Mpeg4InMp4", "a.mp4", "mpeg4", 0}, Container{"Mpeg4InMatroska", "a.mkv", "mpeg4", 0},
                      Container{"Mpeg4InAvi", "a.avi", "mpeg4", 0}, Container{"MjpegInAvi", "b.avi", "mjpeg", 0},
                      Container{"MjpegInMov", "b.mov", "mjpeg", 0}, Container{"Mpeg4WithBFramesInMp4", "c.mp4", "mpeg4", 2},
                      Container{"Mpeg4WithBFramesInMatroska", "c.mkv", "mpeg4", 2},
                      Container{"Mpeg4InTransportStream", "d.ts", "mpeg4", 0},
                      Container{"Mpeg4WithBFramesInTransportStream", "e.ts", "mpeg4", 2},
                      Container{"H264InMp4", "f.mp4", "libx264", 2}, Container{"H264InMatroska", "f.mkv", "libx264", 2},
                      Container{"H264InTransportStream", "f.ts", "libx264", 2}),
    [](const auto& instance) { return instance.param.name; });

TEST_P(VideoFile, TellsRateSizeAndLength) {
  const VideoReader reader = clip();
  EXPECT_EQ(reader.info().fps, 25);
  EXPECT_NEAR(static_cast<double>(reader.info().frame_count), 50, 2);
  EXPECT_NEAR(static_cast<double>(reader.info().duration.count()), 2000, 80);
  EXPECT_EQ(reader.info().width, 192);
  EXPECT_EQ(reader.info().height, 64);
  EXPECT_FALSE(reader.info().codec.empty());
}

TEST_P(VideoFile, GivesTheNearestFrameForEveryAscendingTime) {
  VideoReader reader = clip();
  for (int ms = 0; ms < 1970; ms += 7) EXPECT_EQ(number_at(reader, milliseconds(ms)), (ms + 20) / 40) << ms;
}

TEST_P(VideoFile, GivesTheLaterOfTwoEquallyNearFrames) {
  VideoReader reader = clip();
  EXPECT_EQ(number_at(reader, 19ms), 0);
  EXPECT_EQ(number_at(reader, 20ms), 1);
  EXPECT_EQ(number_at(reader, 21ms), 1);
}

TEST_P(VideoFile, GivesTheSameFramesInAnyOrder) {
  VideoReader reader = clip({.frames = 300});
  std::uint32_t random = 7;
  for (int i = 0; i < 120; ++i) {
    random = random * 1664525 + 1013904223;
    const int ms = static_cast<int>(random >> 8) % 11'960;
    EXPECT_EQ(number_at(reader, milliseconds(ms)), (ms + 20) / 40) << ms;
  }
}

TEST_P(VideoFile, GivesTheLastFrameWithAFlagPastTheEnd) {
  VideoReader reader = clip();
  for (const auto wanted : {milliseconds(2100), milliseconds(1h), milliseconds::max()}) {
    auto frame = reader.frame_at(wanted);
    ASSERT_TRUE(frame) << frame.error().message;
    ASSERT_TRUE(*frame);
    EXPECT_TRUE((*frame)->past_end);
    EXPECT_EQ(read_number((*frame)->image), 49);
    EXPECT_EQ((*frame)->time, 1960ms);
  }
  EXPECT_EQ(number_at(reader, 0ms), 0);
}

TEST_P(VideoFile, TheLastFrameItselfIsNotPastTheEnd) {
  VideoReader reader = clip();
  auto frame = reader.frame_at(1970ms);
  ASSERT_TRUE(frame);
  ASSERT_TRUE(*frame);
  EXPECT_FALSE((*frame)->past_end);
  EXPECT_EQ(read_number((*frame)->image), 49);
}

TEST_P(VideoFile, HasNoFrameBeforeItsBeginning) {
  VideoReader reader = clip();
  auto frame = reader.frame_at(-41ms);
  ASSERT_TRUE(frame);
  EXPECT_FALSE(*frame);
  EXPECT_EQ(number_at(reader, -40ms), 0);
}

TEST_P(VideoFile, WalksByStepsToTheEnd) {
  VideoReader reader = clip();
  std::vector<int> numbers;
  std::vector<std::int64_t> wanted;
  ASSERT_TRUE(reader.every(500ms, [&](milliseconds at, VideoFrame frame) {
    wanted.push_back(at.count());
    numbers.push_back(read_number(frame.image));
    return true;
  }));
  EXPECT_THAT(wanted, ::testing::ElementsAre(0, 500, 1000, 1500));
  EXPECT_THAT(numbers, ::testing::ElementsAre(0, 13, 25, 38));  // 12.5 and 37.5: the later
}

class Video : public InTemporaryDirectory {};

TEST_F(Video, AHoleInTheTimeLineGivesNoImage) {
  VideoTrack track{.encoder = "mjpeg", .frames = 4, .times = {0ms, 40ms, 5000ms, 5040ms}};
  ASSERT_TRUE(write_clip(path("hole.mkv"), track));
  auto reader = VideoReader::open(path("hole.mkv"));
  ASSERT_TRUE(reader) << reader.error().message;
  for (const auto& [wanted, number] : std::vector<std::pair<milliseconds, int>>{{40ms, 1}, {5000ms, 2}, {5040ms, 3}, {0ms, 0}}) {
    auto frame = reader->frame_at(wanted);
    ASSERT_TRUE(frame && *frame) << wanted.count();
    EXPECT_EQ(read_number((*frame)->image), number);
  }
  auto frame = reader->frame_at(2500ms);
  ASSERT_TRUE(frame);
  EXPECT_FALSE(*frame);
  std::vector<std::int64_t> seen;
  ASSERT_TRUE(reader->every(100ms, [&](milliseconds wanted, const VideoFrame&) { return seen.push_back(wanted.count()), true; }));
  EXPECT_THAT(seen, ::testing::ElementsAre(0, 5000));
}

TEST_F(Video, FramesCanBeColour) {
  ASSERT_TRUE(write_clip(path("a.mp4"), VideoTrack{}));
  auto reader = VideoReader::open(path("a.mp4"), {.format = PixelFormat::Rgb24});
  ASSERT_TRUE(reader);
  auto frame = reader->frame_at(400ms);
  ASSERT_TRUE(frame && *frame);
  const Image& image = (*frame)->image;
  EXPECT_EQ(image.format, PixelFormat::Rgb24);
  EXPECT_GE(image.stride, 192U * 3);
  EXPECT_EQ(read_number(image), 10);
  const auto* pixel = image.row(32) + 3 * (192 / 20 * 3);  // bit 1, white
  EXPECT_GT(pixel[0], 240);
  EXPECT_GT(pixel[1], 240);
  EXPECT_GT(pixel[2], 240);
}

TEST_F(Video, GreyUsesTheWholeRangeOfAByte) {
  ASSERT_TRUE(write_clip(path("a.mp4"), VideoTrack{}));
  auto reader = VideoReader::open(path("a.mp4"));
  ASSERT_TRUE(reader);
  auto frame = reader->frame_at(40ms);
  ASSERT_TRUE(frame && *frame);
  EXPECT_GT((*frame)->image.row(32)[9], 250);
  EXPECT_LT((*frame)->image.row(32)[100], 5);
}

TEST_F(Video, AnEarlyEndOfTheWalkIsNoError) {
  ASSERT_TRUE(write_clip(path("a.mp4"), VideoTrack{}));
  auto reader = VideoReader::open(path("a.mp4"));
  ASSERT_TRUE(reader);
  int count = 0;
  EXPECT_TRUE(reader->every(40ms, [&](milliseconds, const VideoFrame&) { return ++count < 3; }));
  EXPECT_EQ(count, 3);
  const auto status = reader->every(0ms, [](milliseconds, const VideoFrame&) { return true; });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::InvalidArgument);
}

TEST_F(Video, StopAndDeadlineEndACallAndTheReaderGoesOn) {
  ASSERT_TRUE(write_clip(path("a.mp4"), VideoTrack{}));
  auto reader = VideoReader::open(path("a.mp4"));
  ASSERT_TRUE(reader);
  std::stop_source stop;
  int count = 0;
  auto status = reader->every(40ms, [&](milliseconds, const VideoFrame&) { return ++count == 5 ? stop.request_stop() : true; },
                              {.stop = stop.get_token()});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::Cancelled);
  EXPECT_EQ(count, 5);

  auto late = reader->frame_at(1s, {.deadline = std::chrono::steady_clock::now() - 1s});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::Timeout);
  EXPECT_NE(late.error().message.find("a.mp4"), std::string::npos);

  auto frame = reader->frame_at(1s);
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ(read_number((*frame)->image), 25);

  auto open = VideoReader::open(path("a.mp4"), {}, {.stop = stop.get_token()});
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace media
