// The thread that asks the owner's consent and executes worker processes: both may take their time, which the event thread has not.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/fd.hpp"
#include "worker/observer.hpp"

namespace worker {

struct StartJob {
  WorkerRef worker;
  ChildCommand command;
};

struct StartedWorker {
  ChildProcess child;
  base::Fd channel;    // our end, non-blocking
  base::Fd life_line;  // write end: when the last copy closes, the kernel ends the worker
  std::shared_ptr<const void> until_death;
};

struct StartFailure {
  base::Error error;
  bool refused_by_owner = false;
};

class Starter {
 public:
  // `result` is called on the starter's thread, with exactly one of the two set.
  using ResultFunction = std::function<void(const WorkerRef&, std::shared_ptr<StartedWorker>, std::optional<StartFailure>)>;
  Starter(std::shared_ptr<WorkerObserver> observer, ResultFunction result);
  // Asks a running `before_start` to stop and waits for it.
  ~Starter();
  Starter(const Starter&) = delete;
  Starter& operator=(const Starter&) = delete;
  void enqueue(StartJob job);
  // Thread-safe; does not wait. A running `before_start` is asked to stop; jobs that have not begun fail.
  void stop() { thread_.request_stop(); }

 private:
  void work(const std::stop_token& stop);
  void start(StartJob job, const std::stop_token& stop);

  std::shared_ptr<WorkerObserver> observer_;
  ResultFunction result_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<StartJob> jobs_;  // under mutex_
  std::jthread thread_;        // last: everything it uses exists when it starts
};

}  // namespace worker
