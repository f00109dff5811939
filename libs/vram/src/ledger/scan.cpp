#include "ledger/scan.hpp"

#include <algorithm>

#include "ledger/slot_table.hpp"

namespace vram {
namespace {

// Another process may have written anything; no slot counts for more than the device has.
Bytes clamped(const layout::Word& word, Bytes total) noexcept {
  return std::min(Bytes(word.load(std::memory_order_acquire)), total);
}

Bytes seen_before(const Observation& observation, std::uint32_t slot, std::uint64_t generation) noexcept {
  const MaterialisedCopy* before = observation.before;
  if (!observation.sample || before == nullptr || slot >= before->slots || before->generation[slot] != generation) return Bytes();
  return Bytes(before->materialised[slot]);
}

void add_living(const layout::Cell& cell, Bytes seen, DeviceFigures& figures) noexcept {
  const Bytes reserved = clamped(cell.reserved, figures.total);
  figures.charges += reserved;
  figures.unseen += unseen_of(reserved, seen, clamped(cell.materialised, figures.total));
  figures.headroom = std::max(figures.headroom, clamped(cell.headroom, figures.total));
  figures.running += std::min(cell.requests.load(std::memory_order_relaxed), 1'000'000U);
}

}  // namespace

void scan_device(const LedgerCore& core, std::uint32_t device, const Observation& observation, Scan& scan) {
  const layout::File& file = core.file();
  DeviceFigures& figures = scan.figures;
  figures = DeviceFigures{};
  scan.draining_count = 0;
  figures.driver_known = observation.sample.has_value();
  figures.total = figures.driver_known ? observation.sample->total : Bytes(file.devices[device].total.load());
  if (figures.driver_known) figures.driver_free = std::min(observation.sample->free, figures.total);
  const std::uint64_t now = core.now();
  const std::uint64_t sampled = figures.driver_known ? static_cast<std::uint64_t>(observation.sample->taken_at.count()) : 0;
  const std::uint32_t used = core.slots_used();
  for (std::uint32_t slot = 0; slot < used; ++slot) {
    const std::uint64_t generation = file.slots[slot].generation.load(std::memory_order_acquire);
    if (!slot_table::is_claimed(generation)) continue;
    const layout::Cell& cell = file.cells[device][slot];
    const std::uint64_t death = file.slots[slot].death_ns.load(std::memory_order_acquire);
    if (death == 0) {
      add_living(cell, seen_before(observation, slot, generation), figures);
      continue;
    }
    const Bytes bytes = clamped(cell.reserved, figures.total);
    if (bytes == Bytes() || (death <= now && now - death >= core.drain_ns())) continue;
    figures.draining += bytes;
    if (death >= sampled) figures.draining_unsampled += bytes;
    scan.draining[scan.draining_count++] = {slot, death, bytes};
  }
}

bool sweep_dead(LedgerCore& core, std::uint32_t device) {
  const layout::File& file = core.file();
  bool found = false;
  const std::uint32_t used = core.slots_used();
  for (std::uint32_t slot = 0; slot < used; ++slot) {
    if (!slot_table::is_claimed(file.slots[slot].generation.load())) continue;
    const layout::Cell& cell = file.cells[device][slot];
    const std::uint64_t death = file.slots[slot].death_ns.load();
    if (death != 0 && death <= core.now()) continue;
    if (cell.reserved.load() == 0 && cell.headroom.load() == 0 && cell.requests.load() == 0) continue;
    if (slot_table::mark_if_dead(core, slot)) found = true;
  }
  return found;
}

void bury_returned(LedgerCore& core, std::uint32_t device, const Scan& scan, std::chrono::nanoseconds sampled_at) {
  const DeviceFigures& figures = scan.figures;
  if (!figures.driver_known || figures.draining == figures.draining_unsampled) return;
  const Bytes residue = effective_draining(figures) - figures.draining_unsampled;
  Bytes left = figures.draining - figures.draining_unsampled;
  auto order = scan.draining;
  const auto end = order.begin() + scan.draining_count;
  std::sort(order.begin(), end, [](const DrainingSlot& a, const DrainingSlot& b) { return a.death_ns < b.death_ns; });
  for (auto entry = order.begin(); entry != end; ++entry) {
    if (entry->death_ns >= static_cast<std::uint64_t>(sampled_at.count()) || left - entry->bytes < residue || left < entry->bytes)
      return;
    slot_table::bury(core, device, entry->slot);
    left -= entry->bytes;
  }
}

}  // namespace vram
