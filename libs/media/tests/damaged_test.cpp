// Files that are missing, no media, cut short or altered.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/files.hpp"
#include "media/audio.hpp"
#include "media/libav_log.hpp"
#include "media/testing/clip.hpp"
#include "media/video.hpp"
#include "temporary_directory.hpp"

namespace media {
namespace {

using base::ErrorCode;
using testing::AudioTrack;
using testing::read_number;
using testing::tone;
using testing::VideoTrack;
using testing::write_clip;
using namespace std::chrono_literals;

class Damaged : public InTemporaryDirectory {
 protected:
  void SetUp() override {
    InTemporaryDirectory::SetUp();
    set_libav_log(LibavLog::Quiet);
  }
  void expect_open_fails(const std::string& file, ErrorCode code, const std::string& word) {
    const auto reader = VideoReader::open(file);
    ASSERT_FALSE(reader) << file;
    EXPECT_EQ(reader.error().code, code) << reader.error().message;
    EXPECT_NE(reader.error().message.find(file), std::string::npos) << reader.error().message;
    EXPECT_NE(reader.error().message.find(word), std::string::npos) << reader.error().message;
  }
};

TEST_F(Damaged, AMissingFileIsNotFound) { expect_open_fails(path("none.mp4"), ErrorCode::NotFound, "No such file"); }

TEST_F(Damaged, ADirectoryAndAPipeAreNoMediaFiles) {
  expect_open_fails(std::filesystem::path(path("x")).parent_path().string(), ErrorCode::InvalidArgument, "not a regular file");
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  expect_open_fails(path("pipe"), ErrorCode::InvalidArgument, "not a regular file");
}

TEST_F(Damaged, TextIsNoMediaFile) {
  ASSERT_TRUE(base::write_file_atomically(path("a.mp4"), std::string(5000, 'x')));
  expect_open_fails(path("a.mp4"), ErrorCode::Corrupt, "no media file");
  ASSERT_TRUE(base::write_file_atomically(path("empty.mp4"), ""));
  expect_open_fails(path("empty.mp4"), ErrorCode::Corrupt, "truncated");
}

TEST_F(Damaged, SoundHasNoVideo) {
  ASSERT_TRUE(write_clip(path("a.wav"), std::nullopt, AudioTrack{.samples = tone(440, 1, 16'000)}));
  expect_open_fails(path("a.wav"), ErrorCode::InvalidArgument, "no video stream");
}

// The index of an mp4 stands at its end unless it was moved.
TEST_F(Damaged, AnMp4CutBeforeItsIndexSaysTruncated) {
  ASSERT_TRUE(write_clip(path("a.mp4"), VideoTrack{}));
  std::filesystem::resize_file(path("a.mp4"), std::filesystem::file_size(path("a.mp4")) / 2);
  expect_open_fails(path("a.mp4"), ErrorCode::Corrupt, "truncated");
}

// Reads every frame; what is lost on the way.
VideoLosses losses_of(const std::string& file, std::vector<std::int64_t>* times = nullptr, std::chrono::milliseconds step = 40ms) {
  auto reader = VideoReader::open(file);
  EXPECT_TRUE(reader) << reader.error().message;
  if (!reader) return {};
  const auto status = reader->every(step, [&](std::chrono::milliseconds wanted, const VideoFrame&) {
    if (times != nullptr) times->push_back(wanted.count());
    return true;
  });
  EXPECT_TRUE(status) << status.error().message;
  return reader->losses();
}

TEST_F(Damaged, WhatIsMissingFromACutFileIsAGapAndNotItsEnd) {
  ASSERT_TRUE(write_clip(path("cut.mkv"), VideoTrack{.encoder = "mjpeg", .frames = 200}));
  std::filesystem::resize_file(path("cut.mkv"), std::filesystem::file_size(path("cut.mkv")) / 2);
  auto reader = VideoReader::open(path("cut.mkv"));
  ASSERT_TRUE(reader) << reader.error().message;
  ASSERT_GT(reader->info().duration, 7s) << "the clip no longer says how long it was";
  auto frame = reader->frame_at(1s);
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ(read_number((*frame)->image), 25);
  EXPECT_TRUE(reader->losses().none()) << "nothing was lost up to here";
  auto hole = reader->frame_at(7s);
  ASSERT_TRUE(hole) << hole.error().message;
  EXPECT_FALSE(*hole);
  EXPECT_EQ(hole->absence, VideoLook::Absence::Gap);
  auto after = reader->frame_at(1h);
  ASSERT_TRUE(after);
  EXPECT_FALSE(*after);
  EXPECT_EQ(after->absence, VideoLook::Absence::PastEnd);
  int count = 0;
  EXPECT_TRUE(reader->every(1s, [&](std::chrono::milliseconds, const VideoFrame&) { return ++count, true; }));
  EXPECT_GE(count, 3);
  EXPECT_LE(count, 5);
  const auto losses = reader->losses().missing;
  ASSERT_EQ(losses.gaps.size(), 1U) << describe(losses);
  EXPECT_EQ(losses.gaps[0].reason, Gap::Reason::EndsEarly);
  EXPECT_EQ(losses.gaps[0].to, 8s);
  EXPECT_EQ(losses.expected, 8s);
  EXPECT_NEAR(losses.missing_share(), 0.5, 0.05);
}

// Of a container that states a length for each stream and one for the file; mkv states the first in a tag.
TEST_F(Damaged, ACutFileWithSoundStatesWhatIsMissingOfItsPictures) {
  for (const char* name : {"a.mkv", "a.avi"}) {
    ASSERT_TRUE(
        write_clip(path(name), VideoTrack{.encoder = "mjpeg", .frames = 200}, AudioTrack{.samples = tone(440, 12, 16'000)}));
    EXPECT_TRUE(losses_of(path(name)).none()) << name << ": sound that goes on is no loss of pictures";
    std::filesystem::resize_file(path(name), std::filesystem::file_size(path(name)) / 3);
    const auto losses = losses_of(path(name)).missing;
    ASSERT_EQ(losses.gaps.size(), 1U) << name << describe(losses);
    EXPECT_NEAR(static_cast<double>(losses.gaps[0].to.count()), 8000, 40) << name;
  }
}

class DamagedBytes : public Damaged {
 protected:
  // 0 where frame `first` to `last` of an MJPEG clip in `file` are stored.
  void wipe_frames(const std::string& file, int first, int last) {
    auto bytes = base::read_file(file).value();
    std::size_t at = 0;
    int n = -1;
    for (std::size_t next; (next = bytes.find("\xff\xd8\xff", at)) != std::string::npos; at = next + 3) {
      if (++n < first) continue;
      if (n > last) break;
      const std::size_t end = bytes.find("\xff\xd9", next);
      ASSERT_NE(end, std::string::npos);
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(next), bytes.begin() + static_cast<std::ptrdiff_t>(end + 2), '\0');
    }
    ASSERT_GT(n, first);
    ASSERT_TRUE(base::write_file_atomically(file, bytes));
  }
};

TEST_F(DamagedBytes, AStretchThatCannotBeDecodedIsAGapWithWholeFramesOnBothSides) {
  for (const char* name : {"a.mkv", "a.avi", "a.mov"}) {
    ASSERT_TRUE(write_clip(path(name), VideoTrack{.encoder = "mjpeg", .frames = 100}));
    wipe_frames(path(name), 30, 49);
    std::vector<std::int64_t> times;
    const auto losses = losses_of(path(name), &times).missing;
    ASSERT_EQ(losses.gaps.size(), 1U) << name << ": " << describe(losses);
    EXPECT_EQ(losses.gaps[0], (Gap{1200ms, 2000ms, Gap::Reason::Damaged})) << name;
    EXPECT_EQ(losses.expected, 4s) << name;
    EXPECT_EQ(times.size(), 80U) << name;
    for (const auto time : times) EXPECT_TRUE(time < 1200 || time >= 2000) << name << time;
    auto reader = VideoReader::open(path(name));
    ASSERT_TRUE(reader);
    auto look = reader->frame_at(1500ms);
    ASSERT_TRUE(look);
    EXPECT_FALSE(*look);
    EXPECT_EQ(look->absence, VideoLook::Absence::Gap);
  }
}

TEST_F(DamagedBytes, OneLostFrameIsNamed) {
  ASSERT_TRUE(write_clip(path("a.mkv"), VideoTrack{.encoder = "mjpeg", .frames = 100}));
  wipe_frames(path("a.mkv"), 30, 30);
  EXPECT_EQ(losses_of(path("a.mkv")).missing.gaps, (std::vector<Gap>{{1200ms, 1240ms, Gap::Reason::Damaged}}));
}

TEST_F(DamagedBytes, ALostBeginningIsNamed) {
  ASSERT_TRUE(write_clip(path("a.mkv"), VideoTrack{.encoder = "mjpeg", .frames = 100}));
  wipe_frames(path("a.mkv"), 0, 24);
  EXPECT_EQ(losses_of(path("a.mkv")).missing.gaps, (std::vector<Gap>{{0ms, 1000ms, Gap::Reason::Damaged}}));
}

TEST_F(DamagedBytes, ALostEndIsNamed) {
  ASSERT_TRUE(write_clip(path("a.mkv"), VideoTrack{.encoder = "mjpeg", .frames = 100}));
  wipe_frames(path("a.mkv"), 75, 99);
  EXPECT_EQ(losses_of(path("a.mkv")).missing.gaps, (std::vector<Gap>{{3000ms, 4000ms, Gap::Reason::Damaged}}));
}

// Predicted frames after the damage lean on it until the next key frame.
TEST_F(Damaged, FramesThatLeanOnDamageSaySo) {
  ASSERT_TRUE(write_clip(path("a.mkv"), VideoTrack{.encoder = "mpeg4", .frames = 100, .key_frame_every = 25}));
  auto bytes = base::read_file(path("a.mkv")).value();
  for (std::size_t i = bytes.size() / 2; i < bytes.size() / 2 + 40; ++i) bytes[i] = static_cast<char>(~bytes[i]);
  ASSERT_TRUE(base::write_file_atomically(path("b.mkv"), bytes));
  auto reader = VideoReader::open(path("b.mkv"));
  ASSERT_TRUE(reader);
  int distorted = 0, whole = 0;
  ASSERT_TRUE(reader->every(
      40ms, [&](std::chrono::milliseconds, const VideoFrame& frame) { return ++(frame.distorted ? distorted : whole), true; }));
  EXPECT_GT(distorted + static_cast<int>(reader->losses().missing.missing() / 40ms), 0);
  EXPECT_LE(distorted, 25);
  EXPECT_GT(whole, 70);
}

TEST_F(Damaged, OneWrongTimeStampFarAheadDoesNotHideWhatFollows) {
  std::vector<std::chrono::milliseconds> times;
  for (int n = 0; n < 50; ++n) times.emplace_back(n * 40);
  ASSERT_TRUE(write_clip(path("a.mkv"), VideoTrack{.encoder = "mjpeg", .frames = 50, .times = times}));
  // A block keeps its time as 16 bits beside that of its cluster: frame 20 moves by 24.8 seconds.
  auto bytes = base::read_file(path("a.mkv")).value();
  std::size_t at = 0;
  for (int n = 0; n <= 20; ++n) at = bytes.find("\xff\xd8\xff", at) + 3;
  const std::size_t block_time = at - 3 - 3;
  ASSERT_LT(static_cast<unsigned char>(bytes[block_time]), 4) << "no time of a block stands here";
  bytes[block_time] = '\x61';
  ASSERT_TRUE(base::write_file_atomically(path("a.mkv"), bytes));
  std::vector<std::int64_t> seen;
  const auto losses = losses_of(path("a.mkv"), &seen);
  EXPECT_EQ(seen.back(), 1960);
  EXPECT_GE(seen.size(), 49U);
  EXPECT_EQ(losses.missing.gaps, (std::vector<Gap>{{800ms, 840ms, Gap::Reason::Damaged}}));
}

// Two recordings in one transport stream, each with times from 0.
TEST_F(Damaged, FramesThatComeAfterAStepBackInTimeAreNamedAndNotFiled) {
  ASSERT_TRUE(write_clip(path("a.ts"), VideoTrack{.frames = 100}));
  ASSERT_TRUE(write_clip(path("b.ts"), VideoTrack{.frames = 50}));
  ASSERT_TRUE(
      base::write_file_atomically(path("c.ts"), base::read_file(path("a.ts")).value() + base::read_file(path("b.ts")).value()));
  auto reader = VideoReader::open(path("c.ts"));
  ASSERT_TRUE(reader);
  ASSERT_TRUE(reader->every(40ms, [&](std::chrono::milliseconds wanted, const VideoFrame& frame) {
    EXPECT_EQ(read_number(frame.image), wanted / 40ms);
    return true;
  }));
  EXPECT_NEAR(static_cast<double>(reader->losses().without_place), 50, 2);
  EXPECT_NEAR(static_cast<double>(reader->losses().step_back_at.count()), 4000, 80);
}

// A transport stream does not state how long it is; that it ends in the middle of a packet can be seen.
TEST_F(Damaged, ACutTransportStreamSaysSo) {
  ASSERT_TRUE(write_clip(path("a.ts"), VideoTrack{.frames = 100}));
  EXPECT_TRUE(losses_of(path("a.ts")).none());
  std::filesystem::resize_file(path("a.ts"), std::filesystem::file_size(path("a.ts")) / 2 / 188 * 188 + 100);
  const auto losses = losses_of(path("a.ts")).missing;
  ASSERT_TRUE(losses.cut_at);
  EXPECT_GT(*losses.cut_at, 1s);
  EXPECT_LT(*losses.cut_at, 3s);
}

TEST_F(Damaged, ACoverPictureIsNoVideo) {
  ASSERT_TRUE(testing::write_sound_with_cover(path("a.mp3")));
  expect_open_fails(path("a.mp3"), ErrorCode::InvalidArgument, "only a cover picture");
}

TEST_F(Damaged, AStreamWithoutAFrameSaysSo) {
  ASSERT_TRUE(write_clip(path("a.mp4"), VideoTrack{.encoder = "mpeg4", .frames = 0},
                         AudioTrack{.encoder = "aac", .samples = tone(440, 2, 16'000)}));
  auto reader = VideoReader::open(path("a.mp4"));
  if (!reader) {
    EXPECT_NE(reader.error().message.find(path("a.mp4")), std::string::npos);
    return;
  }
  const auto look = reader->frame_at(0ms);
  ASSERT_FALSE(look);
  EXPECT_NE(look.error().message.find("holds no frame"), std::string::npos) << look.error().message;
}

TEST_F(Damaged, APlaylistCannotOpenOtherFiles) {
  ASSERT_TRUE(write_clip(path("secret.ts"), VideoTrack{}));
  ASSERT_TRUE(base::write_file_atomically(
      path("a.m3u8"), "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n" + path("secret.ts") + "\n#EXT-X-ENDLIST\n"));
  EXPECT_FALSE(VideoReader::open(path("a.m3u8")));
  ASSERT_TRUE(base::write_file_atomically(path("a.ffconcat"), "ffconcat version 1.0\nfile secret.ts\n"));
  EXPECT_FALSE(VideoReader::open(path("a.ffconcat")));
}

TEST_F(Damaged, ANameThatLooksLikeAProtocolIsAFileName) {
  const auto reader = VideoReader::open("http://127.0.0.1:9/a.mp4");
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::NotFound) << reader.error().message;
}

// Flipped bytes all over a file: errors or other pictures, never a crash or an endless read.
TEST_F(Damaged, AlteredBytesNeverCrashTheReader) {
  ASSERT_TRUE(write_clip(path("a.mkv"), VideoTrack{}, AudioTrack{.samples = tone(440, 2, 16'000)}));
  const auto whole = base::read_file(path("a.mkv"));
  ASSERT_TRUE(whole);
  std::uint32_t random = 1;
  const auto next = [&random] { return random = random * 1664525 + 1013904223; };
  for (int round = 0; round < 60; ++round) {
    std::string bytes = *whole;
    for (int i = 0; i < 40; ++i) bytes[next() % bytes.size()] = static_cast<char>(next() >> 24);
    ASSERT_TRUE(base::write_file_atomically(path("b.mkv"), bytes));
    const Limits limits{.deadline = std::chrono::steady_clock::now() + 10s};
    if (auto video = VideoReader::open(path("b.mkv"), {}, limits)) {
      for (const auto at : {0ms, 500ms, 1900ms, 100ms, 9000ms}) {
        auto frame = video->frame_at(at, limits);
        EXPECT_TRUE(!frame || !*frame || !(*frame)->image.pixels.empty());
        EXPECT_TRUE(frame || frame.error().code != ErrorCode::Timeout);
      }
    }
    if (auto audio = AudioReader::open(path("b.mkv"), {}, limits)) {
      const auto samples = audio->read_all(1h, limits);
      EXPECT_TRUE(!samples || samples->size() <= 60U * 60 * 16'000);
    }
  }
}

}  // namespace
}  // namespace media
