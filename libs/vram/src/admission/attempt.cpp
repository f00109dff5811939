// One try on one device: what to charge, on which figures.
#include <algorithm>

#include "admission/impl.hpp"

namespace vram {

// A guess is one of the whole process: context and what it holds from its start on are inside it, not on top. It is never the
// reason to call something impossible, so it is cut to what the device can give at all.
Bytes Admission::Impl::request_bytes(const Requirement& requirement, Bytes total, Bytes context) const noexcept {
  const AdmissionOptions& options = parts.options;
  switch (requirement.source) {
    case RequirementSource::Declared: return requirement.bytes;
    case RequirementSource::Learned: return base::scaled(requirement.bytes, options.margin);
    case RequirementSource::Conservative: break;
  }
  const Bytes whole = std::min(base::scaled(total, options.first_share), total - options.headroom.of(total));
  return whole - context - requirement.held_from_start;
}

Bytes Admission::Impl::context_of(const DeviceView& view) const {
  {
    const std::lock_guard lock(context_mutex);
    if (const auto found = contexts.find(view.info().uuid); found != contexts.end()) return found->second;
  }
  return view.info().uuid.text().starts_with("SIM-") ? Bytes() : parts.options.context;
}

ChargeRequest Admission::Impl::charge_request(const Requirement& requirement, const DeviceView& view, Bytes total,
                                              ChargeRequest::Rule rule) const {
  ChargeRequest request;
  request.rule = rule;
  request.model = requirement.model;
  request.context = context_of(view);
  request.bytes = request_bytes(requirement, total, request.context);
  if (requirement.warm_bytes) {
    const bool learned = requirement.source == RequirementSource::Learned;
    request.warm_bytes = learned ? base::scaled(*requirement.warm_bytes, parts.options.margin) : *requirement.warm_bytes;
  }
  request.stays_as = requirement.stays_as;
  request.headroom = parts.options.headroom.of(total);
  request.expected_duration = requirement.expected_duration;
  return request;
}

Attempt Admission::Impl::attempt(DeviceView& view, const Requirement& requirement, const SlotPtr& slot, bool fresh,
                                 ChargeRequest::Rule rule) {
  Attempt attempt;
  attempt.view = &view;
  const auto position = view.in_ledger(*parts.ledger);
  if (!position) {
    attempt.cause = position.error().message;
    return attempt;
  }
  attempt.device = *position;
  const Look look = view.look(*parts.ledger, *position, fresh);
  if (!look.known()) {
    attempt.driver = true;
    attempt.cause =
        "the driver does not say how much memory of GPU " + view.info().uuid.text() + " is free: " + look.reading.reason;
    return attempt;
  }
  const ChargeRequest request = charge_request(requirement, view, look.reading.sample.total, rule);
  slot->request_headroom(*position, request.headroom);
  auto outcome = parts.ledger->charge(*position, slot, request, look.observation());
  if (!outcome) {
    attempt.cause = outcome.error().message;
    return attempt;
  }
  attempt.known = true;
  attempt.outcome = std::move(outcome).value();
  return attempt;
}

}  // namespace vram
