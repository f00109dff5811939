#include "media/audio.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "media/testing/clip.hpp"
#include "temporary_directory.hpp"

namespace media {
namespace {

using base::ErrorCode;
using testing::AudioTrack;
using testing::tone;
using testing::VideoTrack;
using testing::write_clip;
using namespace std::chrono_literals;

struct Coding {
  std::string name, file, encoder;
  int rate, channels;
};

double root_mean_square(const std::vector<float>& samples) {
  double sum = 0;
  for (const float s : samples) sum += static_cast<double>(s) * s;
  return std::sqrt(sum / static_cast<double>(samples.size()));
}

// From the number of times the signal goes up through zero.
double hertz(const std::vector<float>& samples, double rate) {
  int rises = 0;
  for (std::size_t i = 1; i < samples.size(); ++i) rises += samples[i - 1] < 0 && samples[i] >= 0 ? 1 : 0;
  return rises * rate / static_cast<double>(samples.size());
}

class AudioFile : public InTemporaryDirectory, public ::testing::WithParamInterface<Coding> {
 protected:
  AudioReader clip(double seconds) {
    const Coding& coding = GetParam();
    AudioTrack track{coding.encoder, coding.rate, coding.channels, tone(440, seconds, coding.rate)};
    const auto written = write_clip(path(coding.file), std::nullopt, track);
    EXPECT_TRUE(written) << written.error().message;
    auto reader = AudioReader::open(path(coding.file));
    EXPECT_TRUE(reader) << reader.error().message;
    return std::move(reader).value();
  }
};

INSTANTIATE_TEST_SUITE_P(
    Codings, AudioFile,
    ::testing::Values(Coding{"Wav16k", "a.wav", "pcm_s16le", 16'000, 1}, Coding{"WavStereo44k", "b.wav", "pcm_s16le", 44'100, 2},
                      Coding{"Wav8k", "c.wav", "pcm_s16le", 8'000, 1}, Coding{"Mp3", "d.mp3", "libmp3lame", 44'100, 2},
                      Coding{"AacInMp4", "e.mp4", "aac", 48'000, 2}, Coding{"AacInMatroska", "f.mkv", "aac", 48'000, 1}),
    [](const auto& instance) { return instance.param.name; });

TEST_P(AudioFile, ComesAs16kMonoOfTheSameLengthPitchAndLoudness) {
  AudioReader reader = clip(3);
  EXPECT_EQ(reader.info().source_rate, GetParam().rate);
  EXPECT_EQ(reader.info().channels, GetParam().channels);
  EXPECT_NEAR(static_cast<double>(reader.info().duration.count()), 3000, 120);
  auto samples = reader.read_all();
  ASSERT_TRUE(samples) << samples.error().message;
  EXPECT_NEAR(static_cast<double>(samples->size()), 48'000, 2'000);
  EXPECT_NEAR(hertz(*samples, 16'000), 440, 8);
  EXPECT_NEAR(root_mean_square(*samples), 0.5 / std::sqrt(2.0), 0.03);
}

TEST_P(AudioFile, BlocksOfAnySizeGiveTheSameSamplesAsAllAtOnce) {
  AudioReader whole = clip(1);
  const auto expected = whole.read_all();
  ASSERT_TRUE(expected);
  auto reader = AudioReader::open(path(GetParam().file));
  ASSERT_TRUE(reader);
  std::vector<float> joined, block(777);
  for (;;) {
    const auto count = reader->read(block);
    ASSERT_TRUE(count) << count.error().message;
    joined.insert(joined.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(*count));
    if (*count < block.size()) break;
  }
  EXPECT_EQ(joined, *expected);
  EXPECT_EQ(*reader->read(block), 0U);
}

class Audio : public InTemporaryDirectory {};

TEST_F(Audio, IsFoundBesideVideo) {
  ASSERT_TRUE(write_clip(path("both.mp4"), VideoTrack{}, AudioTrack{"aac", 44'100, 1, tone(300, 2, 44'100)}));
  auto reader = AudioReader::open(path("both.mp4"));
  ASSERT_TRUE(reader) << reader.error().message;
  const auto samples = reader->read_all();
  ASSERT_TRUE(samples);
  EXPECT_NEAR(hertz(*samples, 16'000), 300, 8);
}

TEST_F(Audio, AVideoWithoutSoundSaysSo) {
  ASSERT_TRUE(write_clip(path("mute.mp4"), VideoTrack{}));
  const auto reader = AudioReader::open(path("mute.mp4"));
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::InvalidArgument);
  EXPECT_NE(reader.error().message.find("no audio stream"), std::string::npos) << reader.error().message;
}

TEST_F(Audio, MoreThanTheLongestIsRefusedInsteadOfHeld) {
  ASSERT_TRUE(write_clip(path("a.wav"), std::nullopt, AudioTrack{.samples = tone(440, 3, 16'000)}));
  auto reader = AudioReader::open(path("a.wav"));
  ASSERT_TRUE(reader);
  const auto samples = reader->read_all(2s);
  ASSERT_FALSE(samples);
  EXPECT_EQ(samples.error().code, ErrorCode::InvalidArgument);
  EXPECT_NE(samples.error().message.find("in blocks"), std::string::npos);
}

TEST_F(Audio, AnotherRateCanBeAskedFor) {
  ASSERT_TRUE(write_clip(path("a.wav"), std::nullopt, AudioTrack{.samples = tone(440, 1, 16'000)}));
  auto reader = AudioReader::open(path("a.wav"), {.rate = 8'000});
  ASSERT_TRUE(reader);
  EXPECT_NEAR(static_cast<double>(reader->read_all()->size()), 8'000, 100);
  EXPECT_EQ(AudioReader::open(path("a.wav"), {.rate = 1}).error().code, ErrorCode::InvalidArgument);
}

TEST_F(Audio, StopEndsTheRead) {
  ASSERT_TRUE(write_clip(path("a.wav"), std::nullopt, AudioTrack{.samples = tone(440, 1, 16'000)}));
  auto reader = AudioReader::open(path("a.wav"));
  ASSERT_TRUE(reader);
  std::stop_source stop;
  stop.request_stop();
  const auto samples = reader->read_all(1h, {.stop = stop.get_token()});
  ASSERT_FALSE(samples);
  EXPECT_EQ(samples.error().code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace media
