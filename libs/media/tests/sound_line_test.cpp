// Where frames of sound lie, without any file.
#include "sound_line.hpp"

#include <gmock/gmock.h>

namespace media {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Reason = Gap::Reason;
using Time = SoundLine::Time;
using namespace std::chrono_literals;

constexpr int kRate = 48'000;
constexpr std::int64_t kFrame = 960;  // 20 ms
constexpr Time kMs = 1000;

// Feeds frames of 20 ms and counts what would be written.
class Feed {
 public:
  explicit Feed(Time start = 0) : line(start) {}
  void one(std::optional<Time> stamp, bool damaged = false) {
    const auto step = line.place(stamp, kFrame, kRate, damaged);
    silence += step.silence;
    samples += static_cast<std::uint64_t>(step.silence);
    if (step.leap) line.leap_at(samples);
    samples += kFrame;
  }
  // From `stamp` on, as many as fit into `length`.
  void run(Time stamp, Time length, Time jitter = 0) {
    for (Time at = 0; at < length; at += 20 * kMs) one(stamp + at + (at / (20 * kMs) % 2 == 0 ? jitter : -jitter));
  }

  SoundLine line;
  std::int64_t silence = 0;
  std::uint64_t samples = 0;
};

TEST(SoundLine, WithoutAHoleIsOneStretch) {
  Feed feed;
  feed.run(0, 10'000 * kMs);
  EXPECT_EQ(feed.silence, 0);
  EXPECT_THAT(feed.line.stretches(), ElementsAre(AudioStretch{0, 0ms}));
  EXPECT_TRUE(feed.line.completeness().complete());
  EXPECT_EQ(feed.line.completeness().expected, 10'000ms);
}

TEST(SoundLine, ALostPacketIsSilenceOfItsLength) {
  Feed feed;
  feed.run(0, 1000 * kMs);
  feed.one(1020 * kMs, true);
  feed.run(1040 * kMs, 1000 * kMs);
  EXPECT_EQ(feed.silence, kFrame);
  EXPECT_THAT(feed.line.stretches(), SizeIs(1));
  EXPECT_THAT(feed.line.completeness().gaps, ElementsAre(Gap{1000ms, 1020ms, Reason::Damaged}));
}

TEST(SoundLine, PacketsThatWereNeverStoredAreAJump) {
  Feed feed;
  feed.run(0, 1000 * kMs);
  feed.run(1500 * kMs, 100 * kMs);
  EXPECT_EQ(feed.silence, kRate / 2);
  EXPECT_THAT(feed.line.completeness().gaps, ElementsAre(Gap{1000ms, 1500ms, Reason::Jump}));
}

TEST(SoundLine, ALongHoleBeginsANewStretchAndCostsNoSamples) {
  Feed feed;
  feed.run(0, 1000 * kMs);
  feed.run(Time{3'600'000} * kMs, 1000 * kMs);
  EXPECT_EQ(feed.silence, 0);
  EXPECT_THAT(feed.line.stretches(), ElementsAre(AudioStretch{0, 0ms}, AudioStretch{kRate, 3'600'000ms}));
  EXPECT_THAT(feed.line.completeness().gaps, ElementsAre(Gap{1000ms, 3'600'000ms, Reason::Jump}));
  EXPECT_EQ(feed.line.completeness().expected, 3'601'000ms);
}

TEST(SoundLine, RoundedAndUnsteadyTimeStampsAreNoHoles) {
  Feed feed;
  feed.run(0, 10'000 * kMs, 7 * kMs);
  EXPECT_EQ(feed.silence, 0);
  EXPECT_TRUE(feed.line.completeness().complete());
  EXPECT_NEAR(static_cast<double>(feed.line.position()), 10'000 * kMs, 7 * kMs);
}

TEST(SoundLine, HolesThatAreShortOfAFrameDoNotAddUpUnseen) {
  Feed feed;
  for (Time n = 0; n < 500; ++n) feed.one(n * 21 * kMs);  // 20 ms every 21 ms
  EXPECT_NEAR(static_cast<double>(feed.line.position()), 499 * 21'000 + 20'000, 20'000);
  EXPECT_NEAR(static_cast<double>(feed.line.completeness().missing().count()), 499, 20);
}

TEST(SoundLine, ABeginningThatCannotBeDecodedIsMissing) {
  Feed feed;
  feed.one(500 * kMs, true);
  EXPECT_EQ(feed.silence, kRate / 2);
  EXPECT_THAT(feed.line.completeness().gaps, ElementsAre(Gap{0ms, 500ms, Reason::Damaged}));
  Feed late;
  late.one(5000 * kMs, true);
  EXPECT_THAT(late.line.stretches(), ElementsAre(AudioStretch{0, 5000ms}));
}

TEST(SoundLine, SamplesThatACodingLeavesOutAtItsBeginningAreNotMissing) {
  Feed feed;
  feed.run(23 * kMs, 1000 * kMs);
  EXPECT_TRUE(feed.line.completeness().complete());
  EXPECT_THAT(feed.line.stretches(), ElementsAre(AudioStretch{0, 23ms}));
}

TEST(SoundLine, TimeStampsThatBeginAnewAreTakenAsIfTheyWentOn) {
  Feed feed;
  feed.run(0, 10'000 * kMs);
  feed.run(0, 4000 * kMs);
  feed.run(4500 * kMs, 1000 * kMs);  // a hole of the second part
  EXPECT_THAT(feed.line.stretches(), SizeIs(1));
  EXPECT_THAT(feed.line.completeness().steps_back, ElementsAre(StepBack{10'000ms, 10'000ms}));
  EXPECT_THAT(feed.line.completeness().gaps, ElementsAre(Gap{14'000ms, 14'500ms, Reason::Jump}));
  EXPECT_EQ(feed.line.position(), 15'500 * kMs);
}

TEST(SoundLine, TimeStampsThatStandStillAreOneStepBack) {
  Feed feed;
  feed.run(0, 5000 * kMs);
  for (int n = 0; n < 200; ++n) feed.one(5000 * kMs);
  ASSERT_THAT(feed.line.completeness().steps_back, SizeIs(1));
  EXPECT_NEAR(static_cast<double>(feed.line.completeness().steps_back[0].by.count()), 4000, 130);
}

TEST(SoundLine, AnAbruptEndCountsWhereNothingElseIsKnown) {
  Feed feed;
  feed.run(0, 1000 * kMs);
  feed.line.finish({.abrupt = true});
  EXPECT_EQ(feed.line.completeness().cut_at, 1000ms);
  Feed known;
  known.run(0, 1000 * kMs);
  known.line.finish({.stated = 2000 * kMs, .abrupt = true});
  EXPECT_FALSE(known.line.completeness().cut_at);
}

TEST(SoundLine, AFewStrayTimeStampsMoveNothingThatFollows) {
  for (const Time stray : {100 * kMs, 5800 * kMs, Time{90'000} * kMs, Time{1} << 60, -(Time{1} << 60)}) {
    Feed feed;
    feed.run(0, 5000 * kMs);
    feed.one(stray);
    feed.one(stray + 20 * kMs);
    feed.run(5040 * kMs, 5000 * kMs);
    EXPECT_TRUE(feed.line.completeness().complete()) << stray << ": " << describe(feed.line.completeness());
    EXPECT_EQ(feed.line.position(), 10'040 * kMs) << stray;
    // The time of the last sample by the stretches.
    const auto& last = feed.line.stretches().back();
    EXPECT_EQ(last.time + std::chrono::milliseconds((feed.samples - last.first) / (kRate / 1000)), 10'040ms) << stray;
  }
}

TEST(SoundLine, FramesWithoutTimeStampsFollowTheOneBefore) {
  Feed feed;
  for (int n = 0; n < 50; ++n) feed.one(std::nullopt);
  EXPECT_EQ(feed.line.position(), 1000 * kMs);
}

TEST(SoundLine, ARateThatChangesMovesNothing) {
  SoundLine line(0);
  for (int n = 0; n < 50; ++n) line.place(n * 20 * kMs, 882, 44'100, false);
  for (int n = 50; n < 100; ++n) line.place(n * 20 * kMs, kFrame, kRate, false);
  EXPECT_EQ(line.position(), 2000 * kMs);
  EXPECT_TRUE(line.completeness().complete());
}

TEST(SoundLine, WhatTheFileStatesBeyondItsEndIsMissing) {
  Feed feed;
  feed.run(0, 9000 * kMs);
  feed.line.finish({.stated = 19'000 * kMs, .packets = 9000 * kMs, .slack = 100 * kMs});
  EXPECT_THAT(feed.line.completeness().gaps, ElementsAre(Gap{9000ms, 19'000ms, Reason::EndsEarly}));
  EXPECT_EQ(feed.line.completeness().expected, 19'000ms);
}

TEST(SoundLine, PacketsAtTheEndThatCannotBeDecodedAreDamageAndNotItsEnd) {
  Feed feed;
  feed.run(0, 9000 * kMs);
  feed.line.finish({.stated = 19'000 * kMs, .packets = 15'000 * kMs, .slack = 100 * kMs});
  EXPECT_THAT(feed.line.completeness().gaps,
              ElementsAre(Gap{9000ms, 15'000ms, Reason::Damaged}, Gap{15'000ms, 19'000ms, Reason::EndsEarly}));
}

TEST(SoundLine, WithinTheSlackNothingIsMissing) {
  Feed feed;
  feed.run(0, 9000 * kMs);
  feed.line.finish({.stated = 9080 * kMs, .packets = 9080 * kMs, .slack = 100 * kMs});
  EXPECT_TRUE(feed.line.completeness().complete());
}

TEST(SoundLine, OfAStreamWithoutASampleIsMissingWhole) {
  Feed feed;
  feed.line.finish({.stated = 19'000 * kMs, .packets = 0, .slack = 100 * kMs});
  EXPECT_DOUBLE_EQ(feed.line.completeness().missing_share(), 1);
  Feed unknown;
  unknown.line.finish({});
  EXPECT_THAT(unknown.line.completeness().gaps, IsEmpty());
}

}  // namespace
}  // namespace media
