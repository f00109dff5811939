#include "device/driver_lane.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace vram {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// A call whose first making is stuck until it is let go; later ones answer at once.
class DriverLaneTest : public ::testing::Test {
 protected:
  ~DriverLaneTest() override { let_go(); }
  void let_go() {
    const std::lock_guard lock(mutex_);
    stuck_ = false;
    changed_.notify_all();
  }
  base::Result<int> call() {
    std::unique_lock lock(mutex_);
    const int number = ++calls_;
    changed_.notify_all();
    if (number == 1) changed_.wait(lock, [&] { return !stuck_; });
    ++answered_;
    changed_.notify_all();
    return number;
  }
  bool wait_for(const int& what, int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return what >= count; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stuck_ = true;
  int calls_ = 0, answered_ = 0;
  std::vector<bool> told_;  // guarded by mutex_
  base::FakeClock clock_;
};

TEST_F(DriverLaneTest, WhatAGivenUpThreadBringsSaysNothingAboutTheDriverNow) {
  using Lane = DriverLane<int>;
  Lane lane([this] { return call(); }, LaneOptions{"a call", milliseconds(10), {}, milliseconds(1), milliseconds(10)}, clock_,
            [this](bool failing, const std::string&) {
              const std::lock_guard lock(mutex_);
              told_.push_back(failing);
            });
  EXPECT_TRUE(lane.ask(nanoseconds(0), milliseconds(10)).failing);
  ASSERT_TRUE(wait_for(calls_, 1)) << "the thread may still start when the one who asked has lost patience";
  clock_.advance(std::chrono::seconds(1));
  lane.tick();  // gives the stuck thread up; a fresh one asks
  ASSERT_TRUE(wait_for(answered_, 1));
  while (lane.view().failing) std::this_thread::yield();
  EXPECT_EQ(lane.view().value, 2);
  let_go();
  ASSERT_TRUE(wait_for(answered_, 3));  // the late one, and the one that is made because of it
  while (lane.view().value != 3) std::this_thread::yield();
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(told_, (std::vector<bool>{true, false}));
}

TEST_F(DriverLaneTest, WithoutRetriesTheNextWhoAsksTriesAgain) {
  std::atomic<int> made{0};
  DriverLane<int> lane(
      [&made]() -> base::Result<int> {
        if (++made == 1) return base::Error{base::ErrorCode::Unavailable, "not now"};
        return made.load();
      },
      LaneOptions{"a call", std::chrono::seconds(30), {}, {}, std::chrono::seconds(30)}, clock_, nullptr);
  EXPECT_EQ(lane.ask(clock_.monotonic(), std::chrono::seconds(30)).error->message, "not now");
  clock_.advance(milliseconds(1));
  lane.tick();
  EXPECT_EQ(made, 1) << "not in the background";
  EXPECT_EQ(lane.ask(clock_.monotonic(), std::chrono::seconds(30)).value, 2);
}

}  // namespace
}  // namespace vram
