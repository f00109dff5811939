#include "vram/snapshot.hpp"

#include <algorithm>

#include "ledger/scan.hpp"
#include "ledger/slot_table.hpp"
#include "vram/ledger.hpp"

namespace vram {
namespace {

struct ModelRow {
  std::uint32_t device = 0;
  ResidentModel model;
};

// Three tries: an entry that its owner keeps rewriting, or left half written when it died, is left out rather than shown wrong.
std::optional<ModelRow> read_model(const layout::Model& entry) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    const std::uint32_t sequence = entry.sequence.load();
    if ((sequence & 1U) != 0) continue;
    const std::uint32_t flags = entry.flags.load();
    if ((flags & layout::ModelPresent) == 0) return std::nullopt;
    ModelRow row;
    row.device = entry.device.load();
    row.model.model = entry.name.load();
    row.model.bytes = Bytes(entry.bytes.load());
    row.model.idle = (flags & layout::ModelIdle) != 0;
    row.model.coming = (flags & layout::ModelComing) != 0;
    row.model.reload_cost = std::chrono::milliseconds(entry.reload_ms.load());
    if (entry.sequence.load() == sequence) return row;
  }
  return std::nullopt;
}

std::vector<ModelRow> models_of(const layout::File& file, std::uint32_t slot) {
  std::vector<ModelRow> rows;
  for (const layout::Model& entry : file.infos[slot].models) {
    if (auto row = read_model(entry)) rows.push_back(std::move(*row));
  }
  return rows;
}

std::optional<MemorySample> sample_of(const std::vector<DeviceSample>& samples, const DeviceUuid& uuid) {
  for (const DeviceSample& entry : samples) {
    if (entry.device == uuid) return entry.sample;
  }
  return std::nullopt;
}

// Where the holder cannot tell what it holds, what it was promised is taken for it.
Bytes accounted_for(const LedgerCore& core, std::uint32_t device) {
  Bytes sum;
  const layout::File& file = core.file();
  for (std::uint32_t slot = 0; slot < core.slots_used(); ++slot) {
    if (!slot_table::is_claimed(file.slots[slot].generation.load()) || file.slots[slot].death_ns.load() != 0) continue;
    const layout::Cell& cell = file.cells[device][slot];
    const std::uint64_t materialised = cell.materialised.load();
    sum += Bytes(materialised != 0 ? materialised : cell.reserved.load());
  }
  return sum;
}

DeviceStatus device_status(const LedgerCore& core, std::uint32_t device, const std::vector<DeviceSample>& samples) {
  const layout::Device& entry = core.file().devices[device];
  DeviceStatus status;
  status.uuid = DeviceUuid(entry.uuid.load());
  status.name = entry.name.load();
  const auto sample = sample_of(samples, status.uuid);
  // Nothing was copied before the sample, so what is seen now is taken for what was seen then: good enough for people.
  auto copy = std::make_unique<MaterialisedCopy>();
  copy->slots = core.slots_used();
  for (std::uint32_t slot = 0; slot < copy->slots; ++slot) {
    copy->generation[slot] = core.file().slots[slot].generation.load();
    copy->materialised[slot] = core.file().cells[device][slot].materialised.load();
  }
  auto scan = std::make_unique<Scan>();
  scan_device(core, device, {sample, copy.get()}, *scan);
  status.total = scan->figures.total;
  status.reserved = scan->figures.charges;
  status.draining = effective_draining(scan->figures);
  status.headroom = scan->figures.headroom;
  status.available = available(scan->figures);
  status.requests = scan->figures.running;
  status.cooling = entry.cool_until_ns.load() > core.now();
  if (sample) {
    status.free = std::min(sample->free, sample->total);
    status.unattributed = (sample->total - sample->free) - accounted_for(core, device);
  }
  return status;
}

ProcessStatus process_status(const LedgerCore& core, std::uint32_t slot) {
  const layout::SlotCore& words = core.file().slots[slot];
  ProcessStatus status;
  status.pid = words.pid.load();
  status.started = std::chrono::nanoseconds(static_cast<std::int64_t>(words.start_ns.load()));
  status.app = core.file().infos[slot].app.load();
  status.worker = words.kind.load() == layout::SlotOfWorker;
  status.draining = words.death_ns.load() != 0;
  return status;
}

// Rows of one slot, one per device on which it has anything.
void add_slot(const LedgerCore& core, std::uint32_t slot, LedgerSnapshot& snapshot) {
  const layout::File& file = core.file();
  const std::uint64_t generation = file.slots[slot].generation.load();
  if (!slot_table::is_claimed(generation)) return;
  const ProcessStatus process = process_status(core, slot);
  const auto models = models_of(file, slot);
  bool anything = false;
  for (std::uint32_t d = 0; d < snapshot.devices.size(); ++d) {
    const layout::Cell& cell = file.cells[d][slot];
    DeviceStatus& device = snapshot.devices[d];
    ProcessStatus row = process;
    row.device = device.uuid;
    row.reserved = std::min(Bytes(cell.reserved.load()), device.total);
    row.materialised = std::min(Bytes(cell.materialised.load()), device.total);
    row.requests = cell.requests.load();
    row.unenforced = cell.unenforced.load();
    for (const ModelRow& model : models) {
      if (model.device != d || process.draining) continue;
      row.models.push_back(model.model.model);
      device.resident.push_back(model.model);
      device.resident.back().app = process.app;
      device.resident.back().pid = process.pid;
    }
    if (!process.draining) device.unenforced += row.unenforced;
    const bool shown =
        row.reserved > Bytes() || (!process.draining && (row.materialised > Bytes() || row.requests > 0 || !row.models.empty()));
    if (shown) snapshot.processes.push_back(std::move(row));
    anything = anything || shown;
  }
  if (!anything && !process.draining) snapshot.processes.push_back(process);
}

}  // namespace

LedgerSnapshot Ledger::snapshot(const std::vector<DeviceSample>& samples) const {
  LedgerSnapshot snapshot;
  if (core_->forked.load()) return snapshot;
  const std::uint32_t slots = core_->slots_used();
  for (std::uint32_t slot = 0; slot < slots; ++slot) {
    if (core_->file().slots[slot].death_ns.load() == 0) slot_table::mark_if_dead(*core_, slot);
  }
  for (std::uint32_t device = 0; device < core_->device_count(); ++device)
    snapshot.devices.push_back(device_status(*core_, device, samples));
  for (std::uint32_t slot = 0; slot < slots; ++slot) add_slot(*core_, slot, snapshot);
  return snapshot;
}

}  // namespace vram
