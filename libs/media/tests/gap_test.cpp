#include "media/gap.hpp"

#include <gmock/gmock.h>

namespace media {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Reason = Gap::Reason;
using namespace std::chrono_literals;

std::vector<Gap> gaps(std::initializer_list<Gap> given) {
  std::vector<Gap> all;
  for (const Gap& gap : given) add_gap(all, gap);
  return all;
}

TEST(Gaps, OfOneReasonThatTouchAreOne) {
  EXPECT_THAT(gaps({{0ms, 10ms, Reason::Damaged}, {10ms, 20ms, Reason::Damaged}, {15ms, 18ms, Reason::Damaged}}),
              ElementsAre(Gap{0ms, 20ms, Reason::Damaged}));
  EXPECT_THAT(gaps({{0ms, 10ms, Reason::Damaged}, {11ms, 20ms, Reason::Damaged}}),
              ElementsAre(Gap{0ms, 10ms, Reason::Damaged}, Gap{11ms, 20ms, Reason::Damaged}));
}

TEST(Gaps, OfOtherReasonsNeverOverlap) {
  EXPECT_THAT(gaps({{0ms, 10ms, Reason::Jump}, {5ms, 20ms, Reason::EndsEarly}}),
              ElementsAre(Gap{0ms, 10ms, Reason::Jump}, Gap{10ms, 20ms, Reason::EndsEarly}));
  EXPECT_THAT(gaps({{0ms, 10ms, Reason::Jump}, {5ms, 9ms, Reason::EndsEarly}}), ElementsAre(Gap{0ms, 10ms, Reason::Jump}));
}

TEST(Gaps, WithoutALengthAreNone) { EXPECT_THAT(gaps({{5ms, 5ms, Reason::Jump}, {9ms, 3ms, Reason::Jump}}), IsEmpty()); }

TEST(Gaps, AreDescribedWithTimesShareAndReason) {
  const Completeness half{{{9500ms, 19'000ms, Reason::EndsEarly}}, 19s, {}};
  EXPECT_EQ(describe(half), "9.500 s of 19.000 s (50.0 %) are missing: 0:09.500 to 0:19.000 (the file ends early)");
  EXPECT_EQ(half.missing(), 9500ms);
  EXPECT_DOUBLE_EQ(half.missing_share(), 0.5);
  EXPECT_EQ(describe({{}, 19s, {}}), "");
}

TEST(Gaps, StandBesideStepsBackOfTheTimeStamps) {
  EXPECT_EQ(describe({{}, 20s, {{10s, 9s}}}),
            "the time stamps step back by 9.000 s at 0:10.000, what follows is timed as if they went on");
  EXPECT_THAT(describe({{{0ms, 1s, Reason::Damaged}}, 20s, {{10s, 9s}, {12s, 1s}}}),
              ::testing::StartsWith("1.000 s of 20.000 s (5.0 %) are missing: 0:00.000 to 0:01.000 (damaged); the time stamps step "
                                    "back by 9.000 s at 0:10.000 and 1 more times"));
  EXPECT_FALSE((Completeness{{}, 20s, {{10s, 9s}}}).complete());
}

TEST(Gaps, OfUnknownLengthAreNamedByWhereTheyBegin) {
  const Completeness cut{{}, 20s, {}, 20s};
  EXPECT_FALSE(cut.complete());
  EXPECT_EQ(describe(cut), "the file is cut off at 0:20.000, how much is missing is not known");
}

TEST(Gaps, OfAFileThatNamesNoLengthAreItsWhole) {
  EXPECT_DOUBLE_EQ((Completeness{{{0ms, 5ms, Reason::Damaged}}, 0ms, {}}).missing_share(), 1);
  EXPECT_DOUBLE_EQ((Completeness{{}, 0ms, {}}).missing_share(), 0);
}

TEST(Gaps, ThatAreManyAreNamedByLengthAndCounted) {
  Completeness many{{}, 100s, {}};
  for (int n = 0; n < 10; ++n)
    many.gaps.push_back({std::chrono::seconds(5 * n), std::chrono::seconds(5 * n) + (n == 7 ? 2s : 1s), Reason::Damaged});
  const std::string text = describe(many, 2);
  EXPECT_THAT(text, HasSubstr("11.000 s of 100.000 s (11.0 %)"));
  EXPECT_THAT(text, HasSubstr("0:00.000 to 0:01.000 (damaged), 0:35.000 to 0:37.000 (damaged), and 8 shorter"));
  EXPECT_THAT(text, Not(HasSubstr("0:05.000")));
}

TEST(ClockTime, CountsHoursFromAnHourOn) {
  EXPECT_EQ(clock_time(0ms), "0:00.000");
  EXPECT_EQ(clock_time(59'999ms), "0:59.999");
  EXPECT_EQ(clock_time(3'599'999ms), "59:59.999");
  EXPECT_EQ(clock_time(3'723'004ms), "1:02:03.004");
  EXPECT_EQ(clock_time(-1500ms), "-0:01.500");
}

}  // namespace
}  // namespace media
