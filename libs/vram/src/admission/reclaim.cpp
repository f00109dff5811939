// Giving memory back until a request fits: caches of frameworks, own idle models (cheapest reload per byte first), other apps.
#include <algorithm>

#include "admission/impl.hpp"

namespace vram {
namespace {

constexpr std::chrono::milliseconds kPoll{20};

double reload_cost_per_byte(const IdleModel& model) {
  return static_cast<double>(model.reload_cost.count()) / static_cast<double>(std::max<std::uint64_t>(model.bytes.count(), 1));
}

Bytes sum_of(const std::vector<IdleModel>& models) {
  Bytes sum;
  for (const IdleModel& model : models) sum += model.bytes;
  return sum;
}

std::chrono::milliseconds until(std::chrono::nanoseconds deadline, const base::Clock& clock) {
  return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock.monotonic()),
                  std::chrono::milliseconds(0));
}

// The ledger has the room and only the driver's figure does not show it yet.
bool waits_for_driver(const Attempt& attempt) {
  DeviceFigures by_ledger = attempt.outcome.figures;
  by_ledger.driver_known = false;
  return available(by_ledger) >= attempt.outcome.need;
}

}  // namespace

bool Admission::Impl::reclaim(const Requirement& requirement, const SlotPtr& slot, Attempt& best,
                              std::chrono::nanoseconds deadline) {
  const DeviceUuid& uuid = best.view->info().uuid;
  const Bytes from_caches = parts.reclaimer->give_back_caches(uuid);
  if (from_caches > Bytes() && wait_for_figure(requirement, slot, best, from_caches, deadline)) return true;
  if (unload_idle(requirement, slot, best, deadline)) return true;
  if (!best.known || requirement.stop.stop_requested() || clock.monotonic() >= deadline) return false;
  const Bytes from_others = parts.reclaimer->ask_others(uuid, best.missing(), until(deadline, clock));
  return from_others > Bytes() && wait_for_figure(requirement, slot, best, from_others, deadline);
}

bool Admission::Impl::unload_idle(const Requirement& requirement, const SlotPtr& slot, Attempt& best,
                                  std::chrono::nanoseconds deadline) {
  const DeviceUuid& uuid = best.view->info().uuid;
  auto idle = parts.reclaimer->idle_models(uuid);
  std::erase_if(idle, [&](const IdleModel& model) { return model.model == requirement.model; });
  if (sum_of(idle) < best.missing()) return false;  // not enough even if all went: nobody is disturbed in vain
  std::sort(idle.begin(), idle.end(),
            [](const IdleModel& a, const IdleModel& b) { return reload_cost_per_byte(a) < reload_cost_per_byte(b); });
  for (const IdleModel& model : idle) {
    if (requirement.stop.stop_requested() || clock.monotonic() >= deadline) return false;
    const Bytes freed = parts.reclaimer->unload(uuid, model, until(deadline, clock));
    if (freed == Bytes()) continue;
    parts.log.info("unloaded idle model '" + model.model + "' (" + base::to_string(freed) + ") to make room for '" +
                   requirement.model + "'");
    if (wait_for_figure(requirement, slot, best, freed, deadline)) return true;
  }
  return false;
}

bool Admission::Impl::wait_for_figure(const Requirement& requirement, const SlotPtr& slot, Attempt& best, Bytes freed,
                                      std::chrono::nanoseconds deadline) {
  const auto step_end = std::min(deadline, clock.monotonic() + std::chrono::nanoseconds(parts.options.reclaim_step));
  const Bytes free_before = best.outcome.figures.driver_free;
  for (;;) {
    best = attempt(*best.view, requirement, slot, true);
    if (best.granted()) return true;
    const bool shown = best.known && best.outcome.figures.driver_free >= free_before + freed;
    if (!best.known || shown || !waits_for_driver(best)) return false;
    if (requirement.stop.stop_requested() || clock.monotonic() >= step_end) return false;
    clock.sleep_for(kPoll);
  }
}

}  // namespace vram
