// Which worker gets a request.
#include <csignal>

#include "pool_fixture.hpp"

namespace worker::testing {
namespace {

class RoutingTest : public PoolTest {
 protected:
  // As many workers as there are, from the start.
  void start_all(unsigned workers, unsigned per_worker) {
    PoolOptions options = odd_options(workers, per_worker);
    options.start_ahead = workers;
    start(options);
    ASSERT_TRUE(observer->wait([workers](const auto& seen) { return seen.ready_.size() == workers; }));
  }
  static Request of_kin(std::string kin, std::string kind = "echo", long argument = 0) {
    Request request = request_of(std::move(kind), argument);
    request.kin = std::move(kin);
    return request;
  }
};

TEST_F(RoutingTest, ARequestGoesToTheWorkerThatHoldsItsModelThenToTheLeastBusy) {
  PoolOptions options = odd_options(2, 2);
  options.start_ahead = 2;
  start(options);
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.ready_.size() == 2; }));
  const Outcome large = ask(request_of("echo", 0, "large"));
  auto blocking = pool_->submit(request_of("sleep", 300, "large"));
  const Outcome again = ask(request_of("echo", 0, "large"));
  EXPECT_EQ(again.worker.id, large.worker.id) << "it holds the model, although it is busier";
  const Outcome small = ask(request_of("echo", 0, "small"));
  EXPECT_NE(small.worker.id, large.worker.id) << "the least busy one";
  EXPECT_EQ(wait(std::move(blocking)).ending, Ending::Answered);
}

TEST_F(RoutingTest, AModelIsUnloadedOnRequest) {
  start(odd_options(1, 1));
  ask(request_of("echo", 0, "large"));
  pool_->unload_model("large");
  ask(request_of("echo"));
  for (int i = 0; i < 200 && !pool_->status().workers.at(0).models.empty(); ++i) ask(request_of("echo"));
  EXPECT_TRUE(pool_->status().workers.at(0).models.empty());
  EXPECT_EQ(pool_->status().started, 1U);
}

TEST_F(RoutingTest, AModelIsUnloadedInOneWorkerAndTheOthersKeepIt) {
  start_all(2, 1);
  auto first = pool_->submit(request_of("sleep", 200, "large"));
  auto second = pool_->submit(request_of("sleep", 200, "large"));
  const Outcome one = wait(std::move(first)), other = wait(std::move(second));
  ASSERT_NE(one.worker.id, other.worker.id);
  const auto held = [this](std::uint64_t id) {
    for (const WorkerStatus& worker : pool_->status().workers) {
      if (worker.worker.id == id) return !worker.models.empty();
    }
    return false;
  };
  ASSERT_TRUE(held(one.worker.id) && held(other.worker.id));
  pool_->unload_model(one.worker.id, "large");
  for (int i = 0; i < 1000 && held(one.worker.id); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(held(one.worker.id));
  EXPECT_TRUE(held(other.worker.id));
}

TEST_F(RoutingTest, ARequestGoesToTheWorkerThatWasGivenOneOfItsKin) {
  start_all(2, 1);
  auto first = pool_->submit(of_kin("red", "sleep", 200));
  const Outcome blue = ask(of_kin("blue"));
  const Outcome red = wait(std::move(first));
  ASSERT_NE(red.worker.id, blue.worker.id);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ask(of_kin("red")).worker.id, red.worker.id);
    EXPECT_EQ(ask(of_kin("blue")).worker.id, blue.worker.id);
  }
}

TEST_F(RoutingTest, AFreeWorkerComesBeforeAWaitForOneOfTheSameKin) {
  start_all(2, 1);
  auto first = pool_->submit(of_kin("red", "sleep", 300));
  const Outcome second = ask(of_kin("red"));
  EXPECT_NE(second.worker.id, wait(std::move(first)).worker.id);
}

TEST_F(RoutingTest, WhoWaitsForACertainWorkerHoldsUpNobodyAndStartsNoOther) {
  PoolOptions options = odd_options(3, 1);
  options.start_ahead = 2;
  start(options);
  ASSERT_TRUE(observer->wait([](const auto& seen) { return seen.ready_.size() == 2; }));
  auto first = pool_->submit(of_kin("red", "sleep", 500));
  Request there = of_kin("red");
  there.only_there = true;
  auto waiting = pool_->submit(std::move(there));
  const Outcome other = ask(of_kin("blue"));
  EXPECT_EQ(first.wait_for(0s), std::future_status::timeout) << "blue had to wait";
  const Outcome red = wait(std::move(first));
  EXPECT_NE(other.worker.id, red.worker.id);
  EXPECT_EQ(wait(std::move(waiting)).worker.id, red.worker.id);
  EXPECT_EQ(pool_->status().started, 2U);
}

TEST_F(RoutingTest, WhoWaitsForACertainWorkerGetsAnotherWhenThatOneDies) {
  start_all(2, 1);
  auto first = pool_->submit(of_kin("red", "sleep", 10'000));
  while (pool_->status().running == 0) std::this_thread::sleep_for(5ms);
  Request there = of_kin("red");
  there.only_there = true;
  auto waiting = pool_->submit(std::move(there));
  pid_t pid = 0;
  for (const WorkerStatus& worker : pool_->status().workers) {
    if (worker.running > 0) pid = worker.worker.pid;
  }
  ASSERT_EQ(waiting.wait_for(50ms), std::future_status::timeout);
  ::kill(pid, SIGKILL);
  EXPECT_EQ(wait(std::move(first)).ending, Ending::WorkerDied);
  EXPECT_EQ(wait(std::move(waiting)).ending, Ending::Answered);
}

TEST_F(RoutingTest, AHeldModelCountsForMoreThanKin) {
  start_all(2, 1);
  auto first = pool_->submit(request_of("sleep", 200, "large"));
  const Outcome kin = ask(of_kin("red"));
  const Outcome holder = wait(std::move(first));
  ASSERT_NE(kin.worker.id, holder.worker.id);
  Request both = request_of("echo", 0, "large");
  both.kin = "red";
  EXPECT_EQ(ask(std::move(both)).worker.id, holder.worker.id);
}

TEST_F(RoutingTest, KinOfLongAgoIsForgotten) {
  start_all(2, 1);
  auto first = pool_->submit(of_kin("red", "sleep", 200));
  const Outcome blue = ask(of_kin("blue"));
  const Outcome red = wait(std::move(first));
  // The worker in slot 0 comes first for kin that nobody knows.
  ASSERT_EQ(red.worker.slot, 0U);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(ask(of_kin("other " + std::to_string(i))).worker.id, red.worker.id);
  EXPECT_EQ(ask(of_kin("blue")).worker.id, blue.worker.id);
  auto blocking = pool_->submit(of_kin("other 1", "sleep", 200));
  EXPECT_EQ(ask(of_kin("red")).worker.id, blue.worker.id);
  wait(std::move(blocking));
  EXPECT_EQ(ask(of_kin("red")).worker.id, blue.worker.id) << "the first one ran eight others since";
}

TEST_F(RoutingTest, AnIdleWorkerTellsSinceWhen) {
  start_all(1, 1);
  const auto before = std::chrono::steady_clock::now();
  ask(request_of("echo"));
  ask(request_of("echo"));
  const auto seen = [&] { return pool_->status().workers.at(0); };
  for (int i = 0; i < 1000 && seen().state != WorkerState::Ready; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_GE(seen().idle_since, before);
  EXPECT_LE(seen().idle_since, std::chrono::steady_clock::now());
}

}  // namespace
}  // namespace worker::testing
