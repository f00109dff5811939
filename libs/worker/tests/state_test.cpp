#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "worker/worker_state.hpp"

namespace worker {
namespace {

// A slot told in plain facts, without a table: is there a process, has it said ready, how many places are taken, was it told to
// end.
struct Model {
  bool process = false, waits_for_start = false, ready = false, retired = false, stopped = false;
  unsigned places = 0;

  WorkerState state() const {
    if (!process) return waits_for_start ? WorkerState::BackingOff : WorkerState::Dead;
    if (stopped) return WorkerState::Stopping;
    if (!ready) return WorkerState::Starting;
    if (retired) return WorkerState::Draining;
    return places == 0 ? WorkerState::Ready : WorkerState::Busy;
  }
  // Whether the event can happen now, by what it means.
  bool possible(WorkerEvent event) const {
    switch (event) {
      case WorkerEvent::Start: return !process;
      case WorkerEvent::BackOff: return !process && !waits_for_start;
      case WorkerEvent::Became: return process && !ready && !stopped;
      case WorkerEvent::Occupied: return process && ready && !retired && !stopped && places == 0;
      case WorkerEvent::Emptied: return process && places == 1 && !retired && !stopped;
      case WorkerEvent::Retire: return process && places == 1 && !retired && !stopped;
      case WorkerEvent::Stop: return process ? !stopped : waits_for_start;
      case WorkerEvent::Died: return process;
    }
    return false;
  }
  void apply(WorkerEvent event) {
    switch (event) {
      case WorkerEvent::Start: *this = {}, process = true; break;
      case WorkerEvent::BackOff: waits_for_start = true; break;
      case WorkerEvent::Became: ready = true; break;
      case WorkerEvent::Occupied: places = 1; break;
      case WorkerEvent::Emptied: places = 0; break;
      case WorkerEvent::Retire: retired = true; break;
      case WorkerEvent::Stop: process ? void(stopped = true) : void(waits_for_start = false); break;
      case WorkerEvent::Died: *this = {}; break;
    }
  }
};

TEST(WorkerStateTable, AgreesWithAPlainModelOverRandomEvents) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Model model;
  WorkerState state = WorkerState::Dead;
  for (int step = 0; step < 200'000; ++step) {
    const auto event = static_cast<WorkerEvent>(random() % kWorkerEventCount);
    const auto next = next_state(state, event);
    ASSERT_EQ(next.has_value(), model.possible(event)) << name_of(event) << " while " << name_of(state);
    if (!next) continue;
    model.apply(event);
    state = *next;
    ASSERT_EQ(state, model.state()) << "after " << name_of(event);
  }
}

TEST(WorkerStateTable, EveryStateIsReachedAndCanBeLeft) {
  for (int from = 0; from < kWorkerStateCount; ++from) {
    bool leaves = false, reached = from == 0;
    for (int event = 0; event < kWorkerEventCount; ++event) {
      leaves = leaves || next_state(static_cast<WorkerState>(from), static_cast<WorkerEvent>(event)).has_value();
      for (int other = 0; other < kWorkerStateCount; ++other) {
        reached = reached ||
                  next_state(static_cast<WorkerState>(other), static_cast<WorkerEvent>(event)) == static_cast<WorkerState>(from);
      }
    }
    EXPECT_TRUE(leaves && reached) << name_of(static_cast<WorkerState>(from));
  }
}

TEST(WorkerStateTable, EveryStateAndEventHasItsOwnName) {
  std::set<std::string_view> names;
  for (int state = 0; state < kWorkerStateCount; ++state) names.insert(name_of(static_cast<WorkerState>(state)));
  for (int event = 0; event < kWorkerEventCount; ++event) names.insert(name_of(static_cast<WorkerEvent>(event)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kWorkerStateCount + kWorkerEventCount));
}

}  // namespace
}  // namespace worker
