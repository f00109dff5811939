#include "worker/worker_state.hpp"

#include <array>

namespace worker {
namespace {

struct Move {
  WorkerState from;
  WorkerEvent event;
  WorkerState to;
};

using S = WorkerState;
using E = WorkerEvent;
constexpr std::array kMoves{
    Move{S::Dead, E::Start, S::Starting},  Move{S::Dead, E::BackOff, S::BackingOff}, Move{S::BackingOff, E::Start, S::Starting},
    Move{S::BackingOff, E::Stop, S::Dead}, Move{S::Starting, E::Became, S::Ready},   Move{S::Starting, E::Stop, S::Stopping},
    Move{S::Starting, E::Died, S::Dead},   Move{S::Ready, E::Occupied, S::Busy},     Move{S::Ready, E::Stop, S::Stopping},
    Move{S::Ready, E::Died, S::Dead},      Move{S::Busy, E::Emptied, S::Ready},      Move{S::Busy, E::Retire, S::Draining},
    Move{S::Busy, E::Stop, S::Stopping},   Move{S::Busy, E::Died, S::Dead},          Move{S::Draining, E::Stop, S::Stopping},
    Move{S::Draining, E::Died, S::Dead},   Move{S::Stopping, E::Died, S::Dead},
};

}  // namespace

std::string_view name_of(WorkerState state) noexcept {
  constexpr std::array<std::string_view, kWorkerStateCount> names{"dead", "backing off", "starting", "ready",
                                                                  "busy", "draining",    "stopping"};
  return names[static_cast<std::size_t>(state)];
}

std::string_view name_of(WorkerEvent event) noexcept {
  constexpr std::array<std::string_view, kWorkerEventCount> names{"start",   "back off", "became ready", "occupied",
                                                                  "emptied", "retire",   "stop",         "died"};
  return names[static_cast<std::size_t>(event)];
}

std::optional<WorkerState> next_state(WorkerState from, WorkerEvent event) noexcept {
  for (const Move& move : kMoves) {
    if (move.from == from && move.event == event) return move.to;
  }
  return std::nullopt;
}

}  // namespace worker
