// Sound of files that were cut, hit, or whose time stamps jump.
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>

#include "base/files.hpp"
#include "media/audio.hpp"
#include "media/libav_log.hpp"
#include "media/testing/clip.hpp"
#include "temporary_directory.hpp"

namespace media {
namespace {

using testing::AudioTrack;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::tone;
using testing::VideoTrack;
using testing::write_clip;
using Reason = Gap::Reason;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr int kRate = 16'000;

struct Read {
  std::vector<float> samples;
  std::vector<AudioStretch> stretches;
  Completeness completeness;
};

Read read(const std::string& path) {
  auto reader = AudioReader::open(path);
  EXPECT_TRUE(reader) << reader.error().message;
  if (!reader) return {};
  auto samples = reader->read_all();
  EXPECT_TRUE(samples) << samples.error().message;
  return {std::move(samples).value(), reader->stretches(), reader->completeness()};
}

// Low tone for the first half, high tone for the second: what lies where can be heard.
std::vector<float> low_then_high(double seconds, int rate = kRate) {
  auto samples = tone(300, seconds / 2, rate);
  const auto high = tone(2000, seconds / 2, rate);
  samples.insert(samples.end(), high.begin(), high.end());
  return samples;
}

// When the high tone begins, in the time of the file.
milliseconds high_tone_begins(const Read& sound) {
  constexpr std::size_t kWindow = 400;  // 25 ms: 7 or 50 waves
  for (std::size_t at = 0; at + kWindow < sound.samples.size(); at += 40) {
    int rises = 0;
    for (std::size_t n = at + 1; n < at + kWindow; ++n) rises += sound.samples[n - 1] < -0.05F && sound.samples[n] >= 0 ? 1 : 0;
    if (rises < 20) continue;
    const AudioStretch* stretch = &sound.stretches.front();
    for (const auto& other : sound.stretches)
      if (other.first <= at) stretch = &other;
    return stretch->time + milliseconds((at - stretch->first) / (kRate / 1000));
  }
  ADD_FAILURE() << "no high tone";
  return 0ms;
}

class SoundDamage : public InTemporaryDirectory {
 protected:
  void SetUp() override {
    InTemporaryDirectory::SetUp();
    set_libav_log(LibavLog::Quiet);
  }
  void cut(const std::string& name, double share) {
    std::filesystem::resize_file(path(name),
                                 static_cast<std::uintmax_t>(share * static_cast<double>(std::filesystem::file_size(path(name)))));
  }
  // Overwrites `count` bytes from `share` of the file on.
  void hit(const std::string& name, double share, std::size_t count) {
    std::string bytes = base::read_file(path(name)).value();
    const auto at = static_cast<std::size_t>(share * static_cast<double>(bytes.size()));
    std::uint32_t random = 1;
    for (std::size_t n = at; n < std::min(at + count, bytes.size()); ++n)
      bytes[n] = static_cast<char>((random = random * 1664525 + 1013904223) >> 24);
    ASSERT_TRUE(base::write_file_atomically(path(name), bytes));
  }
};

struct Stored {
  std::string name, file, encoder;
  bool video;
};

class StatedLength : public SoundDamage, public ::testing::WithParamInterface<Stored> {
 protected:
  void write(double seconds) {
    const auto& stored = GetParam();
    const auto video =
        stored.video ? std::optional(VideoTrack{.encoder = "mpeg4", .frames = static_cast<int>(seconds * 25)}) : std::nullopt;
    const auto written = write_clip(path(stored.file), video, AudioTrack{stored.encoder, kRate, 1, low_then_high(seconds)});
    ASSERT_TRUE(written) << written.error().message;
  }
};

INSTANTIATE_TEST_SUITE_P(Containers, StatedLength,
                         ::testing::Values(Stored{"Wav", "a.wav", "pcm_s16le", false}, Stored{"Mp3", "a.mp3", "libmp3lame", false},
                                           Stored{"Matroska", "a.mkv", "aac", false},
                                           Stored{"MatroskaPcm", "b.mkv", "pcm_s16le", false},
                                           Stored{"MatroskaWithVideo", "c.mkv", "aac", true},
                                           Stored{"Flac", "a.flac", "flac", false}, Stored{"Avi", "a.avi", "libmp3lame", false},
                                           Stored{"AviWithVideo", "b.avi", "libmp3lame", true}),
                         [](const auto& instance) { return instance.param.name; });

TEST_P(StatedLength, OfAWholeFileIsThere) {
  write(6);
  const Read whole = read(path(GetParam().file));
  EXPECT_TRUE(whole.completeness.complete()) << describe(whole.completeness);
  EXPECT_NEAR(static_cast<double>(whole.completeness.expected.count()), 6000, 120);
  EXPECT_NEAR(static_cast<double>(high_tone_begins(whole).count()), 3000, 120);
}

// What a coding adds at both ends depends on how much of the last frame is sound.
TEST_P(StatedLength, OfAWholeFileIsThereWhateverItsLengthIs) {
  for (double seconds = 2; seconds < 2.15; seconds += 0.011) {
    write(seconds);
    const Read whole = read(path(GetParam().file));
    EXPECT_TRUE(whole.completeness.complete()) << seconds << " s: " << describe(whole.completeness);
  }
}

TEST_P(StatedLength, OfAFileThatWasCutIsNamedWhereverItWasCut) {
  write(6);
  const std::string whole = base::read_file(path(GetParam().file)).value();
  for (const double share : {0.25, 0.5, 0.77, 0.9}) {
    ASSERT_TRUE(base::write_file_atomically(path(GetParam().file), whole));
    cut(GetParam().file, share);
    const Read part = read(path(GetParam().file));
    const double there = static_cast<double>(part.samples.size()) / (kRate / 1000);
    ASSERT_THAT(part.completeness.gaps, ::testing::Not(IsEmpty())) << share;
    const Gap& gap = part.completeness.gaps.back();
    EXPECT_EQ(gap.reason, Reason::EndsEarly) << share;
    EXPECT_NEAR(static_cast<double>(part.completeness.gaps.front().from.count()), there, 120) << share;
    EXPECT_NEAR(static_cast<double>(gap.to.count()), 6000, 120) << share;
    EXPECT_NEAR(static_cast<double>(part.completeness.missing().count()), 6000 - there, 120) << share;
    EXPECT_NEAR(there / 6000, share, 0.25) << share;
  }
}

TEST_F(SoundDamage, AWavHeadThatWasNeverFilledInStatesNothing) {
  ASSERT_TRUE(write_clip(path("a.wav"), std::nullopt, AudioTrack{.samples = tone(440, 2, kRate)}));
  std::string bytes = base::read_file(path("a.wav")).value();
  const std::size_t data = bytes.find("data");
  ASSERT_NE(data, std::string::npos);
  bytes.replace(data + 4, 4, "\xFF\xFF\xFF\xFF");
  ASSERT_TRUE(base::write_file_atomically(path("a.wav"), bytes));
  EXPECT_TRUE(read(path("a.wav")).completeness.complete());
}

// These containers do not state how long they are.
TEST_F(SoundDamage, AFileOfUnknownLengthThatWasCutSaysWhere) {
  for (const auto& [name, encoder] : std::vector<std::pair<std::string, std::string>>{{"a.ogg", "flac"}, {"a.ts", "aac"}}) {
    ASSERT_TRUE(write_clip(path(name), std::nullopt, AudioTrack{encoder, kRate, 1, low_then_high(6)}));
    EXPECT_TRUE(read(path(name)).completeness.complete()) << name;
    cut(name, 0.701);
    const Read part = read(path(name));
    ASSERT_TRUE(part.completeness.cut_at) << name;
    EXPECT_NEAR(static_cast<double>(part.completeness.cut_at->count()), static_cast<double>(part.samples.size()) / 16, 100) << name;
    EXPECT_THAT(describe(part.completeness), ::testing::HasSubstr("cut off at 0:0")) << name;
  }
}

// The sound ends before the pictures, as it was made.
TEST_F(SoundDamage, SoundThatIsShorterThanTheVideoIsWhole) {
  for (const std::string name : {"a.mp4", "a.mkv", "a.avi", "a.ts"}) {
    const auto encoder = name == "a.avi" ? "libmp3lame" : "aac";
    ASSERT_TRUE(
        write_clip(path(name), VideoTrack{.encoder = "mpeg4", .frames = 200}, AudioTrack{encoder, kRate, 1, low_then_high(4)}));
    const Read sound = read(path(name));
    EXPECT_TRUE(sound.completeness.complete()) << name << ": " << describe(sound.completeness);
    EXPECT_NEAR(static_cast<double>(sound.completeness.expected.count()), 4000, 150) << name;
  }
}

TEST_F(SoundDamage, PacketsThatAreHitDoNotMoveWhatFollows) {
  for (const std::string name : {"a.mp4", "a.mkv", "a.ts"}) {
    ASSERT_TRUE(write_clip(path(name), std::nullopt, AudioTrack{"aac", kRate, 1, low_then_high(10)}));
    const auto begins = high_tone_begins(read(path(name)));
    for (const std::size_t bytes : {400U, 6000U}) {
      hit(name, 0.25, bytes);
      const Read sound = read(path(name));
      EXPECT_THAT(sound.completeness.gaps, ::testing::Not(IsEmpty())) << name << bytes;
      for (const auto& gap : sound.completeness.gaps) EXPECT_LT(gap.to, 5000ms) << name << bytes;
      EXPECT_NEAR(static_cast<double>(high_tone_begins(sound).count()), static_cast<double>(begins.count()), 70) << name << bytes;
      EXPECT_NEAR(static_cast<double>(sound.completeness.expected.count()), 10'000, 120) << name << bytes;
    }
  }
}

TEST_F(SoundDamage, TimeStampsThatJumpPlaceWhatFollows) {
  for (const auto jump : {400ms, 5000ms, 3'600'000ms}) {
    AudioTrack track{"aac", kRate, 1, low_then_high(6)};
    track.jumps = {{2900ms, jump}};
    ASSERT_TRUE(write_clip(path("jump.mkv"), std::nullopt, track));
    const Read sound = read(path("jump.mkv"));
    ASSERT_THAT(sound.completeness.gaps, SizeIs(1)) << jump.count();
    EXPECT_EQ(sound.completeness.gaps[0].reason, Reason::Jump);
    EXPECT_NEAR(static_cast<double>(sound.completeness.gaps[0].length().count()), static_cast<double>(jump.count()), 70);
    EXPECT_NEAR(static_cast<double>(high_tone_begins(sound).count()), static_cast<double>((3000ms + jump).count()), 130);
    EXPECT_THAT(sound.stretches, SizeIs(jump > 1s ? 2 : 1));
    EXPECT_LT(sound.samples.size(), 8U * kRate) << "a long hole is not filled with silence";
  }
}

TEST_F(SoundDamage, TwoFilesThatWereJoinedAreHeardBoth) {
  ASSERT_TRUE(write_clip(path("a.ts"), std::nullopt, AudioTrack{"aac", kRate, 1, tone(300, 4, kRate)}));
  ASSERT_TRUE(write_clip(path("b.ts"), std::nullopt, AudioTrack{"aac", kRate, 1, tone(2000, 4, kRate)}));
  ASSERT_TRUE(
      base::write_file_atomically(path("c.ts"), base::read_file(path("a.ts")).value() + base::read_file(path("b.ts")).value()));
  const Read sound = read(path("c.ts"));
  EXPECT_NEAR(static_cast<double>(sound.samples.size()), 8.0 * kRate, 0.3 * kRate);
  EXPECT_NEAR(static_cast<double>(high_tone_begins(sound).count()), 4000, 200);
  EXPECT_THAT(sound.completeness.steps_back, SizeIs(1));
  EXPECT_THAT(describe(sound.completeness), ::testing::HasSubstr("step back"));
}

TEST_F(SoundDamage, AStreamWithoutAnyPacketHasNoSamplesAndNoError) {
  ASSERT_TRUE(write_clip(path("none.mkv"), VideoTrack{.encoder = "mpeg4"}, AudioTrack{"pcm_s16le", kRate, 1, {}}));
  EXPECT_THAT(read(path("none.mkv")).samples, IsEmpty());
  ASSERT_TRUE(write_clip(path("none.wav"), std::nullopt, AudioTrack{"pcm_s16le", kRate, 1, {}}));
  const Read empty = read(path("none.wav"));
  EXPECT_THAT(empty.samples, IsEmpty());
  EXPECT_TRUE(empty.completeness.complete());
}

}  // namespace
}  // namespace media
