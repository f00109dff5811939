#include "event_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace worker {

base::Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  base::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return base::error_from_errno("cannot create an event loop", errno);
  base::Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return base::error_from_errno("cannot create the wake-up descriptor of an event loop", errno);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = 0;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0)
    return base::error_from_errno("cannot prepare an event loop", errno);
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll), std::move(wake)));
}

bool EventLoop::post(std::function<void()> function) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return false;  // `function` dies after the lock is gone: what it holds may post again
    posted_.push_back(std::move(function));
    if (posted_.size() > 1) return true;  // the wake-up of the first is still to come
  }
  const std::uint64_t one = 1;
  // EAGAIN means that the counter is far from zero: the loop wakes anyway.
  [[maybe_unused]] const ssize_t put = ::write(wake_.get(), &one, sizeof one);
  return true;
}

void EventLoop::stop() noexcept {
  stopping_.store(true);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = ::write(wake_.get(), &one, sizeof one);
}

void EventLoop::run_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &count, sizeof count);
  std::vector<std::function<void()>> now;
  {
    const std::lock_guard lock(mutex_);
    now.swap(posted_);
  }
  for (auto& function : now) function();
}

void EventLoop::run_timers() {
  const TimePoint now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto node = timers_.extract(timers_.begin());
    timer_times_.erase(node.key().second);
    node.mapped()();
  }
}

int EventLoop::wait_milliseconds() const {
  if (stopping_.load()) return 0;
  if (timers_.empty()) return -1;
  const auto left = timers_.begin()->first.first - std::chrono::steady_clock::now();
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::clamp<std::int64_t>(milliseconds, 0, 60'000));
}

void EventLoop::run() {
  std::array<epoll_event, 64> events{};
  while (!stopping_.load()) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_milliseconds());
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      const WatchId id = event.data.u64;  // a copy: the structure is packed, a reference into it would be misaligned
      if (id == 0) continue;              // posted functions run after all descriptors
      const auto found = watches_.find(id);
      if (found == watches_.end()) continue;  // unwatched by an earlier handler of this round
      const std::shared_ptr<Watch> watch = found->second;
      watch->handler(event.events);
    }
    run_posted();
    run_timers();
    if (after_round_) after_round_();
  }
  std::vector<std::function<void()>> last;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    last.swap(posted_);
  }
  for (auto& function : last) function();
}

base::Result<EventLoop::WatchId> EventLoop::watch(int fd, std::uint32_t events, std::function<void(std::uint32_t)> handler) {
  const WatchId id = next_id_++;
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return base::error_from_errno("cannot watch a descriptor", errno);
  watches_.emplace(id, std::make_shared<Watch>(Watch{fd, std::move(handler)}));
  return id;
}

base::Status EventLoop::change(WatchId id, std::uint32_t events) {
  const auto found = watches_.find(id);
  if (found == watches_.end()) return base::Error{base::ErrorCode::NotFound, "a descriptor is not watched any more"};
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, found->second->fd, &event) != 0) {
    return base::error_from_errno("cannot change what a descriptor is watched for", errno);
  }
  return {};
}

void EventLoop::unwatch(WatchId id) noexcept {
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second->fd, nullptr);
  watches_.erase(found);
}

EventLoop::TimerId EventLoop::at(TimePoint when, std::function<void()> function) {
  const TimerId id = next_id_++;
  timers_.emplace(std::pair(when, id), std::move(function));
  timer_times_.emplace(id, when);
  return id;
}

void EventLoop::cancel(TimerId id) noexcept {
  const auto found = timer_times_.find(id);
  if (found == timer_times_.end()) return;
  timers_.erase({found->second, id});
  timer_times_.erase(found);
}

}  // namespace worker
