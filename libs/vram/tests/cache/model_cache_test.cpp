#include "vram/model_cache.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support.hpp"

namespace vram {
namespace {

using test::FakeModel;
using test::kPatience;
using test::request_for;
using test::Tally;
using namespace base::literals;
using std::chrono::milliseconds;

class Cache : public testing::Test {
 protected:
  ModelCacheOptions options(milliseconds idle = milliseconds(300'000)) {
    ModelCacheOptions result;
    result.idle_timeout = idle;
    result.timer = false;
    result.clock = &clock_;
    return result;
  }
  // Waits until so many requests wait for the load of that model.
  static void await_waiting(const ModelCache& cache, std::size_t count) {
    for (;;) {
      const auto models = cache.models();
      if (!models.empty() && models[0].waiting == count) return;
      std::this_thread::yield();
    }
  }

  Tally tally_;
  base::FakeClock clock_;
};

TEST(ModelStates, OnlyTheMovesOfTheTableAreLegal) {
  const std::vector<std::pair<ModelState, ModelState>> legal{
      {ModelState::Absent, ModelState::Loading}, {ModelState::Loading, ModelState::InUse},
      {ModelState::Loading, ModelState::Failed}, {ModelState::Failed, ModelState::Absent},
      {ModelState::InUse, ModelState::Idle},     {ModelState::Idle, ModelState::InUse},
      {ModelState::Idle, ModelState::Unloading}, {ModelState::Unloading, ModelState::Absent}};
  int count = 0;
  for (int from = 0; from < kModelStateCount; ++from) {
    for (int to = 0; to < kModelStateCount; ++to)
      count += is_legal_move(static_cast<ModelState>(from), static_cast<ModelState>(to)) ? 1 : 0;
  }
  EXPECT_EQ(count, static_cast<int>(legal.size()));
  for (const auto& [from, to] : legal) EXPECT_TRUE(is_legal_move(from, to)) << name_of(from) << " to " << name_of(to);
}

TEST_F(Cache, AModelIsLoadedOnceAndChargedOnce) {
  ModelCache cache(options());
  auto first = cache.acquire(request_for(tally_, "m"));
  auto second = cache.acquire(request_for(tally_, "m"));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->get(), second->get());
  EXPECT_EQ(cache.state("m"), ModelState::InUse);
  EXPECT_EQ(tally_.loads, 1);
  EXPECT_EQ(tally_.charges, 1);
  first->reset();
  EXPECT_EQ(cache.state("m"), ModelState::InUse);
  second->reset();
  EXPECT_EQ(cache.state("m"), ModelState::Idle);
  EXPECT_EQ(tally_.alive, 1);
  auto third = cache.acquire(request_for(tally_, "m"));
  EXPECT_EQ(tally_.charged, 1);
  EXPECT_EQ(cache.counters().hits, 2U);
  EXPECT_EQ(cache.counters().loads, 1U);
  cache.check_invariants();
}

TEST_F(Cache, ACopyOfAHandleIsAUse) {
  ModelCache cache(options(milliseconds(0)));
  auto handle = cache.acquire(request_for(tally_, "m")).value();
  auto copy = handle;
  handle.reset();
  EXPECT_EQ(tally_.alive, 1);
  copy.reset();
  EXPECT_EQ(tally_.alive, 0);
  EXPECT_EQ(tally_.charges, 0);
  EXPECT_FALSE(tally_.disorder);
}

TEST_F(Cache, AnIdleModelGoesAfterItsTimeAndABusyOneNever) {
  ModelCache cache(options(milliseconds(5000)));
  auto handle = cache.acquire(request_for(tally_, "m")).value();
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(cache.expire(clock_.monotonic()).models, 0U);
  EXPECT_FALSE(cache.next_expiry());
  handle.reset();
  EXPECT_EQ(cache.next_expiry(), clock_.monotonic() + milliseconds(5000));
  clock_.advance(milliseconds(4999));
  EXPECT_EQ(cache.expire(clock_.monotonic()).models, 0U);
  clock_.advance(milliseconds(1));
  EXPECT_EQ(cache.expire(clock_.monotonic()).bytes, Bytes(100));
  EXPECT_FALSE(cache.state("m"));
  EXPECT_EQ(tally_.alive, 0);
  EXPECT_EQ(cache.counters().unloads_idle, 1U);
}

TEST_F(Cache, ANewUseStartsTheIdleTimeAnew) {
  ModelCache cache(options(milliseconds(1000)));
  cache.acquire(request_for(tally_, "m")).value().reset();
  clock_.advance(milliseconds(900));
  cache.acquire(request_for(tally_, "m")).value().reset();
  clock_.advance(milliseconds(900));
  EXPECT_EQ(cache.expire(clock_.monotonic()).models, 0U);
  EXPECT_EQ(tally_.loads, 1);
}

TEST_F(Cache, EachModelMayHaveItsOwnIdleTime) {
  ModelCache cache(options(milliseconds(1000)));
  auto never = request_for(tally_, "never");
  never.idle_timeout = kNeverUnload;
  auto at_once = request_for(tally_, "at-once");
  at_once.idle_timeout = milliseconds(0);
  auto long_one = request_for(tally_, "long");
  long_one.idle_timeout = milliseconds::max();
  cache.acquire(never).value().reset();
  cache.acquire(at_once).value().reset();
  cache.acquire(long_one).value().reset();
  EXPECT_FALSE(cache.state("at-once"));
  clock_.advance(std::chrono::hours(24 * 300));
  EXPECT_EQ(cache.expire(clock_.monotonic()).models, 0U);
  EXPECT_EQ(cache.state("never"), ModelState::Idle);
  EXPECT_EQ(cache.state("long"), ModelState::Idle);
  EXPECT_EQ(cache.unload_idle(Bytes(1)).models, 1U);  // but what someone needs it gives
}

TEST_F(Cache, RoomIsMadeCheapestReloadPerByteFirst) {
  ModelCache cache(options());
  const auto hold = [&](const std::string& key, Bytes bytes, milliseconds load) {
    auto request = request_for(tally_, key, bytes);
    request.loader = [&, load]() -> base::Result<LoadedModel> {
      clock_.advance(load);
      return LoadedModel{std::make_shared<FakeModel>(tally_), std::nullopt};
    };
    return cache.acquire(request).value();
  };
  hold("big", 10_GiB, milliseconds(5000)).reset();    // 0.5 ms a MiB
  hold("tiny", 10_MiB, milliseconds(500)).reset();    // 50
  hold("slow", 5_GiB, milliseconds(60'000)).reset();  // 12
  const auto busy = hold("busy", 20_GiB, milliseconds(1));
  EXPECT_EQ(cache.idle_bytes(), 15_GiB + 10_MiB);
  const auto freed = cache.unload_idle(1_GiB);
  EXPECT_EQ(freed.models, 1U);
  EXPECT_EQ(freed.bytes, 10_GiB);
  EXPECT_TRUE(cache.state("tiny") && cache.state("slow") && !cache.state("big"));
  EXPECT_EQ(cache.unload_idle(100_GiB).bytes, 5_GiB + 10_MiB);
  EXPECT_EQ(cache.state("busy"), ModelState::InUse);
  EXPECT_EQ(cache.counters().unloads_for_room, 3U);
  EXPECT_EQ(cache.unload_idle(1_GiB).models, 0U);
}

TEST_F(Cache, ASmallModelStaysWhenTheLargeOneAloneMakesTheRoom) {
  ModelCache cache(options());
  for (const auto& [key, bytes] : {std::pair<std::string, Bytes>{"small", 1_GiB}, {"large", 8_GiB}}) {
    auto request = request_for(tally_, key, bytes);
    request.loader = [&, cost = key == "small" ? 1 : 100'000]() -> base::Result<LoadedModel> {
      clock_.advance(milliseconds(cost));
      return LoadedModel{std::make_shared<FakeModel>(tally_), std::nullopt};
    };
    cache.acquire(request).value().reset();
  }
  EXPECT_EQ(cache.unload_idle(4_GiB).models, 1U);
  EXPECT_EQ(cache.state("small"), ModelState::Idle);
}

TEST_F(Cache, AFailedLoadIsToldAndNotRemembered) {
  ModelCache cache(options());
  auto request = request_for(tally_, "m");
  const auto good = request.loader;
  request.loader = []() -> base::Result<LoadedModel> { return base::Error{base::ErrorCode::Configuration, "no such file"}; };
  const auto failed = cache.acquire(request);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, base::ErrorCode::Configuration);
  EXPECT_EQ(tally_.charges, 0);
  EXPECT_FALSE(cache.state("m"));
  request.loader = good;
  EXPECT_TRUE(cache.acquire(request));
  EXPECT_EQ(cache.counters().load_failures, 1U);
}

TEST_F(Cache, WhatALoaderThrowsComesOutAsItself) {
  ModelCache cache(options());
  auto request = request_for(tally_, "m");
  request.loader = []() -> base::Result<LoadedModel> { throw std::out_of_range("weights"); };
  std::exception_ptr thrown;
  const auto failed = cache.acquire(request, &thrown);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("weights"), std::string::npos);
  ASSERT_TRUE(thrown);
  EXPECT_THROW(std::rethrow_exception(thrown), std::out_of_range);
  EXPECT_THROW((void)cache.get<int>(request, []() -> std::unique_ptr<int> { throw std::out_of_range("again"); }),
               std::out_of_range);
  EXPECT_EQ(tally_.charges, 0);
}

TEST_F(Cache, ARefusedChargeLoadsNothing) {
  ModelCache cache(options());
  auto request = request_for(tally_, "m");
  request.charge = [](Bytes) -> base::Result<std::unique_ptr<ResidentCharge>> {
    return base::Error{base::ErrorCode::InsufficientMemory, "full"};
  };
  EXPECT_EQ(cache.acquire(request).error().code, base::ErrorCode::InsufficientMemory);
  EXPECT_EQ(tally_.loads, 0);
}

TEST_F(Cache, AnEmptyLoaderAndAnEmptyModelAreErrors) {
  ModelCache cache(options());
  auto request = request_for(tally_, "m");
  request.loader = []() -> base::Result<LoadedModel> { return LoadedModel{}; };
  EXPECT_EQ(cache.acquire(request).error().code, base::ErrorCode::Internal);
  request.loader = nullptr;
  EXPECT_EQ(cache.acquire(request).error().code, base::ErrorCode::Internal);
  EXPECT_EQ(tally_.charges, 0);
}

TEST_F(Cache, AKeyHasOneType) {
  ModelCache cache(options());
  ModelRequest request;
  request.key = "m";
  const auto text = cache.get<std::string>(request, [] { return std::make_unique<std::string>("loaded"); });
  ASSERT_TRUE(text);
  EXPECT_EQ(**text, "loaded");
  EXPECT_EQ(cache.get<int>(request, [] { return std::make_unique<int>(1); }).error().code, base::ErrorCode::InvalidArgument);
}

TEST_F(Cache, APinnedModelCannotGoAndAPinLoadsNothing) {
  ModelCache cache(options(milliseconds(1000)));
  EXPECT_FALSE(cache.pin("m"));
  cache.acquire(request_for(tally_, "m")).value().reset();
  EXPECT_FALSE(cache.pin<int>("m"));
  auto pin = cache.pin<FakeModel>("m");
  ASSERT_TRUE(pin);
  EXPECT_EQ(cache.unload_idle(Bytes(1)).models, 0U);
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(cache.expire(clock_.monotonic()).models, 0U);
  pin.reset();
  EXPECT_TRUE(cache.pin("m"));
  EXPECT_EQ(tally_.loads, 1);
  EXPECT_EQ(cache.unload_idle(Bytes(1)).models, 1U);
}

TEST_F(Cache, ALoaderThatAsksForItselfIsAnErrorAndNoDeadlock) {
  ModelCache cache(options());
  auto request = request_for(tally_, "m");
  request.loader = [&]() -> base::Result<LoadedModel> {
    BASE_TRY(cache.acquire(request_for(tally_, "m")));
    return LoadedModel{std::make_shared<FakeModel>(tally_), std::nullopt};
  };
  EXPECT_EQ(cache.acquire(request).error().code, base::ErrorCode::Internal);
  EXPECT_EQ(cache.models().size(), 0U);
}

TEST_F(Cache, BytesAndLoadTimeAreMeasuredAndTold) {
  std::vector<ModelLoadReport> loads;
  std::vector<ModelUnloadReport> unloads;
  auto chosen = options();
  chosen.on_load = [&](const ModelLoadReport& report) { loads.push_back(report); };
  chosen.on_unload = [&](const ModelUnloadReport& report) { unloads.push_back(report); };
  ModelCache cache(chosen);
  Bytes held = 1_GiB;
  auto request = request_for(tally_, "m", 5_GiB);
  request.held_now = [&] { return std::optional<Bytes>(held); };
  request.loader = [&]() -> base::Result<LoadedModel> {
    held += 3_GiB;
    clock_.advance(milliseconds(2500));
    return LoadedModel{std::make_shared<FakeModel>(tally_), std::nullopt};
  };
  cache.acquire(request).value().reset();
  ASSERT_EQ(loads.size(), 1U);
  EXPECT_EQ(loads[0].bytes, 3_GiB);
  EXPECT_TRUE(loads[0].measured);
  EXPECT_EQ(loads[0].load_time, milliseconds(2500));
  EXPECT_EQ(cache.resident_bytes(), 3_GiB);
  EXPECT_TRUE(cache.unload("m"));
  EXPECT_FALSE(cache.unload("m"));
  ASSERT_EQ(unloads.size(), 1U);
  EXPECT_EQ(unloads[0].reason, UnloadReason::Asked);
}

TEST_F(Cache, AHandleOutlivesTheCacheAndUnloadsTheModel) {
  std::shared_ptr<void> used;
  {
    ModelCache cache(options(kNeverUnload));
    used = cache.acquire(request_for(tally_, "used")).value();
    cache.acquire(request_for(tally_, "idle")).value().reset();
    EXPECT_EQ(tally_.alive, 2);
  }
  EXPECT_EQ(tally_.alive, 1);
  used.reset();
  EXPECT_EQ(tally_.alive, 0);
  EXPECT_EQ(tally_.charges, 0);
}

// A loader that waits until it is let go.
class Slow : public Cache {
 protected:
  ModelRequest slow_request(const std::string& key) {
    auto request = request_for(tally_, key);
    request.loader = [this, good = request.loader]() -> base::Result<LoadedModel> {
      entered_.set_value();
      go_.get_future().wait();
      if (fail_) throw std::runtime_error("broken weights");
      return good();
    };
    return request;
  }
  std::promise<void> entered_;
  std::promise<void> go_;
  std::atomic<bool> fail_{false};
};

TEST_F(Slow, AllWhoAskAtOnceGetTheOneLoadEvenWhenNothingStays) {
  ModelCache cache(options(milliseconds(0)));
  std::vector<std::future<bool>> all;
  all.push_back(std::async(std::launch::async, [&] { return cache.acquire(slow_request("m")).value() != nullptr; }));
  entered_.get_future().wait();
  for (int i = 0; i < 7; ++i)
    all.push_back(std::async(std::launch::async, [&] { return cache.acquire(request_for(tally_, "m")).value() != nullptr; }));
  await_waiting(cache, 7);
  go_.set_value();
  for (auto& one : all) EXPECT_TRUE(one.get());
  EXPECT_EQ(tally_.loads, 1);
  EXPECT_EQ(tally_.most, 1);
  EXPECT_EQ(tally_.alive, 0);
  EXPECT_EQ(cache.counters().loads, 1U);
  EXPECT_FALSE(tally_.disorder);
}

TEST_F(Slow, AFailureIsToldToAllWhoWaited) {
  fail_ = true;
  ModelCache cache(options());
  const auto ask = [&](const ModelRequest& request) {
    std::exception_ptr thrown;
    const auto result = cache.acquire(request, &thrown);
    return !result && thrown != nullptr;
  };
  std::vector<std::future<bool>> all;
  all.push_back(std::async(std::launch::async, [&] { return ask(slow_request("m")); }));
  entered_.get_future().wait();
  for (int i = 0; i < 3; ++i) all.push_back(std::async(std::launch::async, [&] { return ask(request_for(tally_, "m")); }));
  await_waiting(cache, 3);
  go_.set_value();
  for (auto& one : all) EXPECT_TRUE(one.get());
  EXPECT_EQ(tally_.loads, 0);
  EXPECT_TRUE(cache.acquire(request_for(tally_, "m")));
}

TEST_F(Slow, AClientMayLeaveAndTheLoadGoesOn) {
  ModelCache cache(options());
  auto loading = std::async(std::launch::async, [&] { return cache.acquire(slow_request("m")).value(); });
  entered_.get_future().wait();
  std::stop_source stop;
  auto request = request_for(tally_, "m");
  request.stop = stop.get_token();
  auto waiting = std::async(std::launch::async, [&] { return cache.acquire(request).error().code; });
  await_waiting(cache, 1);
  stop.request_stop();
  EXPECT_EQ(waiting.get(), base::ErrorCode::Cancelled);
  request.stop = {};
  request.deadline = std::chrono::steady_clock::now();
  EXPECT_EQ(cache.acquire(request).error().code, base::ErrorCode::Timeout);
  EXPECT_EQ(cache.counters().left, 2U);
  go_.set_value();
  auto handle = loading.get();
  EXPECT_EQ(cache.state("m"), ModelState::InUse);
  handle.reset();
  EXPECT_EQ(cache.state("m"), ModelState::Idle);
  cache.check_invariants();
}

TEST_F(Slow, AnotherModelIsServedMeanwhile) {
  ModelCache cache(options());
  cache.acquire(request_for(tally_, "held")).value().reset();
  auto loading = std::async(std::launch::async, [&] { return cache.acquire(slow_request("slow")).value(); });
  entered_.get_future().wait();
  EXPECT_TRUE(cache.acquire(request_for(tally_, "held")));
  EXPECT_TRUE(cache.acquire(request_for(tally_, "new")));
  EXPECT_EQ(cache.models().size(), 3U);
  go_.set_value();
  EXPECT_TRUE(loading.get());
}

TEST_F(Cache, WhoWantsAModelThatIsBeingUnloadedWaitsAndThereIsNeverASecondCopy) {
  std::promise<void> entered;
  std::promise<void> go;
  ModelCache cache(options());
  auto request = request_for(tally_, "m");
  request.loader = [&]() -> base::Result<LoadedModel> {
    auto model = std::make_shared<FakeModel>(tally_);
    return LoadedModel{std::shared_ptr<void>(model.get(),
                                             [&, model](void*) mutable {
                                               entered.set_value();
                                               go.get_future().wait();
                                               model.reset();
                                             }),
                       std::nullopt};
  };
  cache.acquire(request).value().reset();
  auto unloading = std::async(std::launch::async, [&] { return cache.unload("m"); });
  entered.get_future().wait();
  EXPECT_EQ(cache.state("m"), ModelState::Unloading);
  EXPECT_EQ(cache.unload_idle(Bytes(1)).models, 0U);
  auto late = request_for(tally_, "m");
  late.deadline = std::chrono::steady_clock::now();
  EXPECT_EQ(cache.acquire(late).error().code, base::ErrorCode::Timeout);
  auto again = std::async(std::launch::async, [&] { return cache.acquire(request_for(tally_, "m")).value(); });
  EXPECT_EQ(tally_.charges, 1);
  go.set_value();
  EXPECT_TRUE(unloading.get());
  EXPECT_TRUE(again.get());
  EXPECT_EQ(tally_.most, 1);
}

TEST_F(Cache, TheTimerThreadUnloadsByItself) {
  ModelCacheOptions chosen;
  chosen.idle_timeout = milliseconds(1);
  std::promise<UnloadReason> unloaded;
  chosen.on_unload = [&](const ModelUnloadReport& report) { unloaded.set_value(report.reason); };
  ModelCache cache(chosen);
  cache.acquire(request_for(tally_, "m")).value().reset();
  auto told = unloaded.get_future();
  ASSERT_EQ(told.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(told.get(), UnloadReason::IdleTimeout);
  EXPECT_EQ(tally_.alive, 0);
}

}  // namespace
}  // namespace vram
