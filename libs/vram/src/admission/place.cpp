// The order of steps of one decision, over all devices.
#include <algorithm>

#include "admission/impl.hpp"

namespace vram {
namespace {

constexpr std::size_t kMostRefusedProfiles = 4096;

struct Ranked {
  DeviceView* view = nullptr;
  bool cooling = false;
  bool fits_resident = false;
  bool fits = false;
  Bytes room_after;
};

bool better(const Ranked& a, const Ranked& b) {
  if (a.fits_resident != b.fits_resident) return a.fits_resident;
  if (a.cooling != b.cooling) return b.cooling;
  if (a.fits != b.fits) return a.fits;
  return a.room_after > b.room_after;
}

bool nearer(const Attempt& a, const Attempt& b) {
  if (a.known != b.known) return a.known;
  const bool a_never = a.outcome.verdict == Verdict::NeverFits;
  const bool b_never = b.outcome.verdict == Verdict::NeverFits;
  if (a_never != b_never) return b_never;
  return a.missing() < b.missing();
}

}  // namespace

// The fitting device that has the model, else the one with most room afterwards. An estimate without a lock: the charge itself
// decides again.
std::vector<DeviceView*> Admission::Impl::candidates(const Requirement& requirement, const SlotPtr& slot) {
  if (requirement.device) return {find(*requirement.device)};
  if (views.size() == 1) return {views.front().get()};
  std::vector<Ranked> ranking;
  for (const auto& view : views) {
    Ranked ranked;
    ranked.view = view.get();
    if (const auto position = view->in_ledger(*parts.ledger)) {
      const Look look = view->look(*parts.ledger, *position, false);
      DeviceFigures figures = parts.ledger->figures(*position, look.observation());
      figures.headroom = std::max(figures.headroom, parts.options.headroom.of(figures.total));
      const ChargeRequest request = charge_request(requirement, *view, figures.total, ChargeRequest::Rule::Enforce);
      const bool resident = slot->resident(*position, requirement.model).has_value() ||
                            (!requirement.stays_as.empty() && slot->resident(*position, requirement.stays_as).has_value());
      const Bytes need = resident ? request.warm_bytes.value_or(request.bytes) : request.bytes;
      ranked.cooling = parts.ledger->is_cooling(*position);
      ranked.fits = look.known() && decide(figures, need) == Verdict::Fits;
      ranked.fits_resident = ranked.fits && resident;
      ranked.room_after = look.known() ? available(figures) - need : Bytes();
    }
    ranking.push_back(ranked);
  }
  std::stable_sort(ranking.begin(), ranking.end(), better);
  std::vector<DeviceView*> order;
  order.reserve(ranking.size());
  for (const Ranked& ranked : ranking) order.push_back(ranked.view);
  return order;
}

std::optional<Lease> Admission::Impl::first_fit(const std::vector<DeviceView*>& order, const Requirement& requirement,
                                                const SlotPtr& slot, bool fresh, std::vector<Attempt>& attempts) {
  attempts.clear();
  for (DeviceView* view : order) {
    attempts.push_back(attempt(*view, requirement, slot, fresh));
    if (attempts.back().granted()) return std::move(attempts.back().outcome.lease);
  }
  return std::nullopt;
}

AdmissionOutcome Admission::Impl::place(const Requirement& requirement, const SlotPtr& slot) {
  const auto order = candidates(requirement, slot);
  std::vector<Attempt> attempts;
  auto lease = first_fit(order, requirement, slot, false, attempts);
  // A shared sample may be a few ms old, and the dead that were just found may have given back already: a refusal rests on fresh
  // figures.
  if (!lease) lease = first_fit(order, requirement, slot, true, attempts);
  const auto unread = std::find_if(attempts.begin(), attempts.end(), [](const Attempt& a) { return !a.known; });
  if (unread == attempts.end()) say_unknown({});
  if (!lease && parts.options.mode == AdmissionMode::Observe && unread == attempts.end()) {
    const auto best = std::min_element(attempts.begin(), attempts.end(), nearer);
    lease = attempt(*best->view, requirement, slot, false, ChargeRequest::Rule::ChargeAnyhow).outcome.lease;
    if (!lease) return unknown(best->view, requirement, slot, "the ledger could not be locked");
    if (lease->pass() == PassKind::Observed)
      parts.log.warning("would have been refused (--vram observe): " + refuse(requirement, attempts).message());
  }
  if (!lease && unread != attempts.end()) return unknown(unread->view, requirement, slot, unread->cause, unread->driver);
  if (!lease) lease = make_room(requirement, slot, attempts);
  if (!lease) lease = probe_run(requirement, slot, attempts);
  if (!lease) return refuse(requirement, attempts);
  if (requirement.source == RequirementSource::Learned && lease->pass() == PassKind::Granted) {
    const std::lock_guard lock(refused_mutex);
    refused.erase(requirement.profile_key);
  }
  return std::move(*lease);
}

// Nearest first. Where it can never fit nothing is unloaded in vain.
std::optional<Lease> Admission::Impl::make_room(const Requirement& requirement, const SlotPtr& slot,
                                                std::vector<Attempt>& attempts) {
  if (parts.reclaimer == nullptr) return std::nullopt;
  const auto deadline = clock.monotonic() + std::chrono::nanoseconds(parts.options.reclaim_deadline);
  std::sort(attempts.begin(), attempts.end(), nearer);
  for (Attempt& best : attempts) {
    if (requirement.stop.stop_requested()) break;
    if (!best.known || best.outcome.verdict == Verdict::NeverFits) continue;
    if (reclaim(requirement, slot, best, deadline)) return std::move(best.outcome.lease);
    if (clock.monotonic() >= deadline) break;
  }
  return std::nullopt;
}

// A learned figure may be wrong, and a refusal by it would keep it from ever being measured again. So it is tried now and then,
// alone on the device: at once when it could never fit; when something outside the ledger takes the room, only after it was refused
// for a while.
std::optional<Lease> Admission::Impl::probe_run(const Requirement& requirement, const SlotPtr& slot,
                                                std::vector<Attempt>& attempts) {
  if (requirement.source != RequirementSource::Learned || attempts.empty()) return std::nullopt;
  const Attempt& roomiest =
      *std::max_element(attempts.begin(), attempts.end(), [](const Attempt& a, const Attempt& b) { return a.room() < b.room(); });
  if (!roomiest.known || roomiest.outcome.figures.running != 0 || roomiest.room() == Bytes()) return std::nullopt;
  const auto now = clock.monotonic();
  const auto interval = std::chrono::nanoseconds(parts.options.probe_run_interval);
  {
    const std::lock_guard lock(refused_mutex);
    if (refused.size() >= kMostRefusedProfiles) refused.clear();
    Refused& entry = refused.try_emplace(requirement.profile_key, Refused{now, std::nullopt}).first->second;
    const bool never =
        std::all_of(attempts.begin(), attempts.end(), [](const Attempt& a) { return a.outcome.verdict == Verdict::NeverFits; });
    if (!never && now - entry.since < interval) return std::nullopt;
    if (entry.last_probe && now - *entry.last_probe < interval) return std::nullopt;
    entry.last_probe = now;
  }
  Attempt probe = attempt(*roomiest.view, requirement, slot, true, ChargeRequest::Rule::ProbeRun);
  if (probe.granted()) {
    parts.log.warning("'" + requirement.model + "' is said to need " + base::to_string(probe.outcome.need) +
                      " of GPU memory by earlier runs, which " + roomiest.view->info().uuid.text() +
                      " cannot give; it runs alone there to be measured again");
  }
  return std::move(probe.outcome.lease);
}

}  // namespace vram
