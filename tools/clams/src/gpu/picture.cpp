#include "gpu/picture.hpp"

#include <algorithm>

#include "base/fd.hpp"
#include "base/text.hpp"

namespace clams::tool {
namespace {

using base::Bytes;

void refresh(const GpuHost& host, std::chrono::milliseconds wait) {
  const base::Clock& clock = base::system_clock();
  const auto deadline = clock.monotonic() + std::chrono::nanoseconds(wait);
  for (const vram::DeviceInfo& device : host.devices) {
    const auto left = std::max(deadline - clock.monotonic(), std::chrono::nanoseconds(0));
    (void)host.monitor->sample(device.uuid, std::chrono::nanoseconds(0), left);
  }
}

// A driver that has not told its devices says nothing of them, but the ledger knows which there were and what is promised.
std::vector<vram::DeviceState> states_of(const GpuHost& host, const vram::LedgerSnapshot& without_samples) {
  auto states = host.monitor->states();
  if (!states.empty() || !host.driver_problem || host.monitor->devices()) return states;
  int index = 0;
  for (const vram::DeviceStatus& device : without_samples.devices) {
    vram::DeviceState state;
    state.info = {device.uuid, device.name, index++, device.total};
    state.reason = host.driver_problem->message;
    states.push_back(std::move(state));
  }
  return states;
}

std::vector<vram::DeviceSample> usable_samples(const std::vector<vram::DeviceState>& states) {
  std::vector<vram::DeviceSample> samples;
  for (const auto& state : states) {
    if (state.last && state.state != vram::SampleState::Unknown) samples.push_back({state.info.uuid, *state.last});
  }
  return samples;
}

GpuDevice device_of(const vram::DeviceState& state, const vram::LedgerSnapshot& snapshot, const vram::Headroom& wish) {
  GpuDevice device;
  device.info = state.info;
  device.state = state.state;
  device.age = state.age;
  device.reason = state.reason;
  if (state.last) device.free = std::min(state.last->free, state.last->total);
  device.headroom = wish.of(state.info.total);
  device.available = device.free.value_or(Bytes()) - device.headroom;
  device.unattributed = device.used();
  const auto promised =
      std::find_if(snapshot.devices.begin(), snapshot.devices.end(), [&](const auto& one) { return one.uuid == state.info.uuid; });
  if (promised == snapshot.devices.end()) return device;
  device.headroom = std::max(device.headroom, promised->headroom);
  device.available = promised->available - (device.headroom - promised->headroom);
  device.reserved = promised->reserved;
  device.draining = promised->draining;
  device.unattributed = promised->unattributed;
  device.cooling = promised->cooling;
  device.requests = promised->requests;
  device.unenforced = promised->unenforced;
  device.resident = promised->resident;
  return device;
}

std::optional<int> index_of(const std::vector<GpuDevice>& devices, const vram::DeviceUuid& uuid) {
  for (const GpuDevice& device : devices) {
    if (device.info.uuid == uuid) return device.info.index;
  }
  return std::nullopt;
}

std::string name_of_process(std::int64_t pid) {
  const auto name = base::read_file("/proc/" + std::to_string(pid) + "/comm", 256);
  return name ? std::string(base::trim(*name)) : "";
}

// Kernel threads have no command line: a low number of another PID namespace often meets one of them here.
bool is_program_here(std::int64_t pid) {
  const auto words = base::read_file("/proc/" + std::to_string(pid) + "/cmdline", 4096);
  return words && !words->empty();
}

// A process of the ledger that the driver does not list holds nothing, unless its number is one of another PID namespace: then one
// of the strangers may be it.
Bytes possibly_ours(const GpuPicture& picture, const vram::DeviceUuid& device, const std::vector<vram::ProcessUse>& listed) {
  Bytes sum;
  for (const GpuProcess& process : picture.processes) {
    if (!process.in_ledger || process.device != device || process.draining) continue;
    const bool is_listed = std::any_of(listed.begin(), listed.end(), [&](const auto& use) { return use.pid == process.pid; });
    if (is_listed || is_program_here(process.pid)) continue;
    sum += process.materialised > Bytes() ? process.materialised : process.reserved;
  }
  return sum;
}

void add_strangers(const GpuHost& host, GpuPicture& picture) {
  for (GpuDevice& device : picture.devices) {
    if (device.state != vram::SampleState::Ok) continue;
    const auto listed = host.monitor->processes(device.info.uuid);
    if (!listed) continue;
    Bytes strange;
    for (const vram::ProcessUse& use : *listed) {
      const bool known = std::any_of(picture.processes.begin(), picture.processes.end(),
                                     [&](const GpuProcess& process) { return process.in_ledger && process.pid == use.pid; });
      if (known) continue;
      GpuProcess stranger;
      stranger.pid = use.pid;
      stranger.app = name_of_process(use.pid);
      stranger.index = device.info.index;
      stranger.device = device.info.uuid;
      stranger.materialised = use.known ? use.bytes : Bytes();
      stranger.in_ledger = false;
      stranger.facts = facts_of(use.pid, std::chrono::nanoseconds(0));
      strange += stranger.materialised;
      picture.processes.push_back(std::move(stranger));
    }
    // The ledger takes what was promised for held where nobody says what is held; the driver's list knows better.
    const Bytes foreign = std::min(strange - possibly_ours(picture, device.info.uuid, *listed), device.used());
    device.unattributed = std::max(device.unattributed, foreign);
  }
}

}  // namespace

GpuPicture take_picture(const GpuHost& host, const vram::Headroom& headroom, const PictureOptions& options) {
  // Who died is noticed before the drivers are asked, so that their answer counts for what the dead gave back.
  const auto before = host.ledger ? host.ledger->snapshot() : vram::LedgerSnapshot();
  if (options.fresh) refresh(host, options.wait);
  GpuPicture picture;
  picture.driver = host.monitor->driver();
  if (host.ledger && host.directory) {
    picture.ledger = host.directory->path;
    picture.scope = host.directory->scope;
  }
  const auto states = states_of(host, before);
  const auto snapshot = host.ledger ? host.ledger->snapshot(usable_samples(states)) : vram::LedgerSnapshot();
  for (const auto& state : states) picture.devices.push_back(device_of(state, snapshot, headroom));
  for (const vram::ProcessStatus& process : snapshot.processes) {
    const auto index = index_of(picture.devices, process.device);
    if (!index && !process.device.empty()) continue;  // on a device that is not shown to this program
    // A dead process's line stays until somebody needs it; what counts is whether anything is still held back for it.
    const bool is_over =
        process.draining && std::none_of(picture.devices.begin(), picture.devices.end(), [&](const GpuDevice& device) {
          return device.info.uuid == process.device && device.draining > Bytes();
        });
    if (is_over) continue;
    picture.processes.push_back({process.pid, process.app, index, process.device, process.reserved, process.materialised,
                                 process.models, process.requests, true, process.draining,
                                 process.draining ? std::nullopt : facts_of(process.pid, process.started)});
  }
  if (options.list_processes) add_strangers(host, picture);
  std::stable_sort(picture.processes.begin(), picture.processes.end(), [](const GpuProcess& a, const GpuProcess& b) {
    return std::max(a.reserved, a.materialised) > std::max(b.reserved, b.materialised);
  });
  picture.no_devices = host.monitor->why_no_devices();
  if (host.driver_problem && !host.monitor->devices())
    picture.problems.push_back("The GPU driver has not told its devices: " + host.driver_problem->message);
  if (host.directory && !host.directory->denied.empty()) {
    picture.denied = true;
    picture.problems.push_back(host.directory->denied);
  }
  if (!host.ledger_problem.empty())
    picture.problems.push_back("The ledger cannot be read, so promises are not shown: " + host.ledger_problem);
  return picture;
}

GpuParts parts_of(const GpuDevice& device) {
  GpuParts parts;
  Bytes left = device.info.total;
  const auto take = [&left](Bytes wanted) {
    const Bytes taken = std::min(wanted, left);
    left -= taken;
    return taken;
  };
  // What the dead have not given back yet is among what no living slot accounts for.
  const Bytes unattributed = std::min(device.unattributed, device.used());
  parts.foreign = take(unattributed - device.draining);
  parts.held = take(device.used() - unattributed);
  parts.promised = take(device.reserved - parts.held);
  parts.draining = take(device.draining);
  parts.headroom = take(device.headroom);
  parts.free = left;
  return parts;
}

}  // namespace clams::tool
