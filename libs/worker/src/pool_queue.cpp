// Tasks, places and routing: who runs where.
#include <algorithm>

#include "pool_core.hpp"

namespace worker::detail {
namespace {

base::Error timed_out(const Task& task) {
  return {base::ErrorCode::Timeout, task.running ? "the request ran longer than its time limit"
                                                 : "the request waited for a free worker until its time limit passed"};
}

base::Error cancelled() { return {base::ErrorCode::Cancelled, "nobody waits for the request any more"}; }

}  // namespace

void PoolCore::submit(Request request, Completion done, SeatCompletion seated, std::uint64_t place) {
  auto task = std::make_shared<std::unique_ptr<Task>>(std::make_unique<Task>());
  (*task)->request = std::move(request);
  (*task)->done = std::move(done);
  (*task)->seated = std::move(seated);
  (*task)->place = place;
  (*task)->submitted = std::chrono::steady_clock::now();
  // The copy into a memfd is the caller's work, not the event thread's.
  if ((*task)->request.document.size() > kMaxInlineBody) {
    auto moved = (*task)->request.document.as_memfd();
    if (!moved) return answer(**task, unanswered(Ending::Refused, moved.error()));
    (*task)->request.document = std::move(moved).value();
  }
  if (!loop_->post([self = shared_from_this(), task] { self->accept(std::move(*task)); })) {
    answer(**task, unanswered(Ending::Refused, unavailable("the workers have been stopped")));
  }
}

std::optional<base::Error> PoolCore::why_refused() const {
  if (draining_ || stopping_)
    return unavailable("the workers are being shut down: send the request again to another server, or later");
  if (queue_.size() >= options_.max_queued) {
    return base::Error{base::ErrorCode::QueueFull,
                       std::to_string(queue_.size()) + " requests are already waiting for a worker: try again later"};
  }
  const bool long_back_off = no_start_before_ - std::chrono::steady_clock::now() > std::chrono::seconds(1);
  if (start_error_ && live_workers() == 0 && long_back_off) return start_error_;
  return std::nullopt;
}

void PoolCore::accept(std::unique_ptr<Task> owned) {
  Task& task = *owned;
  if (task.place != 0) return run_on_seat(std::move(owned));
  if (const auto refusal = why_refused()) return answer(task, unanswered(Ending::Refused, *refusal));
  task.id = next_task_++;
  tasks_.emplace(task.id, std::move(owned));
  queue_.push_back(task.id);
  watch_for_end(task);
  pump();
}

void PoolCore::watch_for_end(Task& task) {
  if (task.request.deadline) task.deadline_timer = loop_->at(*task.request.deadline, [this, id = task.id] { deadline_passed(id); });
  if (task.request.stop.stop_possible()) {
    // Runs on whatever thread requests the stop, or here and now if that has happened.
    task.on_stop =
        std::make_unique<std::stop_callback<std::function<void()>>>(task.request.stop, [weak = weak_from_this(), id = task.id] {
          if (const auto self = weak.lock()) self->post([id](PoolCore& core) { core.cancel_task(id); });
        });
  }
}

void PoolCore::run_on_seat(std::unique_ptr<Task> owned) {
  Task& task = *owned;
  const auto found = places_.find(task.place);
  if (found == places_.end() || !found->second.held) {
    return answer(task, unanswered(Ending::Refused, invalid("the seat was already given back")));
  }
  Place& place = found->second;
  task.worker = place.worker;
  if (place.slot == nullptr || place.slot->hung || place.slot->state == WorkerState::Stopping) {
    return answer(
        task, unanswered(Ending::WorkerDied, unavailable("the worker process chosen for this request has ended in the meantime")));
  }
  if (place.task != 0) { return answer(task, unanswered(Ending::Refused, invalid("the seat already runs a request"))); }
  task.id = next_task_++;
  task.request.rerun_allowed = false;
  task.on_seat = true;
  tasks_.emplace(task.id, std::move(owned));
  watch_for_end(task);
  place.task = task.id;
  run(task, *place.slot);
}

bool Slot::holds(const Request& request) const { return !request.model.empty() && models.contains(request.model); }
bool Slot::had_kin_of(const Request& request) const {
  return !request.kin.empty() && std::find(kin.begin(), kin.end(), request.kin) != kin.end();
}
bool Slot::open() const { return takes_requests(state) && overdue == 0 && !retire_when_empty; }

bool PoolCore::waits_for_holder(const Request& request) const {
  return request.only_there && std::any_of(slots_.begin(), slots_.end(), [&](const auto& slot) {
           return slot->open() && (slot->holds(request) || slot->had_kin_of(request));
         });
}

Slot* PoolCore::choose(const Request& request) {
  Slot* best = nullptr;
  const bool only_there = waits_for_holder(request);
  const auto rank = [&](const Slot& slot) {
    return std::tuple(slot.generation == generation_ ? 0 : 1, slot.holds(request) ? 0 : 1, slot.had_kin_of(request) ? 0 : 1,
                      slot.places.size(), slot.ref.slot);
  };
  for (const auto& slot : slots_) {
    if (!slot->open() || slot->places.size() >= slot->capacity) continue;
    if (only_there && !slot->holds(request) && !slot->had_kin_of(request)) continue;
    if (best == nullptr || rank(*slot) < rank(*best)) best = slot.get();
  }
  return best;
}

// In the order of the queue; who waits for one certain worker holds up nobody else.
void PoolCore::pump() {
  for (std::size_t i = 0; i < queue_.size();) {
    Task& task = *tasks_.at(queue_[i]);
    if (Slot* slot = choose(task.request)) {
      queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(i));
      give(task, *slot);
      i = 0;  // the queue may be another one
    } else if (waits_for_holder(task.request)) {
      ++i;
    } else {
      break;
    }
  }
  ensure_workers();
}

// Bounded: what a worker did long ago says little about what it holds.
void PoolCore::remember_kin(Slot& slot, const std::string& kin) {
  constexpr std::size_t kRemembered = 8;
  if (kin.empty()) return;
  slot.kin.erase(std::remove(slot.kin.begin(), slot.kin.end(), kin), slot.kin.end());
  slot.kin.push_front(kin);
  if (slot.kin.size() > kRemembered) slot.kin.pop_back();
}

void PoolCore::give(Task& task, Slot& slot) {
  const std::uint64_t number = next_place_++;
  Place& place = places_.emplace(number, Place{&slot, slot.ref, false, 0}).first->second;
  slot.places.insert(number);
  if (slot.state == WorkerState::Ready) move(slot, WorkerEvent::Occupied);
  task.place = number;
  task.worker = slot.ref;
  if (!task.seated) {
    place.task = task.id;
    return run(task, slot);
  }
  place.held = true;
  Seat seat;
  seat.pool_ = weak_from_this();
  seat.number_ = number;
  seat.worker_ = slot.ref;
  seat.models_ = slot.models;
  SeatCompletion seated = std::exchange(task.seated, {});
  task_over(task);
  seated(std::move(seat));
}

void PoolCore::run(Task& task, Slot& slot) {
  task.running = true;
  task.started = std::chrono::steady_clock::now();
  ++task.attempts;
  Frame frame;
  frame.type = MessageType::Request;
  frame.id = task.id;
  frame.kind = task.request.kind;
  frame.attributes = task.request.attributes;
  auto packet = pack(std::move(frame), task.request.document);
  if (!packet) {
    const std::uint64_t place = task.place;
    finish_task(task, unanswered(Ending::Refused, packet.error()));
    return place_free(place);
  }
  slot.running.emplace(task.id, &task);
  remember_kin(slot, task.request.kin);
  send_packet(slot, std::move(packet).value(), task.id);
}

void PoolCore::answer(Task& task, Outcome outcome) {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (outcome.worker.id == 0) outcome.worker = task.worker;
  outcome.attempts = task.attempts;
  outcome.queued = (task.running ? task.started : now) - task.submitted;
  if (task.running) outcome.ran = now - task.started;
  // One of the two is set.
  if (SeatCompletion seated = std::exchange(task.seated, {})) return seated(std::move(outcome.error));
  if (Completion done = std::exchange(task.done, {})) done(std::move(outcome));
}

void PoolCore::finish_task(Task& task, Outcome outcome) {
  // The lease first: whoever hears of the end may count on the bytes.
  task.request.until_over.reset();
  if (task.waited_for()) answer(task, std::move(outcome));
  task_over(task);
}

void PoolCore::answer_early(Task& task, Ending ending, const base::Error& error) {
  if (!task.running) {
    leave_queue(task.id);
    finish_task(task, unanswered(ending, error));
    return check_stopped();
  }
  answer(task, unanswered(ending, error));
  if (Slot* slot = slot_of(task.worker.id)) {
    Frame frame;
    frame.type = MessageType::Cancel;
    frame.id = task.id;
    post_frame(*slot, frame);
  }
  check_stopped();
}

void PoolCore::task_over(Task& task) {
  loop_->cancel(task.deadline_timer);
  loop_->cancel(task.hang_timer);
  const auto node = tasks_.extract(task.id);  // destroyed here, the stop callback with it
}

void PoolCore::cancel_task(std::uint64_t id) {
  const auto found = tasks_.find(id);
  if (found == tasks_.end() || !found->second->waited_for()) return;
  answer_early(*found->second, Ending::Cancelled, cancelled());
}

void PoolCore::deadline_passed(std::uint64_t id) {
  const auto found = tasks_.find(id);
  if (found == tasks_.end()) return;
  Task& task = *found->second;
  task.deadline_timer = 0;
  if (!task.running) return answer_early(task, Ending::TimedOut, timed_out(task));
  task.overdue = true;
  if (Slot* slot = slot_of(task.worker.id)) ++slot->overdue;
  task.hang_timer = loop_->at(std::chrono::steady_clock::now() + options_.cancel_grace, [this, id] { hang_grace_over(id); });
  if (task.waited_for()) answer_early(task, Ending::TimedOut, timed_out(task));
  ensure_workers();
}

void PoolCore::leave_queue(std::uint64_t id) { queue_.erase(std::remove(queue_.begin(), queue_.end(), id), queue_.end()); }

// Nothing runs on the place any more; unless its seat is held, it is gone.
void PoolCore::place_free(std::uint64_t number) {
  const auto found = places_.find(number);
  if (found == places_.end()) return;
  found->second.task = 0;
  if (!found->second.held) drop_place(number);
}

void PoolCore::drop_place(std::uint64_t number) {
  const auto node = places_.extract(number);
  Slot* slot = node.mapped().slot;
  if (slot == nullptr) return;
  slot->places.erase(number);
  if (!slot->places.empty()) return drained_a_bit(*slot);
  if (slot->state == WorkerState::Busy) {
    move(*slot, WorkerEvent::Emptied);
    if (slot->retire_when_empty) return retire(*slot, slot->cause);
    plan_ping(*slot);
  } else if (slot->state == WorkerState::Draining) {
    stop(*slot, slot->hung ? StopStep::Terminate : StopStep::Ask, slot->cause);
  }
}

void PoolCore::release_place(std::uint64_t number) noexcept {
  post([number](PoolCore& core) {
    const auto found = core.places_.find(number);
    if (found == core.places_.end()) return;
    found->second.held = false;
    if (found->second.task == 0) core.drop_place(number);
    core.check_stopped();
    core.pump();
  });
}

void PoolCore::refuse_queue(const base::Error& error) {
  const std::deque<std::uint64_t> waiting = std::exchange(queue_, {});
  for (const std::uint64_t id : waiting) finish_task(*tasks_.at(id), unanswered(Ending::Refused, error));
}

}  // namespace worker::detail
