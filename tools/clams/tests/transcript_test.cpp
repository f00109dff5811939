#include "transcript.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace clams::tool {
namespace {

mmif::Value entry(mmif::Value start, mmif::Value end, std::string_view text) {
  return mmif::Object{{"start-time", std::move(start)}, {"end-time", std::move(end)}, {"text", text}};
}

const mmif::Array kTalk{entry(0, 1500, "Good day."), entry(3'661'001, 3'662'500.9, "a <b>\n&  c --> d"),
                        entry(nullptr, nullptr, "untimed"), entry(5, 6, " ")};

TEST(Transcript, as_text_is_a_line_for_each_sentence) {
  EXPECT_EQ(transcript_text(kTalk, TranscriptFormat::Text).value(), "Good day.\na <b> & c --> d\nuntimed\n");
}

TEST(Transcript, as_srt_has_numbers_and_commas) {
  EXPECT_EQ(transcript_text(kTalk, TranscriptFormat::SubRip).value(),
            "1\n00:00:00,000 --> 00:00:01,500\nGood day.\n\n2\n01:01:01,001 --> 01:01:02,500\na <b> & c --> d\n\n");
}

TEST(Transcript, as_webvtt_holds_no_markup) {
  EXPECT_EQ(
      transcript_text(kTalk, TranscriptFormat::WebVtt).value(),
      "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nGood day.\n\n01:01:01.001 --> 01:01:02.500\na &lt;b&gt; &amp; c --&gt; d\n\n");
}

TEST(Transcript, a_cue_lasts_at_least_a_millisecond) {
  EXPECT_THAT(transcript_text({entry(7, 7, "x")}, TranscriptFormat::SubRip).value(),
              testing::HasSubstr("00:00:00,007 --> 00:00:00,008"));
}

TEST(Transcript, that_is_empty_or_has_no_times_is_said) {
  EXPECT_THAT(transcript_text({}, TranscriptFormat::Text).error().message,
              testing::StartsWith("no view of this MMIF has a transcript"));
  EXPECT_THAT(transcript_text({entry(nullptr, nullptr, "x")}, TranscriptFormat::WebVtt).error().message,
              testing::HasSubstr("-f txt"));
}

}  // namespace
}  // namespace clams::tool
