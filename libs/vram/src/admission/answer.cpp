// What is said when a request does not simply fit.
#include <algorithm>

#include "admission/impl.hpp"

namespace vram {

AdmissionOutcome Admission::Impl::unknown(DeviceView* view, const Requirement& requirement, const SlotPtr& slot,
                                          const std::string& cause, bool driver) {
  if (!driver || !parts.driver_is_told) say_unknown(cause.empty() ? "the GPU ledger could not be joined" : cause);
  if (parts.options.unknown == UnknownPolicy::Allow || parts.options.mode == AdmissionMode::Observe) {
    if (view != nullptr && slot != nullptr) {
      if (const auto position = view->in_ledger(*parts.ledger)) {
        return parts.ledger->charge_unlocked(
            *position, slot, charge_request(requirement, *view, view->info().total, ChargeRequest::Rule::ChargeAnyhow));
      }
    }
    Lease lease;
    lease.pass_ = PassKind::Unknown;
    if (view != nullptr) lease.device_ = view->info().uuid;
    return lease;
  }
  Refusal refusal;
  refusal.kind = Refusal::Kind::Unknown;
  refusal.reason = driver ? Refusal::Reason::Driver : Refusal::Reason::Ledger;
  refusal.model = requirement.model;
  refusal.source = requirement.source;
  refusal.cause = cause.empty() ? "the GPU ledger could not be joined" : cause;
  if (view != nullptr) {
    refusal.device = view->info().uuid;
    refusal.total = view->info().total;
    refusal.headroom = parts.options.headroom.of(refusal.total);
    refusal.required = request_bytes(requirement, refusal.total, context_of(*view));
  }
  refusal.retry_after = retry_after(refusal.required, Bytes(), {}, clock.monotonic(), jitter());
  return refusal;
}

Refusal Admission::Impl::refuse(const Requirement& requirement, std::vector<Attempt>& attempts) {
  // A learned figure may fall, and a guess is no knowledge: only what was declared can be impossible for good.
  if (requirement.source == RequirementSource::Declared && std::all_of(attempts.begin(), attempts.end(), [&](const Attempt& a) {
        return a.known && a.outcome.need > most_of(a.outcome.figures.total);
      })) {
    return never(requirement, attempts);
  }
  const auto best = std::min_element(attempts.begin(), attempts.end(), [](const Attempt& a, const Attempt& b) {
    const bool a_never = a.outcome.verdict == Verdict::NeverFits;
    const bool b_never = b.outcome.verdict == Verdict::NeverFits;
    return a_never != b_never ? b_never : a.missing() < b.missing();
  });
  Refusal refusal = numbers_of(requirement, *best);
  for (const Attempt& other : attempts) {
    if (&other != &*best && other.known) refusal.alternatives.push_back({other.view->info().uuid.text(), other.room()});
  }
  refusal.retry_after =
      retry_after(refusal.required, refusal.available, parts.ledger->expected_returns(best->device), clock.monotonic(), jitter());
  return refusal;
}

Refusal Admission::Impl::numbers_of(const Requirement& requirement, const Attempt& attempt) const {
  const DeviceFigures& figures = attempt.outcome.figures;
  Refusal refusal;
  refusal.model = requirement.model;
  refusal.source = requirement.source;
  refusal.device = attempt.view->info().uuid;
  refusal.required = attempt.outcome.need;
  refusal.available = attempt.room();
  refusal.reserved = figures.charges;
  refusal.headroom = figures.headroom;
  refusal.total = figures.total;
  return refusal;
}

// By this process's own headroom: a neighbour that wants more of it ends some day.
Bytes Admission::Impl::most_of(Bytes total) const noexcept { return total - parts.options.headroom.of(total); }

// On the device where least is missing for ever. Where the request named its device, another one may well be larger.
Refusal Admission::Impl::never(const Requirement& requirement, const std::vector<Attempt>& attempts) const {
  const auto lacks = [this](const Attempt& a) { return a.outcome.need - most_of(a.outcome.figures.total); };
  const auto nearest =
      std::min_element(attempts.begin(), attempts.end(), [&](const Attempt& a, const Attempt& b) { return lacks(a) < lacks(b); });
  Refusal refusal = numbers_of(requirement, *nearest);
  refusal.kind = Refusal::Kind::Permanent;
  refusal.most = most_of(refusal.total);
  Bytes roomiest = refusal.most;
  for (const auto& view : views) roomiest = std::max(roomiest, most_of(view->info().total));
  refusal.only_there = requirement.device && roomiest > refusal.most;
  // A device where contexts are larger may have more and yet too little.
  if (!requirement.device && roomiest < refusal.required) refusal.most = roomiest;
  return refusal;
}

// One line when the cause changes, not one for each request.
void Admission::Impl::say_unknown(const std::string& cause) {
  const std::lock_guard lock(log_mutex);
  if (cause == said) return;
  if (cause.empty()) {
    parts.log.info("gpu: memory can be checked again");
  } else if (parts.options.unknown == UnknownPolicy::Allow) {
    parts.log.warning("gpu: memory cannot be checked, requests are let through: " + cause);
  } else {
    parts.log.warning("gpu: memory cannot be checked, requests are refused: " + cause);
  }
  said = cause;
}

// Spread, not secret.
double Admission::Impl::jitter() noexcept {
  std::uint64_t x = draws.fetch_add(1) * 0x9E3779B97F4A7C15U + static_cast<std::uint64_t>(clock.monotonic().count());
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return static_cast<double>((x ^ (x >> 31U)) >> 11U) / 9007199254740992.0;
}

}  // namespace vram
