// What GpuMemory and its requests share.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "clams/gpu_memory.hpp"
#include "vram/device_monitor.hpp"
#include "vram/ledger.hpp"
#include "vram/profile.hpp"

namespace clams {

struct GpuMemoryState {
  GpuMemoryOptions options;
  vram::DeviceChoice choice;
  vram::ProbeOptions probe_options;
  std::shared_ptr<vram::DeviceMonitor> monitor;
  std::shared_ptr<vram::Ledger> ledger;
  vram::LedgerScope scope = vram::LedgerScope::Host;
  std::unique_ptr<vram::ProfileStore> profiles;
  std::unique_ptr<vram::Admission> admission;
  std::unique_ptr<vram::ModelCache> models;

  std::mutex allocator_mutex;
  std::shared_ptr<vram::DeviceAllocator> allocator;  // opened at the first use: it may load the CUDA driver

  base::Result<std::shared_ptr<vram::DeviceAllocator>> open_allocator();
  std::optional<vram::LedgerDevice> ledger_device(const vram::DeviceUuid& uuid) const;
  std::optional<vram::DeviceInfo> device_info(const vram::DeviceUuid& uuid) const;
  std::string driver_name() const { return std::string(monitor->driver()); }
  bool is_simulated() const { return choice.kind == vram::DeviceChoice::Kind::Simulated; }
};

}  // namespace clams
