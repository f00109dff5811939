#include "media/video.hpp"

#include <gmock/gmock.h>

#include <array>

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

TEST_P(VideoFile, GivesNothingPastTheEnd) {
  VideoReader reader = clip();
  for (const auto wanted : {milliseconds(2000), milliseconds(2100), milliseconds(1h), milliseconds::max()}) {
    auto look = reader.frame_at(wanted);
    ASSERT_TRUE(look) << look.error().message;
    EXPECT_FALSE(*look) << wanted.count();
    EXPECT_EQ(look->absence, VideoLook::Absence::PastEnd) << wanted.count();
  }
  EXPECT_EQ(number_at(reader, 0ms), 0);
}

TEST_P(VideoFile, AWholeFileHasNoLosses) {
  VideoReader reader = clip({.frames = 120});
  ASSERT_TRUE(reader.every(40ms, [](milliseconds, const VideoFrame& frame) {
    EXPECT_FALSE(frame.distorted);
    return true;
  }));
  EXPECT_TRUE(reader.losses().none()) << describe(reader.losses().missing);
  VideoReader skipping = clip({.frames = 120});
  ASSERT_TRUE(skipping.every(1s, [](milliseconds, const VideoFrame&) { return true; }));
  EXPECT_TRUE(skipping.losses().none()) << describe(skipping.losses().missing);
  ASSERT_TRUE(skipping.frame_at(1h));
  ASSERT_TRUE(skipping.frame_at(10ms));
  EXPECT_TRUE(skipping.losses().none()) << describe(skipping.losses().missing);
}

TEST_P(VideoFile, TheLastFrameItselfIsShownToTheEnd) {
  VideoReader reader = clip();
  EXPECT_EQ(number_at(reader, 1970ms), 49);
  EXPECT_EQ(number_at(reader, 1998ms), 49);
}

TEST_P(VideoFile, HasNoFrameBeforeItsBeginning) {
  VideoReader reader = clip();
  auto frame = reader.frame_at(-41ms);
  ASSERT_TRUE(frame);
  EXPECT_FALSE(*frame);
  EXPECT_EQ(frame->absence, VideoLook::Absence::BeforeBeginning);
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
  EXPECT_EQ(frame->absence, VideoLook::Absence::Gap);
  EXPECT_THAT(reader->losses().missing.gaps, ::testing::ElementsAre(Gap{80ms, 5000ms, Gap::Reason::Jump}));
  std::vector<std::int64_t> seen;
  ASSERT_TRUE(reader->every(100ms, [&](milliseconds wanted, const VideoFrame&) { return seen.push_back(wanted.count()), true; }));
  EXPECT_THAT(seen, ::testing::ElementsAre(0, 5000));
}

// A frame of a slide show is the picture until the next one comes.
TEST_F(Video, AFrameIsShownUntilTheNextOne) {
  for (const char* name : {"slides.mp4", "slides.mov"}) {
    VideoTrack track{.encoder = "mjpeg", .fps = 1, .frames = 4, .times = {0ms, 5000ms, 5040ms, 9000ms}};
    ASSERT_TRUE(write_clip(path(name), track));
    auto reader = VideoReader::open(path(name));
    ASSERT_TRUE(reader) << reader.error().message;
    for (const auto& [wanted, number] :
         std::vector<std::pair<milliseconds, int>>{{100ms, 0}, {2600ms, 0}, {4800ms, 0}, {4960ms, 1}, {7000ms, 2}, {8700ms, 2}}) {
      auto frame = reader->frame_at(wanted);
      ASSERT_TRUE(frame && *frame) << name << wanted.count();
      EXPECT_EQ(read_number((*frame)->image), number) << name << wanted.count();
    }
    EXPECT_TRUE(reader->losses().none());
  }
}

// The time axis is that of the file: frames that bear late times are not counted from 0.
TEST_F(Video, APictureThatBeginsAfterTheSoundKeepsItsTimes) {
  std::vector<milliseconds> times;
  for (int n = 0; n < 50; ++n) times.emplace_back(1500 + n * 40);
  // AAC begins with 64 ms that only mp4 can say to leave out.
  for (const auto& [name, begin] :
       std::vector<std::pair<std::string, int>>{{"late.mp4", 1500}, {"late.mkv", 1564}, {"late.ts", 1564}}) {
    ASSERT_TRUE(write_clip(path(name), VideoTrack{.frames = 50, .times = times},
                           testing::AudioTrack{.encoder = "aac", .samples = testing::tone(440, 4, 16'000)}));
    auto reader = VideoReader::open(path(name));
    ASSERT_TRUE(reader) << reader.error().message;
    auto before = reader->frame_at(500ms);
    ASSERT_TRUE(before) << before.error().message;
    EXPECT_FALSE(*before);
    EXPECT_EQ(before->absence, VideoLook::Absence::BeforeBeginning) << name;
    std::vector<std::int64_t> seen;
    ASSERT_TRUE(reader->every(100ms, [&](milliseconds wanted, const VideoFrame& frame) {
      EXPECT_NEAR(static_cast<double>(wanted.count()), begin + 40 * read_number(frame.image), 21) << name;
      return seen.push_back(wanted.count()), true;
    }));
    EXPECT_EQ(seen.front(), begin == 1500 ? 1500 : 1600) << name;
    EXPECT_EQ(seen.back(), begin == 1500 ? 3400 : 3500) << name;
    EXPECT_TRUE(reader->losses().none()) << name << ": " << describe(reader->losses().missing);
  }
}

// Where the dark corner of a picture is, of four.
std::string dark_corner(const Image& image) {
  const auto value = [&](int x, int y) { return static_cast<int>(image.row(y)[x]); };
  const int right = image.width - 8, bottom = image.height - 8;
  if (value(8, 8) < 64) return "top left";
  if (value(right, 8) < 64) return "top right";
  if (value(8, bottom) < 64) return "bottom left";
  return value(right, bottom) < 64 ? "bottom right" : "none";
}

TEST_F(Video, TheDisplayMatrixIsHeeded) {
  const auto dark_top_left = [](int, Image& image) {
    for (int y = 0; y < 24; ++y) std::fill_n(image.pixels.begin() + y * static_cast<int>(image.stride), 24, std::uint8_t{0});
  };
  for (const auto& [degrees, corner] :
       std::vector<std::pair<int, std::string>>{{0, "top left"}, {90, "top right"}, {180, "bottom right"}, {270, "bottom left"}}) {
    ASSERT_TRUE(
        write_clip(path("t.mov"), VideoTrack{.encoder = "mjpeg", .frames = 5, .turn_degrees = degrees, .paint = dark_top_left}));
    auto reader = VideoReader::open(path("t.mov"));
    ASSERT_TRUE(reader);
    auto frame = reader->frame_at(0ms);
    ASSERT_TRUE(frame && *frame);
    const bool across = degrees % 180 != 0;
    EXPECT_EQ((*frame)->image.width, across ? 64 : 192) << degrees;
    EXPECT_EQ((*frame)->image.height, across ? 192 : 64) << degrees;
    EXPECT_EQ(reader->info().width, (*frame)->image.width) << degrees;
    EXPECT_EQ(reader->info().height, (*frame)->image.height) << degrees;
    EXPECT_EQ(dark_corner((*frame)->image), corner) << degrees;
  }
}

TEST_F(Video, PixelsAreMadeSquareByStretchingTheShorterSide) {
  for (const auto& [w, h, width, height] :
       std::vector<std::array<int, 4>>{{1, 1, 192, 64}, {2, 1, 384, 64}, {1, 2, 192, 128}, {16, 11, 279, 64}}) {
    ASSERT_TRUE(write_clip(path("s.mp4"), VideoTrack{.frames = 5, .pixel_width = w, .pixel_height = h}));
    auto reader = VideoReader::open(path("s.mp4"));
    ASSERT_TRUE(reader);
    auto frame = reader->frame_at(40ms);
    ASSERT_TRUE(frame && *frame);
    EXPECT_EQ((*frame)->image.width, width) << w << ":" << h;
    EXPECT_EQ((*frame)->image.height, height) << w << ":" << h;
    EXPECT_EQ(reader->info().width, width);
    EXPECT_EQ(read_number((*frame)->image), 1);
  }
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
