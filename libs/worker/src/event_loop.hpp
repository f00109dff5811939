// One thread that waits for descriptors, timers and posted functions, and runs their handlers one after the other.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace worker {

class EventLoop {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using TimerId = std::uint64_t;
  using WatchId = std::uint64_t;

  static base::Result<std::unique_ptr<EventLoop>> create();

  // Thread-safe. Runs `function` on the loop's thread, in order of posting. false: the loop has ended, it will not run.
  bool post(std::function<void()> function);
  // Thread-safe. `run` returns after the handlers that are due now and everything posted before.
  void stop() noexcept;

  // The rest: only on the loop's thread, or before `run`.
  void run();
  // `handler` gets the epoll events. The descriptor must stay open until `unwatch`.
  base::Result<WatchId> watch(int fd, std::uint32_t events, std::function<void(std::uint32_t)> handler);
  base::Status change(WatchId id, std::uint32_t events);
  // The handler runs no more, not even for an event that was already collected.
  void unwatch(WatchId id) noexcept;
  TimerId at(TimePoint when, std::function<void()> function);
  void cancel(TimerId id) noexcept;  // 0 and fired ones are fine
  // Called after each round of handlers, before waiting.
  void after_round(std::function<void()> function) { after_round_ = std::move(function); }

 private:
  struct Watch {
    int fd;
    std::function<void(std::uint32_t)> handler;
  };
  EventLoop(base::Fd epoll, base::Fd wake) : epoll_(std::move(epoll)), wake_(std::move(wake)) {}
  void run_posted();
  void run_timers();
  int wait_milliseconds() const;

  base::Fd epoll_, wake_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // under mutex_
  bool ended_ = false;                         // under mutex_
  std::atomic<bool> stopping_{false};
  std::unordered_map<WatchId, std::shared_ptr<Watch>> watches_;
  std::map<std::pair<TimePoint, TimerId>, std::function<void()>> timers_;
  std::unordered_map<TimerId, TimePoint> timer_times_;
  std::uint64_t next_id_ = 1;  // 0 is the wake-up descriptor
  std::function<void()> after_round_;
};

}  // namespace worker
