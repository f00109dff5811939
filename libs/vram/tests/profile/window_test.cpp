#include "profile/window.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "support.hpp"

namespace vram::profile {
namespace {

using test::kGiB;
using test::kMiB;
using test::run_of;
using Values = std::vector<std::uint64_t>;

Values concat(Values a, std::size_t count, std::uint64_t value) {
  a.insert(a.end(), count, value);
  return a;
}

TEST(Figure, IsEmptyWithoutSamples) { EXPECT_EQ(figure({}), std::nullopt); }

TEST(Figure, IsTheLargestOfFewSamples) {
  EXPECT_EQ(figure({7}), 7U);
  EXPECT_EQ(figure({5, 9, 1}), 9U);
  EXPECT_EQ(figure(concat({900}, 15, 100)), 900U);
}

TEST(Figure, FallsAfterARareHeavyRunAndIsGoneWithTheWindow) {
  std::uint64_t before = 900;
  EXPECT_EQ(figure(concat({900}, 16, 100)), 900U);
  for (std::size_t light = 17; light < 63; ++light) {
    const std::uint64_t now = *figure(concat({900}, light, 100));
    EXPECT_LT(now, before) << light;
    EXPECT_GT(now, 100U) << light;
    before = now;
  }
}

TEST(Figure, FallsAfterSeveralHeavyRunsOnceTheLastThirtyTwoAreLight) {
  EXPECT_EQ(figure(concat({900, 900, 900, 900, 900}, 20, 100)), 900U);
  EXPECT_LT(*figure(concat({900, 900, 900, 900, 900}, 40, 100)), 600U);
}

TEST(Figure, KeepsAHeavyRunThatComesOftenEnough) {
  Values values;
  for (int round = 0; round < 8; ++round) values = concat(concat(values, 7, 100), 1, 900);
  EXPECT_EQ(figure(values), 900U);
}

TEST(Figure, IsNeverBelowTheLastSixteenAndNeverAboveTheLargest) {
  EXPECT_TRUE(rc::check("bounds of the figure", [](const Values& raw) {
    RC_PRE(!raw.empty());
    Values values(raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(std::min(raw.size(), kWindow)));
    const std::uint64_t result = *figure(values);
    const auto recent = values.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(16, values.size()));
    RC_ASSERT(result >= *std::max_element(recent, values.end()));
    RC_ASSERT(result <= *std::max_element(values.begin(), values.end()));
  }));
}

TEST(Figure, NeverRisesBecauseALighterRunWasAdded) {
  EXPECT_TRUE(rc::check("a lighter run cannot raise it", [](const std::vector<std::uint32_t>& raw) {
    RC_PRE(!raw.empty());
    Values values(raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(std::min(raw.size(), kWindow)));
    const std::uint64_t before = *figure(values);
    const std::uint64_t lightest = *std::min_element(values.begin(), values.end());
    values.push_back(lightest);
    if (values.size() > kWindow) values.erase(values.begin());
    RC_ASSERT(*figure(values) <= before);
  }));
}

TEST(Judge, StoresOnlyCleanSamples) {
  Measurement run = run_of(kGiB);
  EXPECT_EQ(judge(run), SampleVerdict::Stored);
  run.contended = true;
  EXPECT_EQ(judge(run), SampleVerdict::Contended);
  EXPECT_EQ(judge(run_of(-kMiB)), SampleVerdict::Negative);
  EXPECT_EQ(judge(run_of(kMiB)), SampleVerdict::BelowNoise);
  EXPECT_EQ(judge(Measurement{}), SampleVerdict::Absent);
  Measurement half = run_of(kGiB);
  half.in_use = -1;
  EXPECT_EQ(judge(half), SampleVerdict::Negative);
}

TEST(Judge, TakesAZeroOfExactCountersOnAWarmRunOnly) {
  Measurement run;
  run.in_use = 0;
  run.instrument = Instrument::Allocator;
  EXPECT_EQ(judge(run), SampleVerdict::BelowNoise);
  run.kind = RunKind::Warm;
  EXPECT_EQ(judge(run), SampleVerdict::Stored);
  run.instrument = Instrument::Device;
  EXPECT_EQ(judge(run), SampleVerdict::BelowNoise);
}

TEST(Window, ChargesWhatTheDeviceSawWhereItIsKnown) {
  Measurement run = run_of(37 * kGiB);
  run.in_use = 28 * kGiB;
  const Sample both = to_sample(run, 1);
  EXPECT_EQ(both.charged(), static_cast<std::uint64_t>(37 * kGiB));
  run.visible.reset();
  EXPECT_EQ(to_sample(run, 1).charged(), static_cast<std::uint64_t>(28 * kGiB));
}

TEST(Window, KeepsTheNewestSixtyFour) {
  Window window;
  for (int i = 0; i < 100; ++i) append(window, {to_sample(run_of(kGiB), i)});
  ASSERT_EQ(window.size(), kWindow);
  EXPECT_EQ(window.front().at_ms, 36);
  EXPECT_EQ(window.back().at_ms, 99);
}

}  // namespace
}  // namespace vram::profile
