#include "base/duration.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

namespace base {
namespace {
using namespace std::chrono_literals;

TEST(Duration, ReadsWhatPeopleType) {
  EXPECT_EQ(*parse_duration("30s"), 30s);
  EXPECT_EQ(*parse_duration("5m"), 5min);
  EXPECT_EQ(*parse_duration("250ms"), 250ms);
  EXPECT_EQ(*parse_duration("0.5"), 500ms);
  EXPECT_EQ(*parse_duration("2h"), 2h);
  EXPECT_EQ(*parse_duration("-1"), -1s);
}

TEST(Duration, RefusesTheRest) {
  for (const char* bad : {"", "s", "-2s", "-2", "5 parsecs", "nan", "inf", "1e300"}) EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(Duration, PrintsShort) {
  EXPECT_EQ(to_string(5min), "5m");
  EXPECT_EQ(to_string(30s), "30s");
  EXPECT_EQ(to_string(250ms), "250ms");
  EXPECT_EQ(to_string(0ms), "0s");
}

// Made before any clock, so destroyed after it would be: as a thread that is stuck in a driver, it asks while the process ends.
struct AsksAtTheVeryEnd {
  bool on = false;
  ~AsksAtTheVeryEnd() {
    if (on) _exit(system_clock().monotonic() > 0ns ? 7 : 8);
  }
} asks_at_the_very_end;

TEST(SystemClockDeathTest, IsThereUntilTheProcessHasEnded) {
  const auto end = [] {
    asks_at_the_very_end.on = true;
    (void)system_clock().wall();
    std::exit(0);
  };
  EXPECT_EXIT(end(), ::testing::ExitedWithCode(7), "");
}

TEST(FakeClock, MovesOnlyWhenTold) {
  const FakeClock clock;
  const auto before = clock.monotonic();
  EXPECT_EQ(clock.monotonic(), before);
  clock.sleep_for(3s);
  EXPECT_EQ(clock.monotonic() - before, 3s);
}

}  // namespace
}  // namespace base
