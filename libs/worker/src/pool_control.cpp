// What the owner asks of the pool as a whole: another size, other processes, less memory, the end.
#include <algorithm>

#include "pool_core.hpp"

namespace worker::detail {

void PoolCore::resize(unsigned workers, unsigned per_worker) {
  options_.workers = std::max(1U, workers);
  options_.per_worker = std::max(1U, per_worker);
  for (const auto& slot : slots_) slot->capacity = std::min(options_.per_worker, slot->announced_capacity);
  pump();
}

void PoolCore::reload(std::optional<ChildCommand> command) {
  if (draining_ || stopping_) return;
  if (command) options_.command = std::move(*command);
  ++generation_;
  crashes_in_a_row_ = 0;
  no_start_before_ = {};
  for (const auto& slot : slots_) {
    if (slot->state == WorkerState::Starting) stop(*slot, StopStep::Terminate, "the workers are reloaded");
    if (slot->state == WorkerState::BackingOff) {
      loop_->cancel(slot->life_timer);
      move(*slot, WorkerEvent::Stop);
    }
  }
  pump();
}

bool PoolCore::retire_idle(std::uint64_t worker_id) {
  Slot* slot = slot_of(worker_id);
  if (slot == nullptr || slot->state != WorkerState::Ready) return false;
  retire(*slot, "it was idle and what it holds is wanted");
  return true;
}

void PoolCore::unload_model(const std::string& name) {
  for (const auto& slot : slots_) {
    if (!takes_requests(slot->state) || slot->models.count(name) == 0) continue;
    if (slot->reports_models) {
      Frame frame;
      frame.type = MessageType::UnloadModel;
      frame.kind = name;
      post_frame(*slot, frame);
    } else if (slot->state == WorkerState::Ready) {
      retire(*slot, "it was idle and the model '" + name + "' is to be unloaded");
    } else {
      slot->retire_when_empty = true;
      slot->cause = "the model '" + name + "' is to be unloaded";
    }
  }
  pump();
}

void PoolCore::drain(std::chrono::milliseconds timeout) {
  if (draining_ || stopping_) return;
  draining_ = true;
  drain_timer_ = loop_->at(std::chrono::steady_clock::now() + timeout, [this] { stop_now(); });
  check_stopped();
}

void PoolCore::stop_now() {
  if (stopping_) return;
  stopping_ = true;
  draining_ = true;
  loop_->cancel(drain_timer_);
  starter_->stop();
  refuse_queue(unavailable("the workers are being shut down: send the request again to another server, or later"));
  for (const auto& slot : slots_) {
    if (slot->state == WorkerState::BackingOff) {
      loop_->cancel(slot->life_timer);
      move(*slot, WorkerEvent::Stop);
    } else if (slot->state == WorkerState::Stopping) {
      escalate(*slot, StopStep::Terminate);
    } else if (has_process(slot->state)) {
      stop(*slot, StopStep::Terminate, "the server is being shut down");
    }
  }
  check_stopped();
}

void PoolCore::unload_model(std::uint64_t worker_id, const std::string& name) {
  Slot* slot = slot_of(worker_id);
  if (slot == nullptr || !takes_requests(slot->state) || !slot->reports_models) return;
  Frame frame;
  frame.type = MessageType::UnloadModel;
  frame.kind = name;
  post_frame(*slot, frame);
}

bool PoolCore::nobody_waits_for(const Slot& slot) const {
  const auto wanted = [this](std::uint64_t number) {
    const Place& place = places_.at(number);
    return place.held || (place.task != 0 && tasks_.at(place.task)->waited_for());
  };
  return std::none_of(slot.places.begin(), slot.places.end(), wanted);
}

void PoolCore::check_stopped() {
  if (!draining_) return;
  if (!stopping_) {
    const bool idle =
        queue_.empty() && std::none_of(tasks_.begin(), tasks_.end(), [](const auto& item) { return item.second->waited_for(); });
    if (!idle) return;
    for (const auto& slot : slots_) {
      if (slot->state == WorkerState::BackingOff) {
        loop_->cancel(slot->life_timer);
        move(*slot, WorkerEvent::Stop);
      } else if (slot->state == WorkerState::Starting || slot->state == WorkerState::Ready) {
        retire(*slot, "the server is being shut down");
      } else if (slot->state == WorkerState::Busy && nobody_waits_for(*slot)) {
        stop(*slot, StopStep::Terminate, "the server is being shut down");
      }
    }
  }
  if (std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->state != WorkerState::Dead; })) return;
  publish();  // whoever waits for the end reads the status next
  {
    const std::lock_guard lock(stopped_mutex_);
    stopped_ = true;
  }
  stopped_changed_.notify_all();
}

}  // namespace worker::detail
