// Context and resident models of a slot.
#include <algorithm>
#include <utility>

#include "base/crash_point.hpp"
#include "ledger/process_tables.hpp"

namespace vram {
namespace {

// Readers in other processes take an entry only when its sequence is even and did not change while they read.
void write_entry(layout::Model& entry, const std::string& name, std::uint32_t device, Bytes bytes, std::chrono::milliseconds cost,
                 std::uint64_t now, std::uint32_t flags) {
  const std::uint32_t sequence = entry.sequence.load(std::memory_order_relaxed) & ~1U;
  entry.sequence.store(sequence + 1);
  CLAMS_CRASH_POINT("ledger.model.half_written");
  entry.name.store(name);
  entry.device.store(device, std::memory_order_relaxed);
  entry.bytes.store(bytes.count(), std::memory_order_relaxed);
  entry.reload_ms.store(static_cast<std::uint32_t>(std::clamp<std::int64_t>(cost.count(), 0, UINT32_MAX)),
                        std::memory_order_relaxed);
  entry.last_used_ns.store(now, std::memory_order_relaxed);
  entry.unload_ticket.store(0, std::memory_order_relaxed);
  entry.flags.store(flags, std::memory_order_relaxed);
  entry.sequence.store(sequence + 2);
}

int free_entry(const layout::SlotInfo& info) noexcept {
  for (std::uint32_t i = 0; i < layout::kModels; ++i) {
    if ((info.models[i].flags.load() & layout::ModelPresent) == 0) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

void ProcessSlot::set_context(LedgerDevice device, Bytes bytes) {
  if (!usable()) return;
  Bytes raise;
  {
    const std::lock_guard lock(tables_->mutex);
    const Bytes before = tables_->context_charged.test(device.position) ? tables_->context[device.position] : Bytes();
    tables_->context[device.position] = bytes;
    tables_->context_charged.set(device.position);
    if (bytes < before) lower_reserved(device.position, before - bytes);
    raise = bytes - before;
  }
  if (raise > Bytes()) raise_reserved(device.position, raise);
}

std::optional<Bytes> ProcessSlot::resident(LedgerDevice device, std::string_view model) const {
  const std::lock_guard lock(tables_->mutex);
  const Resident* found = tables_->find(device.position, model);
  if (found == nullptr) return std::nullopt;
  return found->bytes;
}

Bytes ProcessSlot::resident_bytes(LedgerDevice device) const {
  const std::lock_guard lock(tables_->mutex);
  Bytes sum;
  for (const auto& resident : tables_->residents) {
    if (resident.device == device.position && resident.loaded) sum += resident.bytes;
  }
  return sum;
}

bool ProcessSlot::is_loaded(LedgerDevice device, std::string_view model) const {
  const std::lock_guard lock(tables_->mutex);
  const Resident* found = tables_->find(device.position, model);
  return found != nullptr && found->loaded;
}

bool ProcessSlot::is_counted_on(std::string_view model) const {
  const std::lock_guard lock(tables_->mutex);
  return std::any_of(tables_->residents.begin(), tables_->residents.end(),
                     [&](const Resident& resident) { return resident.is_counted_on(model); });
}

void ProcessSlot::write_resident_locked(Resident& resident, Bytes bytes, std::chrono::milliseconds reload_cost, bool loaded) {
  resident.bytes = bytes;
  resident.reload_cost = reload_cost;
  resident.loaded = loaded;
  resident.was_loaded = resident.was_loaded || loaded;
  resident.idle = false;
  if (resident.entry < 0) return;
  write_entry(core_->file().infos[slot_].models[resident.entry], resident.model, resident.device, bytes, reload_cost, core_->now(),
              layout::ModelPresent | (loaded ? 0U : layout::ModelComing));
}

void ProcessSlot::add_resident_locked(Tables& tables, std::uint32_t device, std::string_view model, Bytes bytes,
                                      std::chrono::milliseconds reload_cost, bool loaded) {
  layout::SlotInfo& info = core_->file().infos[slot_];
  Resident resident;
  resident.model = model;
  resident.device = device;
  resident.entry = free_entry(info);
  if (resident.entry < 0) info.unlisted_models.fetch_add(1);
  write_resident_locked(resident, bytes, reload_cost, loaded);
  tables.residents.push_back(std::move(resident));
}

void ProcessSlot::drop_resident_locked(Tables& tables, const Resident& resident) noexcept {
  layout::SlotInfo& info = core_->file().infos[slot_];
  if (resident.entry >= 0) {
    info.models[resident.entry].flags.store(0);
  } else {
    info.unlisted_models.fetch_sub(1);
  }
  CLAMS_CRASH_POINT("ledger.model.removed");
  lower_reserved(resident.device, resident.bytes);
  tables.residents.erase(tables.residents.begin() + (&resident - tables.residents.data()));
}

// What a request that was granted `granted` bytes is charged for itself, and on which resident model it counts. Without `may_split`
// (its bytes are not what it asked for, or nobody looked whether they fit) no size of a model follows from them.
Lease::Terms ProcessSlot::terms_locked(Tables& tables, std::uint32_t device, const ChargeRequest& request, Bytes granted,
                                       bool may_split) {
  Resident* found = tables.find(device, request);
  Lease::Terms terms{granted, granted, found != nullptr, {}};
  if (!request.warm_bytes) return terms;
  if (found == nullptr && may_split && !request.stays_as.empty() && granted > *request.warm_bytes) {
    terms.bytes = *request.warm_bytes;
    add_resident_locked(tables, device, request.stays_as, granted - terms.bytes, {}, false);
    found = &tables.residents.back();
  }
  if (found == nullptr) return terms;
  ++found->leases;
  terms.counts_on = found->model;
  return terms;
}

void ProcessSlot::stop_counting(std::uint32_t device, std::string_view model) noexcept {
  if (!usable()) return;
  const std::lock_guard lock(tables_->mutex);
  Resident* found = tables_->find(device, model);
  if (found == nullptr || --found->leases > 0) return;
  const auto drop_unless_expected = [&](std::string_view name) {
    const Resident* coming = tables_->find(device, name);
    if (coming != nullptr && !coming->loaded && !tables_->is_counted_on(device, name)) drop_resident_locked(*tables_, *coming);
  };
  // Nothing is allocated here: a charge is given back also when there is no memory left.
  const std::vector<std::string> stood_for = std::exchange(found->stood_for, {});
  for (const std::string& name : stood_for) drop_unless_expected(name);
  drop_unless_expected(model);
}

void ProcessSlot::add_resident(LedgerDevice device, std::string_view model, Bytes bytes, std::chrono::milliseconds reload_cost) {
  if (!usable()) return;
  Bytes before;
  {
    const std::lock_guard lock(tables_->mutex);
    Resident* found = tables_->find(device.position, model);
    if (found != nullptr && found->loaded) return;
    if (found != nullptr) {
      before = found->bytes;
      if (bytes == Bytes()) bytes = before;
      write_resident_locked(*found, bytes, reload_cost, true);
    } else {
      add_resident_locked(*tables_, device.position, model, bytes, reload_cost, true);
    }
  }
  if (bytes > before) raise_reserved(device.position, bytes - before);
  if (bytes < before) lower_reserved(device.position, before - bytes);
}

Bytes ProcessSlot::remove_resident(LedgerDevice device, std::string_view model) {
  if (!usable()) return Bytes();
  const std::lock_guard lock(tables_->mutex);
  Resident* found = tables_->find(device.position, model);
  if (found == nullptr || !found->loaded) return Bytes();
  const Bytes bytes = found->bytes;
  if (tables_->is_counted_on(device.position, model))
    write_resident_locked(*found, bytes, found->reload_cost, false);
  else
    drop_resident_locked(*tables_, *found);
  return bytes;
}

std::optional<Bytes> ProcessSlot::restate_resident(std::uint32_t device, std::string_view model, Bytes bytes) {
  const std::lock_guard lock(tables_->mutex);
  Resident* found = tables_->find(device, model);
  if (found == nullptr || !found->loaded) return std::nullopt;
  const Bytes before = std::exchange(found->bytes, bytes);
  if (found->entry >= 0) core_->file().infos[slot_].models[found->entry].bytes.store(bytes.count());
  return before;
}

void ProcessSlot::resize_resident(LedgerDevice device, std::string_view model, Bytes bytes) {
  if (!usable()) return;
  const auto before = restate_resident(device.position, model, bytes);
  if (!before) return;
  if (bytes > *before) raise_reserved(device.position, bytes - *before);
  if (bytes < *before) lower_reserved(device.position, *before - bytes);
}

void ProcessSlot::set_idle(LedgerDevice device, std::string_view model, bool idle) {
  if (!usable()) return;
  const std::lock_guard lock(tables_->mutex);
  Resident* found = tables_->find(device.position, model);
  if (found == nullptr || !found->loaded) return;
  found->idle = idle;
  if (found->entry < 0) return;
  layout::Model& entry = core_->file().infos[slot_].models[found->entry];
  entry.last_used_ns.store(core_->now());
  entry.flags.store(layout::ModelPresent | (idle ? layout::ModelIdle : 0U));
}

std::vector<std::pair<std::string, Bytes>> ProcessSlot::loaded_models(LedgerDevice device) const {
  std::vector<std::pair<std::string, Bytes>> loaded;
  const std::lock_guard lock(tables_->mutex);
  for (const Resident& resident : tables_->residents) {
    if (resident.device == device.position && resident.loaded) loaded.emplace_back(resident.model, resident.bytes);
  }
  return loaded;
}

std::vector<IdleModel> ProcessSlot::idle_models(LedgerDevice device) const {
  std::vector<IdleModel> idle;
  const std::lock_guard lock(tables_->mutex);
  for (const Resident& resident : tables_->residents) {
    if (resident.device == device.position && resident.idle) idle.push_back({resident.model, resident.bytes, resident.reload_cost});
  }
  return idle;
}

}  // namespace vram
