#include "request_pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace clams::server {

// Shared with the threads, so that one that was left behind still finds its lock.
struct RequestPool::State {
  State(unsigned thread_count, std::size_t queue_limit) : threads(std::max(1U, thread_count)), limit(queue_limit) {}

  const unsigned threads;
  const std::size_t limit;
  mutable std::mutex mutex;
  std::condition_variable work;   // something waits, or stopping
  std::condition_variable ended;  // a thread has ended
  std::deque<std::shared_ptr<PoolTask>> waiting;
  std::vector<std::jthread> workers;
  unsigned busy = 0;
  unsigned alive = 0;
  bool stopping = false;

  bool is_full() const { return stopping || busy + waiting.size() >= threads + limit; }
  static void serve(const std::shared_ptr<State>& self);
};

void RequestPool::State::serve(const std::shared_ptr<State>& self) {
  std::unique_lock lock(self->mutex);
  while (true) {
    self->work.wait(lock, [&] { return self->stopping || !self->waiting.empty(); });
    if (self->stopping) break;
    auto task = std::move(self->waiting.front());
    self->waiting.pop_front();
    ++self->busy;
    lock.unlock();
    task->run();
    task.reset();
    lock.lock();
    --self->busy;
  }
  --self->alive;
  self->ended.notify_all();
}

RequestPool::RequestPool(unsigned threads, std::size_t queue) : state_(std::make_shared<State>(threads, queue)) {}

RequestPool::~RequestPool() { stop(std::chrono::milliseconds{0}); }

void RequestPool::start() {
  const std::lock_guard lock(state_->mutex);
  while (state_->workers.size() < state_->threads) {
    state_->workers.emplace_back([state = state_] { State::serve(state); });
    ++state_->alive;
  }
}

bool RequestPool::try_push(std::shared_ptr<PoolTask> task) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->is_full()) return false;
    state_->waiting.push_back(std::move(task));
  }
  state_->work.notify_one();
  return true;
}

bool RequestPool::remove(const PoolTask* task) {
  std::shared_ptr<PoolTask> removed;  // destroyed after the lock
  const std::lock_guard lock(state_->mutex);
  auto& waiting = state_->waiting;
  const auto found = std::find_if(waiting.begin(), waiting.end(), [task](const auto& entry) { return entry.get() == task; });
  if (found == waiting.end()) return false;
  removed = std::move(*found);
  waiting.erase(found);
  return true;
}

bool RequestPool::full() const {
  const std::lock_guard lock(state_->mutex);
  return state_->is_full();
}

std::size_t RequestPool::queued() const {
  const std::lock_guard lock(state_->mutex);
  // What an idle thread is about to take does not wait for a thread.
  const std::size_t idle = state_->threads - state_->busy;
  return state_->waiting.size() - std::min(idle, state_->waiting.size());
}

std::size_t RequestPool::running() const {
  const std::lock_guard lock(state_->mutex);
  const std::size_t idle = state_->threads - state_->busy;
  return state_->busy + std::min(idle, state_->waiting.size());
}

std::size_t RequestPool::stop(std::chrono::milliseconds grace) {
  std::deque<std::shared_ptr<PoolTask>> dropped;  // destroyed after the lock
  std::vector<std::jthread> workers;
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  dropped.swap(state_->waiting);
  workers.swap(state_->workers);
  state_->work.notify_all();
  state_->ended.wait_for(lock, grace, [&] { return state_->alive == 0; });
  const std::size_t left = state_->busy;
  lock.unlock();
  for (auto& worker : workers) {
    if (left == 0)
      worker.join();
    else
      worker.detach();
  }
  return left;
}

}  // namespace clams::server
