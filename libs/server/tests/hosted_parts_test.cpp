// The parts of a front that decide about its workers, without any process.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "worker_plan.hpp"
#include "worker_records.hpp"

namespace clams::server {
namespace {

using namespace std::chrono_literals;
using base::Bytes;

std::chrono::steady_clock::time_point in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }
constexpr Bytes operator""_gib(unsigned long long count) { return Bytes(count << 30); }

TEST(WorkerPlan, AsManyAsFitBesideThoseThatHaveTheirs) {
  EXPECT_EQ(planned_workers({.warm = 1, .one_more = 8_gib, .available = {17_gib}}, 4), 3U);
  EXPECT_EQ(planned_workers({.warm = 0, .one_more = 8_gib, .available = {17_gib}}, 4), 2U);
  EXPECT_EQ(planned_workers({.warm = 2, .one_more = 8_gib, .available = {7_gib}}, 4), 2U);
}

TEST(WorkerPlan, RoomIsCountedOnEachDeviceByItself) {
  EXPECT_EQ(planned_workers({.warm = 0, .one_more = 8_gib, .available = {7_gib, 7_gib, 9_gib}}, 4), 1U);
  EXPECT_EQ(planned_workers({.warm = 0, .one_more = 8_gib, .available = {16_gib, 9_gib}}, 4), 3U);
}

TEST(WorkerPlan, NeverNoneAndNeverMoreThanAllowed) {
  EXPECT_EQ(planned_workers({.warm = 0, .one_more = 8_gib, .available = {1_gib}}, 4), 1U);
  EXPECT_EQ(planned_workers({.warm = 0, .one_more = 8_gib, .available = {}}, 4), 1U);
  EXPECT_EQ(planned_workers({.warm = 7, .one_more = 1_gib, .available = {80_gib}}, 4), 4U);
  EXPECT_EQ(planned_workers({.warm = 7, .one_more = 1_gib, .available = {80_gib}}, 0), 1U);
  EXPECT_EQ(planned_workers({.warm = 1, .one_more = Bytes(1), .available = {Bytes(~std::uint64_t{0})}}, 4), 4U);
}

TEST(WorkerPlan, WhileNothingIsKnownAllAreAllowed) {
  EXPECT_EQ(planned_workers({.warm = 0, .one_more = Bytes(), .available = {1_gib}}, 4), 4U);
}

class Records : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const std::uint64_t worker : {1UL, 2UL}) records->born(worker);
  }
  std::shared_ptr<WorkerRecords> records = std::make_shared<WorkerRecords>();
};

TEST_F(Records, WhoWasAdmittedElsewhereIsKnownUntilItsWorkerDies) {
  EXPECT_FALSE(records->elsewhere(2, "m", in(10s)));
  records->deciding(1, "m");
  records->admitted(1, "m");
  EXPECT_TRUE(records->elsewhere(2, "m", in(10s)));
  EXPECT_FALSE(records->elsewhere(1, "m", in(10s))) << "that is no other worker";
  EXPECT_FALSE(records->elsewhere(2, "n", in(10s)));
  records->died(1);
  EXPECT_FALSE(records->elsewhere(2, "m", in(10s)));
}

TEST_F(Records, ARefusedRequestIsNoReasonToWait) {
  records->deciding(1, "m");
  records->refused(1, "m");
  EXPECT_FALSE(records->elsewhere(2, "m", in(10s)));
  records->deciding(1, "m");
  records->admitted(1, "m");
  records->deciding(1, "m");
  records->refused(1, "m");
  EXPECT_TRUE(records->elsewhere(2, "m", in(10s))) << "an earlier one was admitted";
}

TEST_F(Records, AModelThatWasUnloadedIsNowhere) {
  records->deciding(1, "m");
  records->admitted(1, "m");
  records->unloaded(1, "m");
  EXPECT_FALSE(records->elsewhere(2, "m", in(10s)));
}

TEST_F(Records, WhileAnotherIsDecidedOneWaitsForThat) {
  for (const bool admitted : {true, false}) {
    records->deciding(1, "m");
    auto asked = std::async(std::launch::async, [&] { return records->elsewhere(2, "m", in(20s)); });
    EXPECT_EQ(asked.wait_for(50ms), std::future_status::timeout);
    admitted ? records->admitted(1, "m") : records->refused(1, "m");
    EXPECT_EQ(asked.get(), admitted);
    records->unloaded(1, "m");
  }
  records->deciding(1, "m");
  EXPECT_FALSE(records->elsewhere(2, "m", in(20ms))) << "but not for ever";
  auto asked = std::async(std::launch::async, [&] { return records->elsewhere(2, "m", in(20s)); });
  records->died(1);
  EXPECT_FALSE(asked.get());
}

TEST_F(Records, TwoThatWereBothRefusedDoNotWaitForEachOther) {
  for (const std::uint64_t worker : {1UL, 2UL}) records->deciding(worker, "m");
  for (const std::uint64_t worker : {1UL, 2UL}) records->refused(worker, "m");
  EXPECT_FALSE(records->elsewhere(1, "m", in(20s)));
  EXPECT_FALSE(records->elsewhere(2, "m", in(20s)));
}

TEST_F(Records, APinnedModelIsNotUnloadedAndAnUnloadingIsWaitedFor) {
  auto pin = records->pin(1, "m", in(20s));
  ASSERT_NE(pin, nullptr);
  EXPECT_TRUE(records->pinned(1, "m"));
  EXPECT_FALSE(records->begin_unload(1, "m"));
  EXPECT_TRUE(records->begin_unload(2, "m"));
  pin.reset();
  EXPECT_FALSE(records->pinned(1, "m"));
  ASSERT_TRUE(records->begin_unload(1, "m"));
  EXPECT_FALSE(records->begin_unload(1, "m"));
  auto late = std::async(std::launch::async, [&] { return records->pin(1, "m", in(20s)); });
  EXPECT_EQ(late.wait_for(50ms), std::future_status::timeout);
  records->end_unload(1, "m");
  EXPECT_NE(late.get(), nullptr);
  EXPECT_TRUE(records->begin_unload(1, "m")) << "the pin is gone with its answer";
}

TEST_F(Records, APinOutlivesItsWorker) {
  auto pin = records->pin(1, "m", in(20s));
  records->died(1);
  pin.reset();
  EXPECT_EQ(records->pin(1, "m", in(20s)), nullptr);
  EXPECT_FALSE(records->begin_unload(1, "m"));
  records->end_unload(1, "m");
}

TEST_F(Records, WhatARunLeftHeldCountsWhileTheWorkerHoldsAnything) {
  EXPECT_EQ(records->kept(1, "p"), std::nullopt);
  records->ran(1, "p", true, 2_gib);
  records->ran(1, "p", true, 1_gib);
  EXPECT_EQ(records->kept(1, "p"), 2_gib) << "the first run";
  EXPECT_EQ(records->kept(1, "q"), std::nullopt);
  EXPECT_EQ(records->kept(2, "p"), std::nullopt);
  records->ran(1, "q", false, Bytes());
  EXPECT_EQ(records->kept(1, "p"), std::nullopt) << "it has given everything back";
}

TEST_F(Records, TheDeadAreNotWrittenAbout) {
  records->died(1);
  records->ran(1, "p", true, 2_gib);
  records->deciding(1, "m");
  records->admitted(1, "m");
  EXPECT_EQ(records->kept(1, "p"), std::nullopt);
  EXPECT_FALSE(records->elsewhere(2, "m", in(20s)));
}

}  // namespace
}  // namespace clams::server
