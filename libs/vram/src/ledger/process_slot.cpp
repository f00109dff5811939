#include "vram/process_slot.hpp"

#include <algorithm>

#include "base/crash_point.hpp"
#include "ledger/device_lock.hpp"
#include "ledger/process_tables.hpp"
#include "ledger/slot_table.hpp"

namespace vram {
namespace {

// Never below zero: the words of a dead worker's slot may have been set to zero meanwhile by who buried it.
void lower(layout::Word& word, std::uint64_t by) noexcept {
  std::uint64_t value = word.load(std::memory_order_relaxed);
  while (!word.compare_exchange_weak(value, value < by ? 0 : value - by, std::memory_order_acq_rel)) {}
}

void lower(layout::Half& word) noexcept {
  std::uint32_t value = word.load(std::memory_order_relaxed);
  while (value > 0 && !word.compare_exchange_weak(value, value - 1, std::memory_order_acq_rel)) {}
}

void raise_to(layout::Word& word, std::uint64_t value) noexcept {
  std::uint64_t seen = word.load(std::memory_order_relaxed);
  while (seen < value && !word.compare_exchange_weak(seen, value)) {}
}

}  // namespace

std::string_view to_string(PassKind kind) noexcept {
  switch (kind) {
    case PassKind::Granted: return "granted";
    case PassKind::Observed: return "observed";
    case PassKind::Unknown: return "unknown";
    case PassKind::ProbeRun: return "probe_run";
    case PassKind::Uncharged: return "uncharged";
  }
  return "uncharged";
}

ProcessSlot::ProcessSlot(std::shared_ptr<LedgerCore> core, std::uint32_t slot, bool worker)
    : core_(std::move(core)), slot_(slot), worker_(worker), tables_(std::make_unique<Tables>()) {}

ProcessSlot::~ProcessSlot() {
  if (!usable()) return;
  CLAMS_CRASH_POINT("ledger.slot.before_end");
  if (!worker_) {
    slot_table::end_own(*core_, slot_);
    return;
  }
  slot_table::mark_if_dead(*core_, slot_);
  slot_table::unpin(*core_, slot_);
}

bool ProcessSlot::usable() const noexcept { return !core_->forked.load(std::memory_order_relaxed); }

void ProcessSlot::describe_process(std::int64_t pid) {
  if (usable()) core_->file().slots[slot_].pid.store(static_cast<std::uint32_t>(pid));
}

std::int64_t ProcessSlot::pid() const { return usable() ? core_->file().slots[slot_].pid.load() : 0; }

void ProcessSlot::mark_ended() {
  if (usable()) slot_table::mark_if_dead(*core_, slot_);
}

void ProcessSlot::set_materialised(LedgerDevice device, Bytes bytes) {
  if (usable()) core_->file().cells[device.position][slot_].materialised.store(bytes.count(), std::memory_order_release);
}

void ProcessSlot::raise_materialised(LedgerDevice device, Bytes by) {
  if (usable()) core_->file().cells[device.position][slot_].materialised.fetch_add(by.count(), std::memory_order_acq_rel);
}

void ProcessSlot::lower_materialised(LedgerDevice device, Bytes by) {
  if (usable()) lower(core_->file().cells[device.position][slot_].materialised, by.count());
}

Bytes ProcessSlot::materialised(LedgerDevice device) const {
  return usable() ? Bytes(core_->file().cells[device.position][slot_].materialised.load()) : Bytes();
}

Bytes ProcessSlot::reserved(LedgerDevice device) const {
  return usable() ? Bytes(core_->file().cells[device.position][slot_].reserved.load()) : Bytes();
}

std::uint32_t ProcessSlot::requests(LedgerDevice device) const {
  return usable() ? core_->file().cells[device.position][slot_].requests.load() : 0;
}

void ProcessSlot::request_headroom(LedgerDevice device, Bytes bytes) {
  if (usable()) core_->file().cells[device.position][slot_].headroom.store(bytes.count());
}

// Without the lock when it cannot be had: what is held already has to be stated whoever is stopped.
void ProcessSlot::raise_reserved(std::uint32_t device, Bytes bytes) {
  const auto lock = TableLock::take(*core_, layout::kDeviceLock + device);
  core_->file().cells[device][slot_].reserved.fetch_add(bytes.count(), std::memory_order_acq_rel);
}

void ProcessSlot::lower_reserved(std::uint32_t device, Bytes bytes) noexcept {
  lower(core_->file().cells[device][slot_].reserved, bytes.count());
}

// `reserved` is the one store that grants; what comes after is for display and for Retry-After.
void ProcessSlot::begin_request(std::uint32_t device, Bytes request_bytes, bool enforced,
                                std::optional<std::chrono::nanoseconds> expected_duration) {
  layout::Cell& cell = core_->file().cells[device][slot_];
  CLAMS_CRASH_POINT("ledger.charge.reserved");
  cell.requests.fetch_add(1, std::memory_order_acq_rel);
  if (!enforced) cell.unenforced.fetch_add(1, std::memory_order_acq_rel);
  cell.transient.fetch_add(request_bytes.count(), std::memory_order_relaxed);
  if (expected_duration)
    raise_to(cell.expected_end_ns,
             core_->now() + static_cast<std::uint64_t>(std::max<std::int64_t>(expected_duration->count(), 0)));
  CLAMS_CRASH_POINT("ledger.charge.counted");
}

void ProcessSlot::end_request(std::uint32_t device, Bytes bytes, bool enforced) noexcept {
  if (!usable()) return;
  layout::Cell& cell = core_->file().cells[device][slot_];
  CLAMS_CRASH_POINT("ledger.release.begin");
  lower(cell.transient, bytes.count());
  lower(cell.requests);
  if (!enforced) lower(cell.unenforced);
  if (cell.requests.load() == 0) cell.expected_end_ns.store(0, std::memory_order_relaxed);
  CLAMS_CRASH_POINT("ledger.release.counted");
  lower(cell.reserved, bytes.count());
  CLAMS_CRASH_POINT("ledger.release.lowered");
}

}  // namespace vram
