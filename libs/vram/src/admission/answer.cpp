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
  refusal.model = requirement.model;
  refusal.source = requirement.source;
  refusal.cause = cause;
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
  const auto best = std::min_element(attempts.begin(), attempts.end(), [](const Attempt& a, const Attempt& b) {
    const bool a_never = a.outcome.verdict == Verdict::NeverFits;
    const bool b_never = b.outcome.verdict == Verdict::NeverFits;
    return a_never != b_never ? b_never : a.missing() < b.missing();
  });
  const DeviceFigures& figures = best->outcome.figures;
  Refusal refusal;
  refusal.model = requirement.model;
  refusal.source = requirement.source;
  refusal.device = best->view->info().uuid;
  refusal.required = best->outcome.need;
  refusal.available = best->room();
  refusal.reserved = figures.charges;
  refusal.headroom = figures.headroom;
  refusal.total = figures.total;
  for (const Attempt& other : attempts) {
    if (&other != &*best && other.known) refusal.alternatives.push_back({other.view->info().uuid.text(), other.room()});
  }
  // A learned figure may fall, and a guess is no knowledge: only what was declared can be impossible for good.
  const bool never = best->outcome.verdict == Verdict::NeverFits;
  if (never && requirement.source == RequirementSource::Declared) {
    refusal.kind = Refusal::Kind::Permanent;
    return refusal;
  }
  refusal.retry_after =
      retry_after(refusal.required, refusal.available, parts.ledger->expected_returns(best->device), clock.monotonic(), jitter());
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
