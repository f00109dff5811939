// The threads that run requests, and the bounded queue in front of them.
#pragma once
#include <chrono>
#include <cstddef>
#include <memory>

namespace clams::server {

// One request's work. The pool calls exactly one of the two, or neither if the task was removed or dropped by stop().
class PoolTask {
 public:
  virtual ~PoolTask() = default;
  virtual void run() noexcept = 0;
};

// Thread-safe. Order is first in, first out.
class RequestPool {
 public:
  // At most `threads` tasks run at once and `queue` more wait. Threads begin with start().
  RequestPool(unsigned threads, std::size_t queue);
  ~RequestPool();  // stop(0)
  RequestPool(const RequestPool&) = delete;
  RequestPool& operator=(const RequestPool&) = delete;

  void start();
  // False: every thread is busy and the queue is full (or the pool was stopped). The task is then untouched.
  bool try_push(std::shared_ptr<PoolTask> task);
  // Takes a waiting task back. False: it runs already, has run, or was never here.
  bool remove(const PoolTask* task);
  // True when try_push would fail now; a hint.
  bool full() const;
  std::size_t queued() const;
  std::size_t running() const;
  // Drops what waits and ends the threads. A thread still inside its task after `grace` is left behind (it owns what it needs and
  // ends with its task); returns how many were. Later calls do nothing.
  std::size_t stop(std::chrono::milliseconds grace);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace clams::server
