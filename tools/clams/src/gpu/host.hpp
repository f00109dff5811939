// The GPUs of this host and the ledger over them, opened for one command.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gpu/settings.hpp"
#include "vram/device_monitor.hpp"
#include "vram/ledger.hpp"

namespace clams::tool {

struct GpuHost {
  std::shared_ptr<vram::DeviceMonitor> monitor;
  std::shared_ptr<vram::Ledger> ledger;  // null: none there yet (readers), no GPU, or it could not be joined
  std::string ledger_problem;            // then: why, empty if there is simply none
  std::optional<vram::LedgerDirectory> directory;
  std::vector<vram::DeviceInfo> devices;  // in index order; empty while the driver has not told
  std::optional<base::Error> driver_problem;

  // The driver told that there is none.
  bool has_no_gpu() const noexcept { return devices.empty() && !driver_problem; }
};

enum class LedgerUse {
  Read,  // a ledger that does not exist is not made
  Join,
};

struct GpuHostOptions {
  LedgerUse use = LedgerUse::Read;
  std::string app;                           // display name in the ledger
  std::chrono::milliseconds patience{1000};  // for the driver's list of devices
  vram::MonitorOptions monitor;
  base::Logger log;
};

// Waits for a driver no longer than `patience`. Error Configuration when a directory or the simulated devices cannot be used.
base::Result<GpuHost> open_gpu_host(const GpuSettings& settings, const GpuHostOptions& options);

// The device of an index in the list, or of a UUID. Error InvalidArgument that names those that there are.
base::Result<vram::DeviceInfo> find_gpu(const std::vector<vram::DeviceInfo>& devices, const std::string& index_or_uuid);

}  // namespace clams::tool
