// What pages and metrics show of GPU memory.
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "clams/gpu_memory.hpp"
#include "gpu_state.hpp"

namespace clams {
namespace {

mmif::Value gib(base::Bytes bytes) {
  return mmif::Value(std::round(static_cast<double>(bytes.count()) / 1073741824.0 * 100) / 100);
}

std::vector<vram::DeviceSample> last_samples(const std::vector<vram::DeviceState>& states) {
  std::vector<vram::DeviceSample> samples;
  for (const auto& state : states) {
    if (state.last && state.state != vram::SampleState::Unknown) samples.push_back({state.info.uuid, *state.last});
  }
  return samples;
}

const vram::DeviceStatus* find_status(const vram::LedgerSnapshot& snapshot, const vram::DeviceUuid& uuid) {
  const auto at =
      std::find_if(snapshot.devices.begin(), snapshot.devices.end(), [&](const auto& device) { return device.uuid == uuid; });
  return at == snapshot.devices.end() ? nullptr : &*at;
}

// One device as pages show it. Figures that rest on a sample are zero without one.
struct Shown {
  base::Bytes free, reserved, headroom, available, unattributed;
};

Shown shown(const vram::DeviceState& device, const vram::DeviceStatus* promised, const vram::Headroom& own_headroom) {
  const bool known = device.last && device.state != vram::SampleState::Unknown;
  Shown s;
  s.free = device.last ? device.last->free : base::Bytes();
  const base::Bytes own = own_headroom.of(device.info.total);
  if (promised == nullptr) {  // nobody has asked for memory here yet
    s.headroom = own;
    s.available = (known ? s.free : device.info.total) - own;
    s.unattributed = known ? device.info.total - s.free : base::Bytes();
    return s;
  }
  s.reserved = promised->reserved;
  s.headroom = std::max(promised->headroom, own);
  s.available = promised->available - (s.headroom - promised->headroom);
  s.unattributed = promised->unattributed;
  return s;
}

}  // namespace

mmif::Object GpuMemory::status() const {
  constexpr std::chrono::milliseconds kOldest{100}, kPatience{100};
  const auto& s = *state_;
  s.monitor->freshen(kOldest, kPatience);
  const auto states = s.monitor->states();
  mmif::Object gpu{{"available", !states.empty()}};
  if (const auto why = s.monitor->why_no_devices(); states.empty() && why) {
    gpu.set("reason", why->reason);
    gpu.set("message", why->message);
    if (why->code != 0) gpu.set("driver_code", why->code);
  }
  if (!states.empty()) gpu.set("ledger_scope", vram::to_string(s.scope));
  if (!states.empty() && s.ledger == nullptr) gpu.set("ledger", false);
  const auto snapshot = s.ledger ? s.ledger->snapshot(last_samples(states)) : vram::LedgerSnapshot();
  mmif::Array devices;
  for (const auto& device : states) {
    const vram::DeviceStatus* promised = find_status(snapshot, device.info.uuid);
    const Shown figures = shown(device, promised, s.options.admission.headroom);
    mmif::Array resident;
    if (promised != nullptr) {
      for (const auto& model : promised->resident)
        resident.emplace_back(
            mmif::Object{{"app", model.app}, {"model", model.model}, {"bytes", model.bytes.count()}, {"loading", model.coming}});
    }
    mmif::Object shown_device{{"id", device.info.index},
                              {"name", device.info.name},
                              {"uuid", device.info.uuid.text()},
                              {"total_memory_gb", gib(device.info.total)},
                              {"available_memory_gb", gib(figures.available)},
                              {"total_bytes", device.info.total.count()},
                              {"free_bytes", figures.free.count()},
                              {"reserved_bytes", figures.reserved.count()},
                              {"available_bytes", figures.available.count()},
                              {"headroom_bytes", figures.headroom.count()},
                              {"unattributed_bytes", figures.unattributed.count()},
                              {"resident", std::move(resident)},
                              {"sample_age_ms", std::chrono::duration_cast<std::chrono::milliseconds>(device.age).count()},
                              {"state", vram::name_of(device.state)}};
    if (device.state != vram::SampleState::Ok) {
      shown_device.set("reason", "driver_error");
      shown_device.set("message", device.reason);
    }
    devices.emplace_back(std::move(shown_device));
  }
  gpu.set("devices", std::move(devices));
  return gpu;
}

std::vector<std::string> GpuMemory::describe_devices() const {
  std::vector<std::string> lines;
  for (const auto& device : state_->monitor->states()) {
    const auto mib = static_cast<long long>(std::nearbyint(static_cast<double>(device.info.total.count()) / 1048576.0));
    lines.push_back(device.info.name + ", With " + std::to_string(mib) + " MiB");
  }
  return lines;
}

std::vector<GpuMemory::DeviceGauges> GpuMemory::gauges() const {
  const auto states = state_->monitor->states();
  const auto snapshot = state_->ledger ? state_->ledger->snapshot(last_samples(states)) : vram::LedgerSnapshot();
  std::vector<DeviceGauges> list;
  for (const auto& device : states) {
    const auto* promised = find_status(snapshot, device.info.uuid);
    const Shown figures = shown(device, promised, state_->options.admission.headroom);
    DeviceGauges gauges{.uuid = device.info.uuid.text(),
                        .total = device.info.total,
                        .free = figures.free,
                        .reserved = figures.reserved,
                        .unattributed = figures.unattributed,
                        .available = figures.available,
                        .headroom = figures.headroom,
                        .known = device.state != vram::SampleState::Unknown};
    if (promised != nullptr) {
      for (const auto& model : promised->resident) gauges.resident += model.bytes;
    }
    list.push_back(std::move(gauges));
  }
  return list;
}

std::vector<std::shared_ptr<vram::ProcessSlot>> GpuMemoryState::slots() {
  std::vector<std::shared_ptr<vram::ProcessSlot>> list;
  if (ledger == nullptr) return list;
  if (auto own = ledger->own_slot_if_claimed()) list.push_back(std::move(own));
  const std::lock_guard lock(workers_mutex);
  for (const auto& worker : worker_slots) {
    if (auto slot = worker.lock()) list.push_back(std::move(slot));
  }
  return list;
}

std::vector<GpuMemory::AppGauges> GpuMemory::app_gauges() const {
  std::vector<AppGauges> list;
  const auto slots = state_->slots();
  for (const auto& device : state_->monitor->states()) {
    AppGauges held{.uuid = device.info.uuid.text(), .reserved = {}, .materialised = {}, .models = {}};
    const auto position = slots.empty() ? std::nullopt : state_->ledger->find(device.info.uuid);
    for (const auto& slot : slots) {
      if (!position) break;
      held.reserved += slot->reserved(*position);
      held.materialised += slot->materialised(*position);
      for (const auto& [model, bytes] : slot->loaded_models(*position)) held.models[model] += bytes;
    }
    list.push_back(std::move(held));
  }
  return list;
}

namespace {

// The order of GpuMemoryState::refusals.
constexpr std::array kRefusals{std::pair{"INSUFFICIENT_GPU_MEMORY", "memory"}, std::pair{"INSUFFICIENT_GPU_MEMORY", "allocation"},
                               std::pair{"INSUFFICIENT_GPU_MEMORY", "driver"}, std::pair{"INSUFFICIENT_GPU_MEMORY", "ledger"},
                               std::pair{"GPU_MEMORY_IMPOSSIBLE", "memory"}};

}  // namespace

void GpuMemory::count_refusal(const vram::Refusal& refusal) noexcept {
  for (std::size_t row = 0; row < kRefusals.size(); ++row) {
    if (kRefusals.at(row).first == refusal.code() && kRefusals.at(row).second == vram::name_of(refusal.reason))
      state_->refusals.at(row).fetch_add(1, std::memory_order_relaxed);
  }
}

std::vector<GpuMemory::RefusalCount> GpuMemory::refusals() const {
  std::vector<RefusalCount> list;
  for (std::size_t row = 0; row < kRefusals.size(); ++row)
    list.push_back({kRefusals.at(row).first, kRefusals.at(row).second, state_->refusals.at(row).load()});
  return list;
}

}  // namespace clams
