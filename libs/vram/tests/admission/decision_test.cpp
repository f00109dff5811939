#include "vram/decision.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace vram {
namespace {

using namespace base::literals;

DeviceFigures known(std::uint64_t total, std::uint64_t free, std::uint64_t charges, std::uint64_t unseen) {
  DeviceFigures f;
  f.total = Bytes(total);
  f.driver_free = Bytes(free);
  f.driver_known = true;
  f.charges = Bytes(charges);
  f.unseen = Bytes(unseen);
  return f;
}

// The formula in signed arithmetic, as it stands on paper.
std::uint64_t on_paper(const DeviceFigures& f, std::int64_t draining) {
  const auto n = [](Bytes b) { return static_cast<std::int64_t>(b.count()); };
  const std::int64_t by_ledger = n(f.total) - n(f.charges) - draining;
  const std::int64_t by_driver = n(f.driver_free) - n(f.unseen);
  const std::int64_t least = f.driver_known ? std::min(by_ledger, by_driver) : by_ledger;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, least - n(f.headroom)));
}

TEST(Decision, AgreesWithTheFormulaForEverySmallCombination) {
  for (std::uint64_t free = 0; free <= 6; ++free)
    for (std::uint64_t charges = 0; charges <= 8; ++charges)
      for (std::uint64_t unseen = 0; unseen <= charges; ++unseen)
        for (std::uint64_t draining = 0; draining <= 4; ++draining)
          for (std::uint64_t headroom = 0; headroom <= 3; ++headroom) {
            DeviceFigures f = known(6, free, charges, unseen);
            f.draining = f.draining_unsampled = Bytes(draining);
            f.headroom = Bytes(headroom);
            ASSERT_EQ(available(f).count(), on_paper(f, static_cast<std::int64_t>(draining)));
            f.driver_known = false;
            ASSERT_EQ(available(f).count(), on_paper(f, static_cast<std::int64_t>(draining)));
          }
}

TEST(Decision, NeverPromisesMoreThanTotalMinusHeadroomMinusCharges) {
  std::mt19937_64 random(20260101);
  for (int i = 0; i < 200'000; ++i) {
    const auto any = [&](std::uint64_t limit) { return random() % (limit + 1); };
    DeviceFigures f = known(1000, any(1000), any(1200), 0);
    f.unseen = Bytes(any(f.charges.count()));
    f.headroom = Bytes(any(300));
    f.draining = Bytes(any(400));
    f.draining_unsampled = Bytes(any(f.draining.count()));
    const Bytes granted = available(f);
    ASSERT_LE(granted, f.total - f.charges - f.headroom);
    ASSERT_LE(granted, f.driver_free - f.unseen);
    const Bytes need(any(1200));
    ASSERT_EQ(decide(f, need) == Verdict::Fits, need <= granted && need <= ceiling(f));
  }
}

TEST(Decision, TakesUnseenOffTheDriverTermOnly) {
  // 24 in all, a neighbour was promised 10 and holds none of it yet: 24 free by the driver, 14 are left, not 4.
  const DeviceFigures f = known(24, 24, 10, 10);
  EXPECT_EQ(available(f), Bytes(14));
}

TEST(Decision, CountsMemoryOutsideTheLedgerThroughTheFreeFigure) {
  // A stranger holds 9, a neighbour was promised 10 and holds all of it.
  EXPECT_EQ(available(known(24, 5, 10, 0)), Bytes(5));
}

TEST(Decision, DoesNotCountOurOwnMemoryTwice) {
  // All 10 promised bytes are held and shown as used: 14 free, 14 left.
  EXPECT_EQ(available(known(24, 14, 10, 0)), Bytes(14));
}

TEST(Decision, SaturatesAtZeroWhenMoreIsPromisedThanThereIs) {
  DeviceFigures f = known(24, 2, 30, 20);
  f.headroom = Bytes(5);
  EXPECT_EQ(available(f), Bytes(0));
}

TEST(Decision, HoldsBackTheDeadUntilASampleShowsTheirBytesBack) {
  DeviceFigures f = known(24, 14, 0, 0);  // the dead still hold 10
  f.draining = f.draining_unsampled = Bytes(10);
  EXPECT_EQ(effective_draining(f), Bytes(10));
  f.draining_unsampled = Bytes(0);
  EXPECT_EQ(effective_draining(f), Bytes(10)) << "sampled after the death, and 10 are still used by nobody who lives";
  f.driver_free = Bytes(21);
  EXPECT_EQ(effective_draining(f), Bytes(3));
  f.driver_free = Bytes(24);
  EXPECT_EQ(effective_draining(f), Bytes(0));
}

TEST(Decision, TakesWhatTheLivingHoldNotForTheMemoryOfTheDead) {
  DeviceFigures f = known(24, 16, 8, 0);  // the living hold 8, which is all that is used
  f.draining = Bytes(10);
  EXPECT_EQ(effective_draining(f), Bytes(0));
}

TEST(Decision, KeepsAllOfTheDrainingWithoutADriver) {
  DeviceFigures f = known(24, 24, 0, 0);
  f.driver_known = false;
  f.draining = Bytes(10);
  EXPECT_EQ(available(f), Bytes(14));
}

TEST(Decision, UnseenIsMeasuredByTheSmallerOfBeforeAndNow) {
  EXPECT_EQ(unseen_of(Bytes(10), Bytes(0), Bytes(10)), Bytes(10)) << "allocated after the sample";
  EXPECT_EQ(unseen_of(Bytes(10), Bytes(10), Bytes(0)), Bytes(10)) << "freed before the decision";
  EXPECT_EQ(unseen_of(Bytes(10), Bytes(4), Bytes(6)), Bytes(6));
  EXPECT_EQ(unseen_of(Bytes(10), Bytes(12), Bytes(12)), Bytes(0)) << "holds more than it was promised";
}

TEST(Decision, TellsNeverFromNotNow) {
  DeviceFigures f = known(24, 24, 0, 0);
  f.headroom = Bytes(4);
  EXPECT_EQ(decide(f, Bytes(20)), Verdict::Fits);
  EXPECT_EQ(decide(f, Bytes(21)), Verdict::NeverFits);
  f.charges = f.unseen = Bytes(5);
  EXPECT_EQ(decide(f, Bytes(20)), Verdict::Short);
  EXPECT_EQ(decide(f, Bytes(15)), Verdict::Fits);
}

}  // namespace
}  // namespace vram
