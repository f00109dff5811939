// What the tests of the pool share: an observer and a log that remember, and a pool of odd workers.
#pragma once
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "worker/worker_pool.hpp"

namespace worker::testing {

using namespace std::chrono_literals;

class RecordingSink final : public base::LogSink {
 public:
  void write(base::LogLevel, std::string_view context, std::string_view message) noexcept override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(context, message);
  }
  bool enabled(base::LogLevel) const noexcept override { return true; }
  std::vector<std::pair<std::string, std::string>> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  bool has(const std::string& part) const {
    for (const auto& [context, line] : lines()) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, std::string>> lines_;
};

// Counts, and checks every move of every slot against the table.
class RecordingObserver : public WorkerObserver {
 public:
  base::Result<StartGrant> before_start(const WorkerRef& worker, std::stop_token stop) override {
    std::function<base::Result<StartGrant>(const WorkerRef&, std::stop_token)> consent;
    {
      const std::lock_guard lock(mutex_);
      consent = consent_;
    }
    return consent ? consent(worker, stop) : StartGrant{};
  }
  void started(const WorkerRef& worker) override {
    note([&] { started_.push_back(worker); });
  }
  void ready(const WorkerRef& worker, const MemoryReport&) override {
    note([&] { ready_.push_back(worker); });
  }
  void memory(const WorkerRef&, const MemoryReport& report) override {
    note([&] { reports_.push_back(report); });
  }
  void died(const WorkerRef& worker, const ExitReason& reason) override {
    note([&] { died_.emplace_back(worker, reason); });
  }
  void moved(const WorkerRef& worker, WorkerState from, WorkerState to) override {
    note([&] {
      const auto before = states_.find(worker.slot);
      const WorkerState known = before == states_.end() ? WorkerState::Dead : before->second;
      if (known != from) broken_ += "slot " + std::to_string(worker.slot) + " moved from a state that it was not in; ";
      bool legal = false;
      for (int event = 0; event < kWorkerEventCount; ++event)
        legal = legal || next_state(from, static_cast<WorkerEvent>(event)) == to;
      if (!legal) broken_ += std::string(name_of(from)) + " to " + std::string(name_of(to)) + " is illegal; ";
      states_[worker.slot] = to;
    });
  }
  void consent(std::function<base::Result<StartGrant>(const WorkerRef&, std::stop_token)> function) {
    const std::lock_guard lock(mutex_);
    consent_ = std::move(function);
  }
  // Waits until `holds` is true of this observer; false after a minute.
  bool wait(const std::function<bool(const RecordingObserver&)>& holds) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, [&] { return holds(*this); });
  }
  // Only inside `wait`, or after the pool is gone.
  std::vector<WorkerRef> started_, ready_;
  std::vector<std::pair<WorkerRef, ExitReason>> died_;
  std::vector<MemoryReport> reports_;
  std::string broken_;

 private:
  template <class F>
  void note(F&& function) {
    const std::lock_guard lock(mutex_);
    function();
    changed_.notify_all();
  }
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<unsigned, WorkerState> states_;
  std::function<base::Result<StartGrant>(const WorkerRef&, std::stop_token)> consent_;
};

inline std::string beside_this_program(const std::string& name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
}

inline PoolOptions odd_options(unsigned workers, unsigned per_worker, std::vector<std::string> arguments = {}) {
  PoolOptions options;
  options.name = "odd";
  options.command.program = beside_this_program("worker_odd_worker");
  options.command.arguments = std::move(arguments);
  options.command.arguments.insert(options.command.arguments.end(), {"--concurrency", std::to_string(per_worker)});
  options.workers = workers;
  options.per_worker = per_worker;
  options.start_timeout = 60s;
  options.cancel_grace = 50ms;
  options.stop_grace = 2s;
  options.kill_grace = 300ms;
  options.backoff_first = 1ms;
  options.backoff_max = 20ms;
  return options;
}

inline Request request_of(std::string kind, long argument = 0, std::string model = {}) {
  Request request;
  request.kind = std::move(kind);
  request.attributes = {{"argument", std::to_string(argument)}};
  if (!model.empty()) request.attributes.emplace_back("model", model);
  request.model = std::move(model);
  return request;
}

inline std::string pid_in(const Outcome& outcome) {
  const std::string* pid = find_attribute(outcome.attributes, "pid");
  return pid != nullptr ? *pid : "";
}

// The next number a new descriptor would get, and how many are open: equal before and after = nothing leaked.
inline std::size_t open_descriptor_count() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

class PoolTest : public ::testing::Test {
 protected:
  void start(PoolOptions options) {
    descriptors_before_ = open_descriptor_count();
    auto pool = WorkerPool::start(std::move(options), observer, base::Logger(sink));
    ASSERT_TRUE(pool) << pool.error().message;
    pool_ = std::move(*pool);
  }
  void TearDown() override {
    if (!pool_) return;
    if (HasFailure()) tell();
    pool_.reset();
    EXPECT_EQ(observer->broken_, "");
    EXPECT_FALSE(sink->has("is impossible for"));
    EXPECT_EQ(observer->started_.size(), observer->died_.size()) << "every process that was started is collected";
    EXPECT_EQ(open_descriptor_count(), descriptors_before_);
  }
  // What a failed test leaves to look at.
  void tell() const {
    for (const auto& [context, line] : sink->lines()) std::printf("log: %s %s\n", context.c_str(), line.c_str());
    for (const WorkerStatus& worker : pool_->status().workers) {
      std::printf("slot %u: %s, %u running\n", worker.worker.slot, std::string(name_of(worker.state)).c_str(), worker.running);
    }
  }
  // The outcome; fails the test instead of hanging.
  static Outcome wait(std::future<Outcome> future) {
    if (future.wait_for(60s) == std::future_status::ready) return future.get();
    ADD_FAILURE() << "no answer within a minute";
    return {};
  }
  // A worker that is there: a time limit then counts what the test is about, and no start.
  void warm_up() { ASSERT_EQ(ask(request_of("echo")).ending, Ending::Answered); }
  Outcome ask(Request request) { return wait(pool_->submit(std::move(request))); }

  std::shared_ptr<RecordingObserver> observer = std::make_shared<RecordingObserver>();
  std::shared_ptr<RecordingSink> sink = std::make_shared<RecordingSink>();
  std::unique_ptr<WorkerPool> pool_;

 private:
  std::size_t descriptors_before_ = 0;
};

}  // namespace worker::testing
