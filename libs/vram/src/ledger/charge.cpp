// Check and reserve in one step.
#include <algorithm>

#include "base/crash_point.hpp"
#include "ledger/device_lock.hpp"
#include "ledger/process_tables.hpp"
#include "ledger/scan.hpp"
#include "vram/ledger.hpp"

namespace vram {
namespace {

struct Need {
  Bytes context;  // not yet charged for this slot and device
  Bytes request;
  bool resident = false;
  Bytes sum() const { return context + request; }
};

// An app may declare any number. What passes without being enforced is charged as the whole device at most, so that sums cannot
// wrap around.
Need cut_to(Need need, Bytes total) { return {std::min(need.context, total), std::min(need.request, total), need.resident}; }

// What a process that is stopped between its check and its store may do wrong: (1) it sees that its request fits and is stopped;
// (2) others wait for the lock, give up and go on by the policy for unknown, charging without the lock; (3) it wakes up and stores.
// So one that held the lock too long sums again, its own charge included, and takes it back when it does not fit any more.
bool still_holds(const LedgerCore& core, std::uint32_t device, const Observation& observation, const TableLock& lock) {
  if (!lock.outlived_patience()) return true;
  Scan again;
  scan_device(core, device, observation, again);
  return again.figures.charges + again.figures.draining <= ceiling(again.figures);
}

bool may_pass(const ChargeRequest& request, Verdict verdict, const DeviceFigures& figures) {
  if (verdict == Verdict::Fits || request.rule == ChargeRequest::Rule::ChargeAnyhow) return true;
  return request.rule == ChargeRequest::Rule::ProbeRun && figures.running == 0;
}

PassKind kind_of(const ChargeRequest& request, Verdict verdict) {
  if (verdict == Verdict::Fits) return PassKind::Granted;
  return request.rule == ChargeRequest::Rule::ProbeRun ? PassKind::ProbeRun : PassKind::Observed;
}

ChargeOutcome look(const LedgerCore& core, std::uint32_t device, const Observation& observation, const ChargeRequest& request,
                   const Need& need, Scan& scan) {
  scan_device(core, device, observation, scan);
  if (request.headroom > scan.figures.headroom) scan.figures.headroom = std::min(request.headroom, scan.figures.total);
  ChargeOutcome outcome;
  outcome.figures = scan.figures;
  outcome.need = need.sum();
  outcome.resident = need.resident;
  outcome.verdict = decide(scan.figures, outcome.need);
  return outcome;
}

}  // namespace

// The tokens of the dead are probed without the lock, since forty probes take longer than everything else here; who is found is
// then counted in a second try.
Result<ChargeOutcome> Ledger::charge(LedgerDevice device, const std::shared_ptr<ProcessSlot>& slot, const ChargeRequest& request,
                                     const Observation& observation) {
  BASE_TRY(core_->check_usable());
  BASE_TRY_ASSIGN(ChargeOutcome outcome, charge_once(device, slot, request, observation));
  if (outcome.verdict == Verdict::Fits || outcome.lease || !sweep_dead(*core_, device.position)) return outcome;
  BASE_TRY_ASSIGN(outcome, charge_once(device, slot, request, observation));
  outcome.deaths_found = true;
  return outcome;
}

Result<ChargeOutcome> Ledger::charge_once(LedgerDevice device, const std::shared_ptr<ProcessSlot>& slot,
                                          const ChargeRequest& request, const Observation& observation) {
  BASE_TRY_ASSIGN(const TableLock lock, TableLock::take(*core_, layout::kDeviceLock + device.position));
  ProcessSlot::Tables& tables = *slot->tables_;
  const std::lock_guard tables_lock(tables.mutex);
  Need need;
  need.resident = tables.find(device.position, request) != nullptr;
  need.request = need.resident ? request.warm_bytes.value_or(request.bytes) : request.bytes;
  if (!tables.context_charged.test(device.position)) need.context = request.context;

  Scan scan;
  ChargeOutcome outcome = look(*core_, device.position, observation, request, need, scan);
  if (scan.draining_count > 0 && observation.sample) bury_returned(*core_, device.position, scan, observation.sample->taken_at);
  if (!may_pass(request, outcome.verdict, outcome.figures)) return outcome;

  CLAMS_CRASH_POINT("ledger.charge.decided");
  const PassKind kind = kind_of(request, outcome.verdict);
  if (kind != PassKind::Granted) need = cut_to(need, outcome.figures.total);
  layout::Word& reserved = core_->file().cells[device.position][slot->slot_].reserved;
  reserved.fetch_add(need.sum().count(), std::memory_order_acq_rel);
  if (kind == PassKind::Granted && !still_holds(*core_, device.position, observation, lock)) {
    slot->lower_reserved(device.position, outcome.need);
    outcome.verdict = Verdict::Short;
    return outcome;
  }
  if (need.context > Bytes()) {
    tables.context[device.position] = need.context;
    tables.context_charged.set(device.position);
  }
  Lease::Terms terms = slot->terms_locked(tables, device.position, request, need.request, kind == PassKind::Granted);
  slot->begin_request(device.position, terms.bytes, kind == PassKind::Granted, request.expected_duration);
  outcome.lease =
      Lease(slot, device.position, DeviceUuid(core_->file().devices[device.position].uuid.load()), std::move(terms), kind);
  return outcome;
}

Lease Ledger::charge_unlocked(LedgerDevice device, const std::shared_ptr<ProcessSlot>& slot, const ChargeRequest& request) {
  if (!slot->usable()) return {};
  ProcessSlot::Tables& tables = *slot->tables_;
  const std::lock_guard tables_lock(tables.mutex);
  const bool resident = tables.find(device.position, request) != nullptr;
  const Bytes total(core_->file().devices[device.position].total.load());
  const Bytes bytes = std::min(resident ? request.warm_bytes.value_or(request.bytes) : request.bytes, total);
  const Bytes context = tables.context_charged.test(device.position) ? Bytes() : request.context;
  core_->file().cells[device.position][slot->slot_].reserved.fetch_add((bytes + context).count(), std::memory_order_acq_rel);
  if (context > Bytes()) {
    tables.context[device.position] = context;
    tables.context_charged.set(device.position);
  }
  Lease::Terms terms = slot->terms_locked(tables, device.position, request, bytes, false);
  slot->begin_request(device.position, terms.bytes, false, request.expected_duration);
  return Lease(slot, device.position, DeviceUuid(core_->file().devices[device.position].uuid.load()), std::move(terms),
               PassKind::Unknown);
}

}  // namespace vram
