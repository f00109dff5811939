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

TEST_F(Damaged, WhatIsMissingFromACutFileIsAHoleAndNotItsEnd) {
  ASSERT_TRUE(write_clip(path("cut.mkv"), VideoTrack{.encoder = "mjpeg", .frames = 200}));
  std::filesystem::resize_file(path("cut.mkv"), std::filesystem::file_size(path("cut.mkv")) / 2);
  auto reader = VideoReader::open(path("cut.mkv"));
  ASSERT_TRUE(reader) << reader.error().message;
  ASSERT_GT(reader->info().duration, 7s) << "the clip no longer says how long it was";
  auto frame = reader->frame_at(1s);
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ(read_number((*frame)->image), 25);
  auto hole = reader->frame_at(7s);
  ASSERT_TRUE(hole) << hole.error().message;
  EXPECT_FALSE(*hole);
  auto after = reader->frame_at(1h);
  ASSERT_TRUE(after && *after);
  EXPECT_TRUE((*after)->past_end);
  int count = 0;
  EXPECT_TRUE(reader->every(1s, [&](std::chrono::milliseconds, const VideoFrame&) { return ++count, true; }));
  EXPECT_GE(count, 3);
  EXPECT_LE(count, 5);
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
        const auto frame = video->frame_at(at, limits);
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
