// The cache against a simple model of it (one thread, random operations), and many threads against the rules that must always hold.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support.hpp"

namespace vram {
namespace {

using std::chrono::milliseconds;
using test::FakeModel;
using test::request_for;
using test::Tally;

unsigned seed_of_this_run() { return std::random_device{}(); }

// What a cache is, without threads: for each key held, how many use it, since when it is idle, and for how long it may be.
class SimpleCache {
 public:
  struct Held {
    int uses = 0;
    std::chrono::nanoseconds idle_since{};
    milliseconds timeout{};
    std::uint64_t bytes = 0;
  };
  std::map<std::string, Held> held;
  int loads = 0;
  int failures = 0;

  bool acquire(const std::string& key, milliseconds timeout, std::uint64_t bytes, bool fails) {
    auto at = held.find(key);
    if (at == held.end()) {
      if (fails) {
        ++failures;
        return false;
      }
      ++loads;
      at = held.emplace(key, Held{0, {}, timeout, bytes}).first;
    }
    ++at->second.uses;
    return true;
  }
  void release(const std::string& key, std::chrono::nanoseconds now) {
    Held& one = held.at(key);
    if (--one.uses > 0) return;
    one.idle_since = now;
    if (one.timeout == milliseconds(0)) held.erase(key);
  }
  void expire(std::chrono::nanoseconds now) {
    std::erase_if(held, [&](const auto& item) {
      const Held& one = item.second;
      return one.uses == 0 && one.timeout >= milliseconds(0) && one.idle_since + one.timeout <= now;
    });
  }
  std::uint64_t idle_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [key, one] : held) sum += one.uses == 0 ? one.bytes : 0;
    return sum;
  }
};

TEST(ModelCacheRandom, BehavesAsTheSimpleCacheUnderAnyOperations) {
  const unsigned seed = seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto pick = [&](int count) { return static_cast<int>(random() % static_cast<unsigned>(count)); };
  constexpr milliseconds kTimeouts[] = {milliseconds(0), milliseconds(50), milliseconds(400), kNeverUnload};
  Tally tally;
  base::FakeClock clock;
  ModelCacheOptions options;
  options.timer = false;
  options.clock = &clock;
  ModelCache cache(options);
  SimpleCache simple;
  std::vector<std::pair<std::string, std::shared_ptr<void>>> handles;

  for (int step = 0; step < 20'000; ++step) {
    switch (pick(6)) {
      case 0:
      case 1: {
        const std::string key = "m" + std::to_string(pick(6));
        const bool fails = pick(4) == 0;
        auto request = request_for(tally, key, Bytes(static_cast<std::uint64_t>(1 + pick(1000))));
        request.idle_timeout = kTimeouts[pick(4)];
        if (fails && pick(2) == 0)
          request.loader = []() -> base::Result<LoadedModel> { throw 5; };
        else if (fails)
          request.loader = []() -> base::Result<LoadedModel> { return base::Error{base::ErrorCode::Io, "no"}; };
        auto handle = cache.acquire(request);
        ASSERT_EQ(static_cast<bool>(handle), simple.acquire(key, *request.idle_timeout, request.estimate.bytes.count(), fails))
            << step;
        if (handle) handles.emplace_back(key, std::move(handle).value());
        break;
      }
      case 2:
      case 3: {
        if (handles.empty()) break;
        const std::size_t which = random() % handles.size();
        simple.release(handles[which].first, clock.monotonic());
        handles.erase(handles.begin() + static_cast<std::ptrdiff_t>(which));
        break;
      }
      case 4: {
        clock.advance(milliseconds(pick(200)));
        cache.expire(clock.monotonic());
        simple.expire(clock.monotonic());
        break;
      }
      default: {
        if (pick(4) != 0) break;
        const Bytes needed(static_cast<std::uint64_t>(pick(2500)));
        const std::uint64_t idle = simple.idle_bytes();
        const auto freed = cache.unload_idle(needed);
        ASSERT_TRUE(freed.bytes >= needed || freed.bytes.count() == idle) << step;
        // Which ones went is the cache's choice; none of them may have been in use.
        std::size_t gone = 0;
        for (auto at = simple.held.begin(); at != simple.held.end();) {
          if (cache.state(at->first)) {
            ++at;
            continue;
          }
          ASSERT_EQ(at->second.uses, 0) << step;
          at = simple.held.erase(at);
          ++gone;
        }
        ASSERT_EQ(gone, freed.models) << step;
      }
    }
    cache.check_invariants();
    const auto models = cache.models();
    ASSERT_EQ(models.size(), simple.held.size()) << step;
    for (const ModelInfo& model : models) {
      const auto& expected = simple.held.at(model.key);
      ASSERT_EQ(model.uses, static_cast<std::size_t>(expected.uses)) << step;
      ASSERT_EQ(model.state, expected.uses > 0 ? ModelState::InUse : ModelState::Idle) << step;
      ASSERT_EQ(model.bytes.count(), expected.bytes) << step;
    }
    ASSERT_EQ(tally.alive, static_cast<int>(models.size())) << step;
    ASSERT_EQ(tally.charges, static_cast<int>(models.size())) << step;
  }
  EXPECT_EQ(cache.counters().loads, static_cast<std::uint64_t>(simple.loads));
  EXPECT_EQ(cache.counters().load_failures, static_cast<std::uint64_t>(simple.failures));
  EXPECT_FALSE(tally.disorder);
}

TEST(ModelCacheRandom, ManyThreadsNeverSeeASecondCopyNorAModelThatIsGone) {
  const unsigned seed = seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  constexpr int kKeys = 3;
  constexpr int kThreads = 6;
  std::vector<Tally> tallies(kKeys);
  std::atomic<int> served{0};
  ModelCacheOptions options;
  options.idle_timeout = milliseconds(1);
  {
    ModelCache cache(options);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937 random(seed + static_cast<unsigned>(t));
        for (int i = 0; i < 400; ++i) {
          Tally& tally = tallies[random() % kKeys];
          auto request = request_for(tally, "m" + std::to_string(&tally - tallies.data()));
          const auto choice = random() % 12;
          if (choice == 0) request.loader = []() -> base::Result<LoadedModel> { return base::Error{base::ErrorCode::Io, "no"}; };
          if (choice == 1) request.deadline = std::chrono::steady_clock::now();
          if (choice == 2) request.idle_timeout = milliseconds(0);
          if (choice == 3) cache.unload_idle(Bytes(150));
          if (choice == 4) cache.unload_all_idle();
          std::stop_source stop;
          if (choice == 5) stop.request_stop();
          request.stop = stop.get_token();
          if (const auto handle = cache.acquire(request)) {
            ++served;
            if (tally.alive != 1 || tally.charges != 1) tally.disorder = true;
          }
          cache.check_invariants();
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }
  for (const Tally& tally : tallies) {
    EXPECT_LE(tally.most, 1);
    EXPECT_EQ(tally.alive, 0);
    EXPECT_EQ(tally.charges, 0);
    EXPECT_FALSE(tally.disorder);
  }
  EXPECT_GT(served, 0);
}

TEST(ModelCacheRandom, ALoaderThatFailsForAnyNLeavesNothingBehind) {
  for (int failing = 1; failing <= 8; ++failing) {
    Tally tally;
    int attempt = 0;
    {
      ModelCacheOptions options;
      options.timer = false;
      options.idle_timeout = milliseconds(0);
      ModelCache cache(options);
      int failed = 0;
      for (int i = 0; i < 8; ++i) {
        auto request = request_for(tally, "m");
        request.loader = [&, good = request.loader]() -> base::Result<LoadedModel> {
          if (++attempt == failing) throw std::bad_alloc();
          return good();
        };
        if (!cache.acquire(request)) ++failed;
        EXPECT_TRUE(cache.models().empty());
        EXPECT_EQ(tally.charges, 0);
      }
      EXPECT_EQ(failed, 1) << failing;
      EXPECT_EQ(cache.counters().loads, 7U);
    }
    EXPECT_EQ(tally.alive, 0);
    EXPECT_FALSE(tally.disorder);
  }
}

}  // namespace
}  // namespace vram
