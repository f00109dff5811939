// Passages become cues that a person can read: length, time, order.
#include "cues.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "subtitle_format.hpp"

namespace clams::tool {
namespace {

using ::testing::ElementsAre;

Word word(std::string text, double start, double end) { return {std::move(text), false, mmif::Extent{start, end}}; }

// Words of `each` milliseconds, one after the other.
Passage spoken(const std::vector<std::string>& texts, double from = 0, double each = 300) {
  Passage passage;
  for (const std::string& text : texts) {
    passage.words.push_back(word(text, from, from + each));
    passage.text += (passage.text.empty() ? "" : " ") + text;
    from += each;
  }
  return passage;
}

TEST(Cues, have_the_times_of_their_own_words) {
  const Cues cues = cues_of({spoken({"Good", "evening."}, 1000)});
  ASSERT_EQ(cues.cues.size(), 1U);
  EXPECT_EQ(cues.cues[0].start, 1000);
  EXPECT_EQ(cues.cues[0].end, 2000) << "600 ms are too short to read, and nothing follows";
  EXPECT_THAT(cues.cues[0].lines, ElementsAre("Good evening."));
}

TEST(Cues, leave_no_single_word_behind) {
  const Cues cues = cues_of({spoken(
      {"And", "so", "my", "fellow", "Americans", "ask", "not", "what", "your", "country", "can", "do", "for", "you"}, 0, 510)});
  ASSERT_EQ(cues.cues.size(), 2U);
  EXPECT_GT(cues.cues[1].lines[0].size(), 10U) << cues.cues[1].lines[0];
}

TEST(Cues, end_at_a_pause) {
  Passage passage = spoken({"one", "two"});
  passage.words.push_back(word("three", 5000, 5300));
  const Cues cues = cues_of({passage});
  ASSERT_EQ(cues.cues.size(), 2U);
  EXPECT_EQ(cues.cues[1].start, 5000);
}

TEST(Cues, share_out_the_time_of_a_sentence_whose_words_have_none) {
  Passage passage;
  passage.text = "Eleven aaa. Eleven bbb.";
  passage.own = mmif::Extent{1000, 3400};
  const Cues cues = cues_of({passage}, {.line = 11, .lines = 1});
  ASSERT_EQ(cues.cues.size(), 2U);
  EXPECT_EQ(cues.cues[0].start, 1000);
  EXPECT_EQ(cues.cues[0].end, 2200);
  EXPECT_EQ(cues.cues[1].start, 2200);
  EXPECT_EQ(cues.cues[1].end, 3400);
}

TEST(Cues, count_what_has_no_time_at_all) {
  Passage passage;
  passage.text = "when?";
  const Cues cues = cues_of({passage, spoken({"now"})});
  EXPECT_EQ(cues.cues.size(), 1U);
  EXPECT_EQ(cues.without_time, 1U);
}

TEST(Cues, cut_texts_without_blanks_at_characters) {
  Passage passage;
  for (int n = 0; n < 30; ++n) passage.text += "語";
  passage.own = mmif::Extent{0, 6000};
  const Cues cues = cues_of({passage}, {.line = 10, .lines = 2});
  ASSERT_EQ(cues.cues.size(), 2U);
  for (const Cue& cue : cues.cues) {
    for (const std::string& line : cue.lines) EXPECT_LE(line.size(), 30U);
  }
}

TEST(Cues, never_overlap_and_keep_every_word) {
  std::mt19937 random(20261128);
  for (int round = 0; round < 300; ++round) {
    std::vector<Passage> passages;
    std::size_t count = 0;
    for (int n = 0; n < 6; ++n) {
      Passage passage;
      auto at = static_cast<double>(random() % 20000);
      for (std::size_t k = random() % 40; k > 0; --k) {
        const double end = at + static_cast<double>(random() % 900);
        passage.words.push_back(word(std::string(1 + random() % 50, 'x'), at, end));
        passage.text += "x";
        at = end + static_cast<double>(random() % 8 == 0 ? random() % 4000 : 0);
        ++count;
      }
      passages.push_back(passage);
    }
    const CueLimits limits;
    const Cues cues = cues_of(passages, limits);
    std::size_t words = 0;
    std::int64_t end = 0;
    for (const Cue& cue : cues.cues) {
      EXPECT_GE(cue.start, end) << "round " << round;
      EXPECT_GT(cue.end, cue.start);
      end = cue.end;
      for (const std::string& line : cue.lines) {
        const auto blanks = static_cast<std::size_t>(std::count(line.begin(), line.end(), ' '));
        words += blanks + 1;
        if (blanks > 0) { EXPECT_LE(line.size(), limits.line); }
      }
    }
    EXPECT_EQ(words, count) << "round " << round;
  }
}

TEST(SubtitleFormat, writes_webvtt_with_escapes) {
  EXPECT_EQ(vtt_text({{3'723'004, 3'725'000, {"a < b & c", "--> d"}}}),
            "WEBVTT\n\n01:02:03.004 --> 01:02:05.000\na &lt; b &amp; c\n--&gt; d\n\n");
}

TEST(SubtitleFormat, writes_subrip_with_numbers) {
  EXPECT_EQ(srt_text({{0, 1000, {"one"}}, {1000, 2500, {"two"}}}),
            "1\n00:00:00,000 --> 00:00:01,000\none\n\n2\n00:00:01,000 --> 00:00:02,500\ntwo\n\n");
}

}  // namespace
}  // namespace clams::tool
