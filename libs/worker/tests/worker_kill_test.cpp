// Random workers are killed under load: every request is answered, nothing is left over.
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>

#include "pool_fixture.hpp"

namespace worker::testing {
namespace {

constexpr int kClients = 6;

int kills_wanted() {
  const char* text = std::getenv("CLAMS_WORKER_KILLS");
  return text != nullptr ? std::atoi(text) : 200;
}

class KillTest : public PoolTest {
 protected:
  void client(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!done_) {
      Request request =
          request_of(random() % 4 == 0 ? "sleep" : "echo", static_cast<long>(random() % 20), random() % 2 == 0 ? "large" : "");
      const std::string text(random() % 3 == 0 ? 100'000 : 200, static_cast<char>('a' + random() % 26));
      request.document = Document::of(text);
      request.rerun_allowed = random() % 2 == 0;
      if (random() % 8 == 0) request.deadline = std::chrono::steady_clock::now() + 10ms;
      request.until_over = std::shared_ptr<void>(nullptr, [this](void*) { --leases_; });
      ++leases_;
      const bool echo = request.kind == "echo";
      const Outcome outcome = ask(std::move(request));
      ++answered_;
      if (outcome.ending != Ending::Answered) {
        ++refused_;
        EXPECT_FALSE(outcome.error.message.empty());
      } else if (echo) {
        EXPECT_TRUE(outcome.document.view() == text);
      }
    }
  }
  void kill_workers(int count) {
    std::mt19937_64 random(17);
    for (int killed = 0; killed < count;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1 + random() % 8));
      std::vector<pid_t> pids;
      for (const WorkerStatus& worker : pool_->status().workers) {
        if (worker.worker.pid > 0 && takes_requests(worker.state)) pids.push_back(worker.worker.pid);
      }
      // The pid may have died and been collected since the status was made; it is then most likely nobody's.
      if (!pids.empty() && ::kill(pids[random() % pids.size()], SIGKILL) == 0) ++killed;
    }
  }
  std::atomic<bool> done_{false};
  std::atomic<int> answered_{0}, refused_{0}, leases_{0};
};

TEST_F(KillTest, EveryRequestIsAnsweredWhileWorkersAreKilledAtRandom) {
  PoolOptions options = odd_options(3, 2);
  options.start_ahead = 3;
  start(options);
  ASSERT_TRUE(observer->wait([](const auto& seen) { return !seen.ready_.empty(); }));
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) clients.emplace_back([this, i] { client(static_cast<std::uint64_t>(i)); });
  kill_workers(kills_wanted());
  done_ = true;
  for (auto& thread : clients) thread.join();
  EXPECT_EQ(ask(request_of("echo")).ending, Ending::Answered) << "and the pool serves on";
  const PoolStatus status = pool_->status();
  RecordProperty("answered", answered_);
  std::printf("%d answered, of them %d refused; %llu started, %llu crashed, %llu rerun\n", answered_.load(), refused_.load(),
              static_cast<unsigned long long>(status.started), static_cast<unsigned long long>(status.crashed),
              static_cast<unsigned long long>(status.reruns));
  EXPECT_GT(answered_, kills_wanted());
  TearDown();
  EXPECT_EQ(leases_, 0) << "every lease was dropped once";
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no zombie";
}

}  // namespace
}  // namespace worker::testing
