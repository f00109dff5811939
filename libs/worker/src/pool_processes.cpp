// Birth, retirement and death of worker processes.
#include <sys/epoll.h>

#include <algorithm>
#include <csignal>

#include "pool_core.hpp"

namespace worker::detail {
namespace {

constexpr std::chrono::milliseconds kAskOwnerAgain{500};  // after it refused a start: short enough for requests to wait it out

}  // namespace

void PoolCore::move(Slot& slot, WorkerEvent event) {
  const auto to = next_state(slot.state, event);
  if (!to) {
    // A bug of this file. Ending the process would take every request with it; the slot stays as it is and the log says so.
    return logger_.error(options_.name + ": event '" + std::string(name_of(event)) + "' is impossible for " + describe(slot));
  }
  const WorkerState from = std::exchange(slot.state, *to);
  if (*to == WorkerState::Ready) slot.idle_since = std::chrono::steady_clock::now();
  observer_->moved(slot.ref, from, *to);
}

std::string PoolCore::describe(const Slot& slot) const {
  return "worker " + std::to_string(slot.ref.id) + " (slot " + std::to_string(slot.ref.slot) + ", pid " +
         std::to_string(slot.ref.pid) + ", " + std::string(name_of(slot.state)) + ")";
}

Slot* PoolCore::slot_of(std::uint64_t worker_id) {
  for (const auto& slot : slots_) {
    if (slot->ref.id == worker_id && has_process(slot->state)) return slot.get();
  }
  return nullptr;
}

void PoolCore::arm(Slot& slot, std::chrono::milliseconds delay, std::function<void(Slot&)> function) {
  loop_->cancel(slot.life_timer);
  slot.life_timer = loop_->at(std::chrono::steady_clock::now() + delay, [&slot, function = std::move(function)] {
    slot.life_timer = 0;
    function(slot);
  });
}

std::size_t PoolCore::live_workers() const {
  return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), [](const auto& slot) {
    return slot->state == WorkerState::Starting || takes_requests(slot->state);
  }));
}

unsigned PoolCore::wanted_workers() const {
  auto occupied = static_cast<std::size_t>(
      std::count_if(queue_.begin(), queue_.end(), [this](std::uint64_t id) { return !waits_for_holder(tasks_.at(id)->request); }));
  std::size_t old_ones = 0;
  for (const auto& slot : slots_) {
    if (!takes_requests(slot->state)) continue;
    if (slot->generation != generation_) {
      ++old_ones;
    } else {
      occupied += slot->overdue > 0 ? slot->capacity : slot->places.size();
    }
  }
  const std::size_t for_requests = (occupied + options_.per_worker - 1) / options_.per_worker;
  return static_cast<unsigned>(
      std::min<std::size_t>(options_.workers, std::max({for_requests, std::size_t{options_.start_ahead}, old_ones})));
}

void PoolCore::ensure_workers() {
  if (stopping_ || (draining_ && queue_.empty())) return;
  const auto counts = [this](const Slot& slot) {
    return slot.generation == generation_ && (slot.state == WorkerState::Starting || slot.state == WorkerState::BackingOff ||
                                              (takes_requests(slot.state) && !slot.retire_when_empty));
  };
  auto live = static_cast<unsigned>(std::count_if(slots_.begin(), slots_.end(), [&](const auto& slot) { return counts(*slot); }));
  if (live > options_.workers) return retire_surplus(live - options_.workers);
  for (const unsigned wanted = wanted_workers(); live < wanted; ++live) { start_slot(free_slot()); }
}

// One that is dead, or a new one at the end.
Slot& PoolCore::free_slot() {
  const auto dead = std::find_if(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->state == WorkerState::Dead; });
  if (dead != slots_.end()) return **dead;
  return *slots_.emplace_back(std::make_unique<Slot>(static_cast<unsigned>(slots_.size())));
}

void PoolCore::retire_surplus(unsigned surplus) {
  for (const WorkerState state : {WorkerState::BackingOff, WorkerState::Ready, WorkerState::Starting, WorkerState::Busy}) {
    for (std::size_t i = slots_.size(); i-- > 0 && surplus > 0;) {
      Slot& slot = *slots_[i];
      if (slot.state != state || slot.generation != generation_) continue;
      --surplus;
      if (state == WorkerState::BackingOff) {
        loop_->cancel(slot.life_timer);
        move(slot, WorkerEvent::Stop);
      } else {
        retire(slot, "fewer workers are wanted");
      }
    }
  }
}

void PoolCore::start_slot(Slot& slot) {
  slot.generation = generation_;
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now >= no_start_before_) return start_process(slot);
  move(slot, WorkerEvent::BackOff);
  arm(slot, std::chrono::ceil<std::chrono::milliseconds>(no_start_before_ - now), [this](Slot& rested) {
    if (stopping_ || (draining_ && queue_.empty())) {
      move(rested, WorkerEvent::Stop);
      return check_stopped();
    }
    rested.generation = generation_;
    start_process(rested);
  });
}

void PoolCore::start_process(Slot& slot) {
  slot.ref.id = next_worker_++;
  slot.ref.pid = 0;
  move(slot, WorkerEvent::Start);
  slot.oom_kills_before = oom_kills_.read();
  arm(slot, options_.start_timeout, [this](Slot& late) {
    stop(late, StopStep::Terminate, "it was not ready " + std::to_string(options_.start_timeout.count()) + " ms after its start",
         EndReason::Fault);
  });
  starter_->enqueue({slot.ref, options_.command});
}

void PoolCore::start_finished(const WorkerRef& worker, const std::shared_ptr<StartedWorker>& process,
                              const std::optional<StartFailure>& failure) {
  const auto found = std::find_if(slots_.begin(), slots_.end(), [&](const auto& slot) { return slot->ref.id == worker.id; });
  if (found == slots_.end()) return;
  Slot& slot = **found;
  if (failure)
    return start_failed(slot, failure->error, failure->refused_by_owner ? StartTrouble::RefusedByOwner : StartTrouble::Failed);
  adopt(slot, process);
}

void PoolCore::start_failed(Slot& slot, const base::Error& error, StartTrouble trouble) {
  const bool unwanted = slot.state == WorkerState::Stopping && slot.told_to_end;
  close_process(slot);
  move(slot, WorkerEvent::Died);
  if (!unwanted) {
    const bool from_outside = trouble == StartTrouble::KilledFromOutside;
    const bool by_owner = trouble == StartTrouble::RefusedByOwner;
    // The owner is asked again and again, and says the same until there is room.
    if (!by_owner || !start_error_ || start_error_->code != error.code) {
      logger_.warning(options_.name + ": a worker could not be started: " + error.message);
    }
    if (by_owner)
      no_start_before_ = std::chrono::steady_clock::now() + std::min(options_.backoff_max, kAskOwnerAgain);
    else
      back_off(from_outside);
    // That says nothing about the next start: who waits, waits for it.
    if (!from_outside) start_error_ = error;
    const auto older = std::find_if(slots_.begin(), slots_.end(), [this](const auto& other) {
      return takes_requests(other->state) && other->generation != generation_;
    });
    // No room for the new one beside the old: the old one goes first.
    if (by_owner && older != slots_.end()) retire(**older, "it makes room for its successor");
    if (live_workers() == 0 && !from_outside) refuse_queue(error);
  }
  check_stopped();
  pump();
}

void PoolCore::adopt(Slot& slot, std::shared_ptr<StartedWorker> process) {
  slot.process = std::move(process);
  slot.ref.pid = slot.process->child.pid();
  ++counters_.started;
  for (auto* lines : {&slot.output, &slot.error_output}) {
    *lines = std::make_unique<LineSplitter>(options_.log_lines_per_second,
                                            [this, &slot](std::string_view line) { log_line(slot, line); });
  }
  const ChildProcess& child = slot.process->child;
  const auto watch = [this](int fd, std::function<void(std::uint32_t)> handler, EventLoop::WatchId& id) {
    auto result = loop_->watch(fd, EPOLLIN, std::move(handler));
    if (result) id = *result;
    return result.has_value();
  };
  const bool watched =
      watch(
          child.pidfd(), [this, &slot](std::uint32_t) { child_ended(slot); }, slot.pidfd_watch) &&
      watch(
          slot.process->channel.get(), [this, &slot](std::uint32_t events) { on_channel(slot, events); }, slot.channel_watch) &&
      watch(
          child.output().get(), [this, &slot](std::uint32_t) { on_output(slot, false); }, slot.output_watch) &&
      watch(
          child.error_output().get(), [this, &slot](std::uint32_t) { on_output(slot, true); }, slot.error_watch);
  observer_->started(slot.ref);
  if (!watched)
    return start_failed(slot, unavailable("a worker's descriptors cannot be watched (too many open files?)"), StartTrouble::Failed);
  // Told to end while the starter was at work.
  if (slot.state == WorkerState::Stopping) escalate(slot, StopStep::Kill);
}

void PoolCore::became_ready(Slot& slot, const Frame& frame) {
  loop_->cancel(slot.life_timer);
  slot.announced_capacity = std::max(1U, frame.number);
  slot.capacity = std::min(options_.per_worker, slot.announced_capacity);
  slot.ready_since = std::chrono::steady_clock::now();
  start_error_.reset();
  ++counters_.ready;
  move(slot, WorkerEvent::Became);
  logger_.info(options_.name + ": " + describe(slot) + " takes requests" + (slot.program.empty() ? "" : ", " + slot.program));
  const MemoryReport report = frame.memory.value_or(MemoryReport{});
  if (frame.memory) slot.memory = frame.memory;
  observer_->ready(slot.ref, report);
  retire_older();
  plan_ping(slot);
  pump();
}

// Each new worker takes over from an old one; when there are as many new ones as there may be, from all that are left.
void PoolCore::retire_older() {
  const auto fresh = std::count_if(slots_.begin(), slots_.end(), [this](const auto& slot) {
    return takes_requests(slot->state) && slot->generation == generation_;
  });
  for (const auto& slot : slots_) {
    if (!takes_requests(slot->state) || slot->generation == generation_) continue;
    retire(*slot, "a successor has taken over");
    if (fresh < options_.workers) return;
  }
}

void PoolCore::retire(Slot& slot, const std::string& cause) {
  if (slot.cause.empty()) slot.cause = cause;
  slot.told_to_end = true;
  if (slot.state == WorkerState::Starting || slot.state == WorkerState::Ready) return stop(slot, StopStep::Ask, cause);
  if (slot.state != WorkerState::Busy) return;
  move(slot, WorkerEvent::Retire);
  arm(slot, options_.finish_grace, [this](Slot& late) { stop(late, StopStep::Terminate, late.cause); });
  drained_a_bit(slot);
}

// A hung worker ends as soon as only the requests that hang are left.
void PoolCore::drained_a_bit(Slot& slot) {
  if (slot.state != WorkerState::Draining || !slot.hung) return;
  const bool others = std::any_of(slot.running.begin(), slot.running.end(), [](const auto& item) { return !item.second->overdue; });
  if (!others) stop(slot, StopStep::Terminate, slot.cause);
}

void PoolCore::stop(Slot& slot, StopStep step, const std::string& cause, EndReason reason) {
  if (slot.state == WorkerState::Stopping) return;
  if (slot.cause.empty()) slot.cause = cause;
  slot.told_to_end = reason == EndReason::Asked;
  loop_->cancel(slot.ping_timer);
  move(slot, WorkerEvent::Stop);
  logger_.info(options_.name + ": " + describe(slot) + " is ended: " + slot.cause);
  escalate(slot, step);
}

void PoolCore::escalate(Slot& slot, StopStep step) {
  if (!slot.process) return loop_->cancel(slot.life_timer);  // the starter has it; `adopt` goes on from here
  if (step == StopStep::Ask) {
    Frame frame;
    frame.type = MessageType::Shutdown;
    post_frame(slot, frame);
    arm(slot, options_.stop_grace, [this](Slot& late) { escalate(late, StopStep::Terminate); });
  } else if (step == StopStep::Terminate) {
    slot.process->child.signal(SIGTERM);
    arm(slot, options_.kill_grace, [this](Slot& late) { escalate(late, StopStep::Kill); });
  } else {
    slot.killed_by_us = true;
    loop_->cancel(slot.life_timer);
    slot.process->child.signal(SIGKILL);
  }
}

ExitReason PoolCore::collect(Slot& slot) {
  // What it said before it died counts: an answer may lie in the socket behind the news of its death.
  while (slot.channel_watch != 0 && read_channel(slot, 64)) {}
  for (const bool error_output : {false, true}) read_output(slot, error_output, 16);
  ExitReason reason = slot.process->child.reap().value_or(ExitReason{});
  const auto oom_kills = oom_kills_.read();
  reason.out_of_memory =
      reason.signal == SIGKILL && !slot.killed_by_us && oom_kills && slot.oom_kills_before && *oom_kills > *slot.oom_kills_before;
  slot.output->finish();
  slot.error_output->finish();
  return reason;
}

void PoolCore::child_ended(Slot& slot) {
  const bool was_starting =
      slot.state == WorkerState::Starting || (slot.state == WorkerState::Stopping && slot.ready_since == SteadyTime{});
  const ExitReason reason = collect(slot);
  // Somebody killed it, and it was not the kernel for want of memory: no fault of the program.
  const bool from_outside = reason.signal == SIGKILL && !slot.killed_by_us && slot.oom_kills_before && !reason.out_of_memory;
  const std::string printed = slot.error_output->last_lines();
  const std::string words = "worker process " + std::to_string(slot.ref.pid) + " " + reason.words() +
                            (slot.cause.empty() ? "" : ", after it was told to end: " + slot.cause);
  count_death(slot, reason);
  const bool told = slot.told_to_end;
  const bool settled = slot.requests > 0 || std::chrono::steady_clock::now() - slot.ready_since > options_.settled;
  end_tasks_of(slot, words);
  const std::shared_ptr<StartedWorker> process = slot.process;  // until_death is dropped after `died`
  close_process(slot);
  observer_->died(slot.ref, reason);
  if (!told && was_starting) {
    return start_failed(
        slot, unavailable("the " + words + " before it was ready" + (printed.empty() ? "" : "; it last printed: " + printed)),
        from_outside ? StartTrouble::KilledFromOutside : StartTrouble::Failed);
  }
  if (!told) {
    logger_.error(options_.name + ": " + words + (printed.empty() ? "" : "; it last printed: " + printed));
    back_off(settled || from_outside);
  }
  move(slot, WorkerEvent::Died);
  check_stopped();
  pump();
}

void PoolCore::count_death(const Slot& slot, const ExitReason& reason) {
  if (!slot.told_to_end) ++counters_.crashed;
  if (reason.out_of_memory) ++counters_.out_of_memory_killed;
}

void PoolCore::end_tasks_of(Slot& slot, const std::string& words) {
  const auto running = std::exchange(slot.running, {});
  // From the back, so that those that run again keep their order at the head of the queue.
  // NOLINTNEXTLINE(modernize-loop-convert): C++20's reversed ranges need a newer library
  for (auto item = running.rbegin(); item != running.rend(); ++item) {
    Task& task = *item->second;
    // 1. A worker is killed. 2. Before the news comes, a request is sent to it: the socket takes it. 3. Nobody has read it, so that
    // no work is done twice when another gets it.
    const bool unread = slot.surely_unread(task.id);
    if (unread) {
      --task.attempts;
      ++task.unread;
    }
    const bool again = unread ? !task.on_seat && task.unread < 5 : task.request.rerun_allowed && task.attempts < 2;
    if (again && task.waited_for() && !task.overdue && !stopping_) {
      task.running = false;
      task.place = 0;
      if (!unread) ++counters_.reruns;
      queue_.push_front(task.id);
      continue;
    }
    std::string message = "the request was not finished: its ";
    message += words;
    if (task.attempts > 1) message += "; it had been given to a second worker after the first one died";
    finish_task(task, unanswered(Ending::WorkerDied, unavailable(std::move(message))));
  }
  for (const std::uint64_t number : slot.places) {
    Place& place = places_.at(number);
    place.slot = nullptr;
    place.task = 0;
    if (!place.held) places_.erase(number);
  }
  slot.places.clear();
}

void PoolCore::close_process(Slot& slot) {
  loop_->cancel(slot.life_timer);
  loop_->cancel(slot.ping_timer);
  for (EventLoop::WatchId* watch : {&slot.channel_watch, &slot.pidfd_watch, &slot.output_watch, &slot.error_watch})
    loop_->unwatch(std::exchange(*watch, 0));
  Slot fresh(slot.ref.slot);
  fresh.ref = slot.ref;
  fresh.state = slot.state;
  fresh.generation = slot.generation;
  slot = std::move(fresh);
}

void PoolCore::back_off(bool by_bad_luck) {
  crashes_in_a_row_ = by_bad_luck ? 1 : crashes_in_a_row_ + 1;
  const unsigned doublings = std::min(crashes_in_a_row_ - 1, 20U);
  const auto delay = std::min(options_.backoff_max, std::chrono::milliseconds(options_.backoff_first.count() << doublings));
  no_start_before_ = std::chrono::steady_clock::now() + delay;
}

}  // namespace worker::detail
