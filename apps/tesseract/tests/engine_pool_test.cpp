#include "ocr/engine_pool.hpp"

#include <gmock/gmock.h>

#include <new>
#include <thread>

#include "test_pictures.hpp"

namespace ocr {
namespace {

using base::ErrorCode;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

class Pool : public test::InTemporaryDirectory {
 protected:
  void SetUp() override {
    InTemporaryDirectory::SetUp();
    for (const char* language : {"eng", "two", "three"}) test::link_english(directory(), language);
  }
  EngineOptions language(const char* code) const { return {{code}, directory()}; }
};

TEST_F(Pool, KeepsThePlaceOfAnEngineWhoseLoadingThrows) {
  bool fails = true;
  EnginePool pool(1, [&](const EngineOptions& options) {
    if (fails) throw std::bad_alloc();
    return Engine::load(options);
  });
  for (int i = 0; i < 3; ++i) {
    EXPECT_THROW((void)pool.acquire(language("eng"), {.stop = {}, .deadline = steady_clock::now() + 5s}), std::bad_alloc);
    EXPECT_EQ(pool.loaded(), 0U);
  }
  fails = false;
  EXPECT_TRUE(pool.acquire(language("eng")));
}

TEST_F(Pool, AReturnedEngineIsLentAgain) {
  EnginePool pool(2);
  const Engine* first = nullptr;
  {
    auto lease = pool.acquire(language("eng"));
    ASSERT_TRUE(lease) << lease.error().message;
    first = &**lease;
    EXPECT_EQ(pool.idle(), 0U);
    EXPECT_EQ(pool.loaded(), 1U);
  }
  EXPECT_EQ(pool.idle(), 1U);
  auto again = pool.acquire(language("eng"));
  ASSERT_TRUE(again);
  EXPECT_EQ(&**again, first);
  EXPECT_EQ(pool.loaded(), 1U);
}

TEST_F(Pool, ALentEngineIsNeverSharedAndTheLimitHolds) {
  EnginePool pool(2);
  auto one = pool.acquire(language("eng"));
  auto two = pool.acquire(language("eng"));
  ASSERT_TRUE(one && two);
  EXPECT_NE(&**one, &**two);
  const auto three = pool.acquire(language("eng"), {.deadline = steady_clock::now() + 30ms});
  ASSERT_FALSE(three);
  EXPECT_EQ(three.error().code, ErrorCode::Timeout);
  EXPECT_EQ(pool.loaded(), 2U);
}

TEST_F(Pool, AWaitEndsWhenAnEngineComesBack) {
  EnginePool pool(1);
  auto held = std::make_unique<EnginePool::Lease>(pool.acquire(language("eng")).value());
  std::jthread returner([&] {
    std::this_thread::sleep_for(30ms);
    held.reset();
  });
  EXPECT_TRUE(pool.acquire(language("eng"), {.deadline = steady_clock::now() + 60s}));
}

TEST_F(Pool, AWaitEndsWhenItIsStopped) {
  EnginePool pool(1);
  auto held = pool.acquire(language("eng"));
  ASSERT_TRUE(held);
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(30ms);
    stop.request_stop();
  });
  const auto lease = pool.acquire(language("eng"), {.stop = stop.get_token()});
  ASSERT_FALSE(lease);
  EXPECT_EQ(lease.error().code, ErrorCode::Cancelled);
}

TEST_F(Pool, AnotherLanguageTakesThePlaceOfTheIdleEngineUnusedForLongest) {
  EnginePool pool(2);
  { const auto eng = pool.acquire(language("eng")), two = pool.acquire(language("two")); }
  const Engine* kept = nullptr;
  {
    const auto eng = pool.acquire(language("eng"));
    ASSERT_TRUE(eng);
    kept = &**eng;
  }  // `two` is now the one unused for longest
  const auto three = pool.acquire(language("three"));
  ASSERT_TRUE(three);
  EXPECT_EQ(pool.loaded(), 2U);
  EXPECT_EQ(pool.idle(), 1U);
  const auto eng = pool.acquire(language("eng"));
  ASSERT_TRUE(eng);
  EXPECT_EQ(&**eng, kept) << "the engine for eng was put out instead";
}

TEST_F(Pool, AFailedLoadLeavesItsPlaceFree) {
  EnginePool pool(1);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(pool.acquire(language("none"), {.deadline = steady_clock::now() + 60s}).error().code, ErrorCode::Configuration);
  EXPECT_EQ(pool.loaded(), 0U);
  EXPECT_TRUE(pool.acquire(language("eng"), {.deadline = steady_clock::now() + 60s}));
}

TEST_F(Pool, ALeaseMayOutliveThePool) {
  auto pool = std::make_unique<EnginePool>(1);
  auto lease = pool->acquire(language("eng"));
  ASSERT_TRUE(lease);
  pool.reset();
  EXPECT_TRUE((*lease)->recognise(test::sample_page()));
}

TEST_F(Pool, ManyThreadsShareFewEngines) {
  EnginePool pool(2);
  test::write_title(path("title.png"));
  std::vector<std::string> texts(6);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < texts.size(); ++t)
      threads.emplace_back([&, t] {
        auto lease = pool.acquire(language(t % 2 == 0 ? "eng" : "two"));
        const auto file = ImageFile::open(path("title.png"));
        if (lease && file) texts[t] = (*lease)->recognise(*file->read(0)).value().text;
      });
  }
  EXPECT_THAT(texts, ::testing::Each("The Gettysburg Address"));
  EXPECT_LE(pool.loaded(), 2U);
}

}  // namespace
}  // namespace ocr
