#include "ledger/scan.hpp"
#include "ledger/slot_table.hpp"
#include "vram/ledger.hpp"

namespace vram {
namespace {

void check_slot(const LedgerCore& core, std::uint32_t slot, std::vector<std::string>& found) {
  const layout::File& file = core.file();
  const std::string name = "slot " + std::to_string(slot);
  const bool claimed = slot_table::is_claimed(file.slots[slot].generation.load());
  for (std::uint32_t device = 0; device < layout::kDevices; ++device) {
    const layout::Cell& cell = file.cells[device][slot];
    const std::uint64_t reserved = cell.reserved.load();
    if (!claimed && reserved != 0) found.push_back(name + " is free but has bytes reserved on device " + std::to_string(device));
    if (device >= core.device_count() && reserved != 0)
      found.push_back(name + " has bytes reserved on a device that is not in the table");
    if (cell.transient.load() > reserved && file.slots[slot].death_ns.load() == 0) {
      found.push_back(name + " has running requests with more bytes than it has reserved on device " + std::to_string(device));
    }
  }
  if (!claimed && file.slots[slot].death_ns.load() != 0) found.push_back(name + " is free but marked dead");
  if (claimed && slot >= core.slots_used()) found.push_back(name + " is claimed beyond slots_used");
}

}  // namespace

// Meant for moments at which nobody changes the file: between two loads here a neighbour may move.
std::vector<std::string> Ledger::check_invariants() const {
  std::vector<std::string> found;
  if (core_->forked.load()) return found;
  const layout::File& file = core_->file();
  if (file.header.magic.load() != layout::kMagic) found.emplace_back("the magic is gone");
  if (file.header.version.load() != layout::kVersion) found.emplace_back("the layout version changed");
  for (std::uint32_t slot = 0; slot < layout::kSlots; ++slot) check_slot(*core_, slot, found);
  return found;
}

}  // namespace vram
