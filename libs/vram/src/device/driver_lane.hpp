// One kind of driver call ("memory of GPU-x"), made on a thread that can be abandoned, shared by all who want its answer.
//
// Invariants:
// - At most one current thread; it alone starts calls. Threads that were given up only deliver their late answer and end.
// - The core (mutex, answer, call) is owned by lane and threads together, so a stuck thread outlives the lane safely; after `stop`
// a returning
//   thread touches neither clock nor log.
// - `failing` is set when a call fails, exceeds its limit, or keeps somebody waiting beyond his patience; it is cleared only by a
// call that succeeds
//   within the limit. While it is set nobody waits.
#pragma once
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "base/duration.hpp"
#include "base/result.hpp"

namespace vram {

struct LaneOptions {
  std::string what;                  // "memory of GPU-…", for reasons
  std::chrono::nanoseconds limit;    // a call that takes longer counts as hung
  std::chrono::nanoseconds refresh;  // 0: asks only when somebody wants it
  std::chrono::nanoseconds retry;    // pause after a failure, doubled up to kLongestRetry; 0: tried again when next asked
  std::chrono::nanoseconds replace_after;
};

template <class T>
class DriverLane {
 public:
  using nanoseconds = std::chrono::nanoseconds;
  static constexpr nanoseconds kLongestRetry = std::chrono::seconds(1);
  static constexpr nanoseconds kNever = nanoseconds::min() / 2;  // before any time, and still safe to subtract
  static constexpr nanoseconds kWatch = std::chrono::microseconds(40);
  static constexpr int kManyGivenUp = 12;  // from then on threads are replaced half as often
  static constexpr int kMostGivenUp = 48;

  struct View {
    std::optional<T> value;  // the last good answer
    nanoseconds begun{};     // when its call was begun
    bool failing = false;
    std::optional<base::Error> error;  // why it is failing
  };
  // Called off the lock when `failing` has changed, with the reason.
  using Listener = std::function<void(bool failing, const std::string& reason)>;

  DriverLane(std::function<base::Result<T>()> call, LaneOptions options, const base::Clock& clock, Listener listener)
      : core_(std::make_shared<Core>(std::move(call), std::move(options), clock, std::move(listener))) {}
  ~DriverLane() { close(); }
  DriverLane(const DriverLane&) = delete;
  DriverLane& operator=(const DriverLane&) = delete;

  // Waits, unless failing, up to `wait` for an answer that was begun at `not_before` or later.
  View ask(nanoseconds not_before, nanoseconds wait);
  View view() const {
    const std::lock_guard lock(core_->mutex);
    return core_->view();
  }
  // Called now and then: refreshes, retries, notices hangs, replaces stuck threads.
  void tick();

 private:
  struct Core {
    Core(std::function<base::Result<T>()> the_call, LaneOptions the_options, const base::Clock& the_clock, Listener the_listener)
        : call(std::move(the_call)), options(std::move(the_options)), clock(the_clock), listener(std::move(the_listener)) {}

    View view() const { return {value, value_begun, failing, error}; }
    // Both return what to tell the listener, if anything: it is told off the lock.
    bool fail(base::Error reason) {
      error = std::move(reason);
      return !std::exchange(failing, true);
    }
    bool recover() {
      error.reset();
      pause = nanoseconds{};
      return std::exchange(failing, false);
    }
    base::Error too_slow() const {
      const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(options.limit);
      return {base::ErrorCode::Timeout, options.what + ": no answer within " + std::to_string(limit.count()) + " ms"};
    }
    // A driver that is well answers sooner than a sleeping thread is woken, so who asks looks for a moment before it sleeps.
    void watch(std::uint64_t seen) const {
      const auto until = std::chrono::steady_clock::now() + kWatch;
      while (answers.load(std::memory_order_acquire) == seen && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    }
    bool settle(base::Result<T> answer, nanoseconds begun, nanoseconds ended, bool replaced);

    const std::function<base::Result<T>()> call;
    const LaneOptions options;
    const base::Clock& clock;
    const Listener listener;

    std::mutex mutex;
    std::condition_variable wake;      // for the current thread
    std::condition_variable answered;  // for those who wait
    bool stop = false;
    bool wanted = false;
    bool busy = false;          // the current thread is in the driver
    std::uint64_t current = 0;  // number of the current thread; 0: there is none
    std::uint64_t threads_made = 0;
    std::atomic<std::uint64_t> answers{0};  // settled so far; changed without the lock, after it
    int in_our_code = 0;                    // threads that are not in the driver
    int given_up = 0;                       // threads still stuck
    nanoseconds busy_since{};
    nanoseconds last_begun = kNever;  // of the last call that ended, good or bad
    nanoseconds next_try{};           // while failing
    nanoseconds pause{};
    std::optional<T> value;
    nanoseconds value_begun = kNever;
    bool failing = false;
    std::optional<base::Error> error;
  };

  static void run(std::shared_ptr<Core> core, std::uint64_t number);
  static void start_thread(const std::shared_ptr<Core>& core);  // REQUIRES: lock
  static void tell(Core& core, bool changed, bool failing, const std::string& reason) {
    if (changed && core.listener) core.listener(failing, reason);
  }
  void close();

  const std::shared_ptr<Core> core_;
};

template <class T>
void DriverLane<T>::start_thread(const std::shared_ptr<Core>& core) {
  // Signals of the program are not for this thread.
  sigset_t all{}, before{};
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const std::uint64_t number = ++core->threads_made;
  try {
    std::thread(&DriverLane::run, core, number).detach();
    core->current = number;
    ++core->in_our_code;
  } catch (const std::system_error&) {
    core->current = 0;  // tried again at the next call or tick; whoever waits has a deadline
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

template <class T>
bool DriverLane<T>::Core::settle(base::Result<T> answer, nanoseconds begun, nanoseconds ended, bool replaced) {
  last_begun = std::max(last_begun, begun);
  const bool good = answer.has_value();
  if (good && begun >= value_begun) {
    value = std::move(answer).value();
    value_begun = begun;
  }
  // What a given-up thread brings says nothing about the driver now.
  if (replaced) return false;
  next_try = ended;
  if (good && ended - begun <= options.limit) return recover();
  if (good) return fail(too_slow());  // a good figure, but only an answer in time shows that the driver is well
  pause = std::min(kLongestRetry, pause == nanoseconds{} ? options.retry : pause * 2);
  next_try += pause;
  return fail(std::move(answer).error());
}

template <class T>
void DriverLane<T>::run(std::shared_ptr<Core> core, std::uint64_t number) {
  pthread_setname_np(pthread_self(), "gpu-driver");
  std::unique_lock lock(core->mutex);
  for (;;) {
    core->wake.wait(lock, [&] { return core->stop || core->current != number || core->wanted; });
    if (core->stop || core->current != number) break;
    core->wanted = false;
    core->busy = true;
    const nanoseconds begun = core->busy_since = core->clock.monotonic();
    --core->in_our_code;
    lock.unlock();
    base::Result<T> answer = core->call();
    lock.lock();
    ++core->in_our_code;
    const bool replaced = core->current != number;
    if (replaced)
      --core->given_up;
    else
      core->busy = false;
    if (core->stop) break;
    const bool changed = core->settle(std::move(answer), begun, core->clock.monotonic(), replaced);
    const bool failing = core->failing;
    const std::string reason = core->error ? core->error->message : std::string();
    // A thread that was given up and comes back: the driver moves again, so ask it.
    if (replaced) core->wanted = true;
    lock.unlock();
    core->answers.fetch_add(1, std::memory_order_release);
    core->answered.notify_all();
    if (replaced) core->wake.notify_all();
    tell(*core, changed, failing, reason);
    lock.lock();
    if (replaced) break;
  }
  --core->in_our_code;
  core->answered.notify_all();
}

template <class T>
typename DriverLane<T>::View DriverLane<T>::ask(nanoseconds not_before, nanoseconds wait) {
  Core& core = *core_;
  std::unique_lock lock(core.mutex);
  const auto fresh = [&] { return core.last_begun >= not_before; };
  if (fresh() || core.stop) return core.view();
  // Without retries in the background it is the caller who tries again.
  if (core.failing && core.options.retry == nanoseconds{} && !core.busy) core.recover();
  if (core.failing) return core.view();
  const bool joins = core.busy && core.busy_since >= not_before;
  if (!joins) {
    core.wanted = true;
    if (core.current == 0) start_thread(core_);
    const std::uint64_t seen = core.answers.load();
    lock.unlock();  // who is woken needs it
    core.wake.notify_all();
    if (wait > nanoseconds{}) core.watch(seen);
    lock.lock();
  }
  const bool answered = core.answered.wait_for(lock, wait, [&] { return fresh() || core.failing || core.stop; });
  bool changed = false;
  if (!answered && wait >= core.options.limit) changed = core.fail(core.too_slow());
  const View result = core.view();
  if (changed) core.answered.notify_all();
  lock.unlock();
  tell(core, changed, true, result.error ? result.error->message : std::string());
  return result;
}

template <class T>
void DriverLane<T>::tick() {
  Core& core = *core_;
  std::unique_lock lock(core.mutex);
  if (core.stop) return;
  const nanoseconds now = core.clock.monotonic();
  bool changed = false;
  if (core.busy) {
    const nanoseconds stuck = now - core.busy_since;
    if (stuck > core.options.limit) {
      changed = core.fail(core.too_slow());
      core.answered.notify_all();
    }
    const int slower = core.given_up >= kManyGivenUp ? 2 : 1;
    if (stuck > core.options.limit + core.options.replace_after * slower && core.given_up < kMostGivenUp) {
      ++core.given_up;
      core.busy = false;
      core.wanted = true;
      start_thread(core_);
    }
  } else if (core.failing && core.options.retry > nanoseconds{}) {
    core.wanted = core.wanted || now >= core.next_try;
  } else if (core.options.refresh > nanoseconds{}) {
    core.wanted = core.wanted || now - core.last_begun >= core.options.refresh;
  }
  if (core.wanted && core.current == 0) start_thread(core_);
  if (core.wanted) core.wake.notify_all();
  const std::string reason = changed ? core.error->message : std::string();
  lock.unlock();
  tell(core, changed, true, reason);
}

template <class T>
void DriverLane<T>::close() {
  std::unique_lock lock(core_->mutex);
  core_->stop = true;
  core_->wake.notify_all();
  core_->answered.notify_all();
  // A call in progress usually ends in microseconds; one that is known to hang is not waited for.
  const auto patience = std::chrono::milliseconds(core_->failing ? 0 : 100);
  core_->answered.wait_for(lock, patience, [&] { return core_->in_our_code == 0 && !core_->busy; });
  core_->answered.wait_for(lock, std::chrono::milliseconds(100), [&] { return core_->in_our_code == 0; });
}

}  // namespace vram
