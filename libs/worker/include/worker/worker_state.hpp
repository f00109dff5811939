// The states of one slot of a pool: the place of a worker process, which outlives single processes.
#pragma once
#include <optional>
#include <string_view>

namespace worker {

enum class WorkerState {
  Dead,        // no process; also the first state
  BackingOff,  // no process; the last one crashed, the next start waits
  Starting,    // a process is being started, or has not said that it is ready
  Ready,       // runs nothing
  Busy,        // runs at least one request, or a seat in it is held
  Draining,    // finishes what it runs, gets nothing new, then ends
  Stopping,    // told to end; killed when it does not
};
inline constexpr int kWorkerStateCount = static_cast<int>(WorkerState::Stopping) + 1;

// What can happen to a slot.
enum class WorkerEvent {
  Start,     // a process is wanted now
  BackOff,   // a process is wanted, but not yet
  Became,    // the process says that it is ready
  Occupied,  // the first request or seat
  Emptied,   // the last request and seat are over, and more may come
  Retire,    // get nothing new, end when empty: reload, leak, hang, fewer workers wanted
  Stop,      // end now: it is empty, or what it runs is lost
  Died,      // the process has ended, or could not be started
};
inline constexpr int kWorkerEventCount = static_cast<int>(WorkerEvent::Died) + 1;

std::string_view name_of(WorkerState state) noexcept;  // "backing off"
std::string_view name_of(WorkerEvent event) noexcept;

// The table of legal moves. nullopt: this event cannot happen in this state.
std::optional<WorkerState> next_state(WorkerState from, WorkerEvent event) noexcept;

constexpr bool has_process(WorkerState state) noexcept { return state != WorkerState::Dead && state != WorkerState::BackingOff; }
constexpr bool takes_requests(WorkerState state) noexcept { return state == WorkerState::Ready || state == WorkerState::Busy; }

}  // namespace worker
