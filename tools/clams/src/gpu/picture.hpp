// One moment of all GPUs as the table, the live view and the JSON show it: plain data, so that each of them can be tested by
// itself.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gpu/host.hpp"
#include "gpu/process_facts.hpp"
#include "vram/snapshot.hpp"

namespace clams::tool {

struct GpuDevice {
  vram::DeviceInfo info;
  vram::SampleState state = vram::SampleState::Unknown;
  std::chrono::nanoseconds age{};   // of the sample behind `free`
  std::string reason;               // why the state is not ok
  std::optional<base::Bytes> free;  // none: never read
  base::Bytes reserved, draining, headroom, available, unattributed;
  bool cooling = false;
  std::uint32_t requests = 0, unenforced = 0;
  std::vector<vram::ResidentModel> resident;

  base::Bytes used() const noexcept { return free ? info.total - *free : base::Bytes(); }
};

struct GpuProcess {
  std::int64_t pid = 0;
  std::string app;           // of a process outside the ledger: its name
  std::optional<int> index;  // none: it has nothing on any device
  vram::DeviceUuid device;
  base::Bytes reserved, materialised;
  std::vector<std::string> models;
  std::uint32_t requests = 0;
  bool in_ledger = true;
  bool draining = false;                   // ended; its bytes are on their way back
  std::optional<ProcessFacts> facts = {};  // none: it runs where this program cannot look
};

struct GpuPicture {
  std::string driver;                 // "nvml", "amdgpu", "sim", "none"
  std::optional<std::string> ledger;  // its directory; none: no ledger is there
  vram::LedgerScope scope = vram::LedgerScope::Host;
  bool denied = false;  // the host has a ledger that this user may not use
  std::vector<GpuDevice> devices;
  std::vector<GpuProcess> processes;          // largest first: what is promised or held
  std::vector<std::string> problems;          // one sentence each
  std::optional<vram::NoDevices> no_devices;  // why the driver shows none, though the ledger may know some
};

// The parts of a device's memory, in the order of a bar; they add up to the total.
struct GpuParts {
  base::Bytes foreign, held, promised, draining, headroom, free;
};
GpuParts parts_of(const GpuDevice& device);

struct PictureOptions {
  bool fresh = true;  // ask the drivers now, for at most `wait` altogether; else what is known
  std::chrono::milliseconds wait{400};
  bool list_processes = true;  // the driver's processes outside the ledger; the monitor asks for them at most once in 2 s
};
GpuPicture take_picture(const GpuHost& host, const vram::Headroom& headroom, const PictureOptions& options);

// {"devices": […], "processes": […]}: devices as in GET /?includeVRAM=true; processes of the ledger that live. Where the driver
// shows no device, also "reason" and "message", as there.
std::string picture_json(const GpuPicture& picture, bool pretty);

}  // namespace clams::tool
