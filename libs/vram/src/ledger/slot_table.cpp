#include "ledger/slot_table.hpp"

#include "base/crash_point.hpp"
#include "ledger/ofd_lock.hpp"

namespace vram::slot_table {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

bool holds_nothing(const layout::File& file, std::uint32_t devices, std::uint32_t slot) noexcept {
  for (std::uint32_t d = 0; d < devices; ++d) {
    if (file.cells[d][slot].reserved.load() != 0) return false;
  }
  return true;
}

void clear_cell(layout::Cell& cell) noexcept {
  for (layout::Word* word : {&cell.reserved, &cell.materialised, &cell.headroom, &cell.transient, &cell.expected_end_ns,
                             &cell.wait_ticket, &cell.wait_bytes}) {
    word->store(0, std::memory_order_relaxed);
  }
  cell.requests.store(0, std::memory_order_relaxed);
  cell.unenforced.store(0, std::memory_order_relaxed);
}

void clear_info(layout::SlotInfo& info) noexcept {
  info.unlisted_models.store(0, std::memory_order_relaxed);
  for (layout::Model& model : info.models) {
    model.flags.store(0, std::memory_order_relaxed);
    model.bytes.store(0, std::memory_order_relaxed);
    model.sequence.store(0, std::memory_order_relaxed);
  }
  info.app.store({});
}

// The slot becomes free: cells first, so that a crash in the middle leaves a dead slot with less in it.
// All device cells, not only those of known devices: another process may be adding one.
void clear_slot(layout::File& file, std::uint32_t slot) noexcept {
  for (auto& device : file.cells) clear_cell(device[slot]);
  CLAMS_CRASH_POINT("ledger.slot.cells_cleared");
  clear_info(file.infos[slot]);
  layout::SlotCore& core = file.slots[slot];
  core.death_ns.store(0);
  CLAMS_CRASH_POINT("ledger.slot.death_cleared");
  const std::uint64_t generation = core.generation.load();
  if (is_claimed(generation)) core.generation.store(generation + 1, std::memory_order_release);
}

// REQUIRES: the slot's token. A death in the future comes from a clock that was set back; it is brought to now, or the bytes would
// stay for ever.
std::uint64_t mark_dead(LedgerCore& core, layout::SlotCore& slot) noexcept {
  const std::uint64_t now = core.now();
  const std::uint64_t death = slot.death_ns.load();
  if (death != 0 && death <= now) return death;
  slot.death_ns.store(now);
  CLAMS_CRASH_POINT("ledger.slot.marked_dead");
  return now;
}

// REQUIRES: the slot's token. True when nothing of a dead predecessor has to stay.
bool make_free(LedgerCore& core, std::uint32_t slot) noexcept {
  layout::File& file = core.file();
  if (!is_claimed(file.slots[slot].generation.load())) {
    clear_slot(file, slot);  // a claim that died half way
    return true;
  }
  if (!holds_nothing(file, layout::kDevices, slot)) {
    const std::uint64_t death = mark_dead(core, file.slots[slot]);
    if (core.now() - death < core.drain_ns()) return false;
  }
  clear_slot(file, slot);
  return true;
}

void raise_slots_used(layout::File& file, std::uint32_t count) noexcept {
  std::uint32_t seen = file.header.slots_used.load();
  while (seen < count && !file.header.slots_used.compare_exchange_weak(seen, count)) {}
}

// Everything a reader looks at is in place before the generation turns odd.
void occupy(LedgerCore& core, std::uint32_t slot, const ClaimOptions& options) noexcept {
  layout::File& file = core.file();
  layout::SlotCore& words = file.slots[slot];
  file.infos[slot].app.store(options.app);
  words.pid.store(static_cast<std::uint32_t>(options.pid));
  words.start_ns.store(options.start_ns);
  words.kind.store(options.worker ? layout::SlotOfWorker : layout::SlotOfProcess);
  words.claimed_ns.store(core.now());
  words.unload_asked.store(0);
  raise_slots_used(file, slot + 1);
  CLAMS_CRASH_POINT("ledger.slot.described");
  words.generation.store(words.generation.load() + 1, std::memory_order_release);
  CLAMS_CRASH_POINT("ledger.slot.claimed");
}

// REQUIRES: core.token_mutex. The token proves that the owner is gone, the pin that no front still lowers this slot's words.
Result<bool> try_claim(LedgerCore& core, std::uint32_t slot, const ClaimOptions& options) {
  BASE_TRY_ASSIGN(const bool taken, ofd::try_lock(options.token_fd, layout::kTokenLock + slot));
  if (!taken) return false;
  BASE_TRY_ASSIGN(const bool pinned_elsewhere, ofd::held_by_other(options.token_fd, layout::kPinLock + slot));
  bool pinned = pinned_elsewhere || core.own_pins.test(slot);
  if (!pinned && options.worker) {
    BASE_TRY_ASSIGN(const bool pin, ofd::try_lock(core.fd(), layout::kPinLock + slot));
    pinned = !pin;
  }
  if (!pinned && make_free(core, slot)) {
    occupy(core, slot, options);
    core.own_pins.set(slot, options.worker);
    return true;
  }
  if (!pinned && options.worker) ofd::unlock(core.fd(), layout::kPinLock + slot);
  ofd::unlock(options.token_fd, layout::kTokenLock + slot);
  return false;
}

}  // namespace

Result<std::uint32_t> claim(LedgerCore& core, const ClaimOptions& options) {
  const std::lock_guard lock(core.token_mutex);
  for (std::uint32_t slot = 0; slot < layout::kSlots; ++slot) {
    if (slot == core.own_token.load()) continue;
    BASE_TRY_ASSIGN(const bool claimed, try_claim(core, slot, options));
    if (!claimed) continue;
    if (!options.worker) core.own_token.store(slot);
    return slot;
  }
  return Error{ErrorCode::QueueFull,
               "all " + std::to_string(layout::kSlots) + " slots of the GPU ledger '" + core.ledger_file.path +
                   "' are taken; end processes that use the GPU, or try again in a few seconds when many have just ended"};
}

void end_own(LedgerCore& core, std::uint32_t slot) {
  const std::lock_guard lock(core.token_mutex);
  clear_slot(core.file(), slot);
  core.own_token.store(UINT32_MAX);
  ofd::unlock(core.fd(), layout::kTokenLock + slot);
}

void unpin(LedgerCore& core, std::uint32_t slot) {
  const std::lock_guard lock(core.token_mutex);
  core.own_pins.reset(slot);
  ofd::unlock(core.fd(), layout::kPinLock + slot);
}

// Steps that go wrong without taking the token: A sees the token free; B claims the slot and charges; A stores a time of death into
// B's slot, whose bytes would then be forgotten while B lives. With the token in hand nobody can claim, and the generation is
// looked at once more.
bool mark_if_dead(LedgerCore& core, std::uint32_t slot) {
  layout::SlotCore& words = core.file().slots[slot];
  const std::uint64_t generation = words.generation.load();
  if (!is_claimed(generation) || slot == core.own_token.load()) return false;
  const auto held = ofd::held_by_other(core.fd(), layout::kTokenLock + slot);
  if (!held || *held) return false;
  const std::lock_guard lock(core.token_mutex);
  if (slot == core.own_token.load()) return false;
  const auto taken = ofd::try_lock(core.fd(), layout::kTokenLock + slot);
  if (!taken || !*taken) return false;
  const bool dead = words.generation.load() == generation;
  if (dead) mark_dead(core, words);
  ofd::unlock(core.fd(), layout::kTokenLock + slot);
  return dead;
}

void bury(LedgerCore& core, std::uint32_t device, std::uint32_t slot) {
  const std::lock_guard lock(core.token_mutex);
  if (slot == core.own_token.load()) return;
  const auto taken = ofd::try_lock(core.fd(), layout::kTokenLock + slot);
  if (!taken || !*taken) return;
  layout::SlotCore& words = core.file().slots[slot];
  if (is_claimed(words.generation.load()) && words.death_ns.load() != 0) core.file().cells[device][slot].reserved.store(0);
  CLAMS_CRASH_POINT("ledger.slot.buried");
  ofd::unlock(core.fd(), layout::kTokenLock + slot);
}

}  // namespace vram::slot_table
