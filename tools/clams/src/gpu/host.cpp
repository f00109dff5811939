#include "gpu/host.hpp"

#include <unistd.h>

#include "vram/container.hpp"
#include "vram/open_probe.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;

base::Status choose_directory(GpuHost& host, const GpuSettings& settings, const base::Logger& log) {
  if (host.directory) return {};
  BASE_TRY_ASSIGN(host.directory, vram::choose_ledger_directory(settings.directory));
  // Whoever named the directory knows where it lies.
  const bool is_found = settings.directory.explicit_directory.empty();
  std::string warning = is_found && settings.in_container ? vram::container_warning(host.directory->path) : "";
  if (warning.empty()) warning = host.directory->warning;
  if (!warning.empty()) log.warning(warning);
  return {};
}

base::Status join(GpuHost& host, const GpuSettings& settings, const GpuHostOptions& options) {
  // Where programs keep their promises to themselves, that is told to those who ask for memory; a table shows the scope.
  BASE_TRY(choose_directory(host, settings, options.use == LedgerUse::Join ? options.log : base::Logger()));
  if (options.use == LedgerUse::Read && ::access((host.directory->path + "/ledger").c_str(), F_OK) != 0) return {};
  vram::LedgerOptions ledger_options;
  ledger_options.directory = *host.directory;
  ledger_options.app = options.app;
  BASE_TRY_ASSIGN(host.ledger, vram::Ledger::open(std::move(ledger_options)));
  return {};
}

}  // namespace

base::Result<GpuHost> open_gpu_host(const GpuSettings& settings, const GpuHostOptions& options) {
  GpuHost host;
  if (settings.is_simulated()) BASE_TRY(choose_directory(host, settings, base::Logger()));
  vram::ProbeOptions probe_options;
  probe_options.environment = settings.environment;
  probe_options.log = options.log;
  if (host.directory) probe_options.directory = host.directory->path;
  BASE_TRY_ASSIGN(auto probe, vram::open_probe(settings.choice, probe_options));
  // How the driver fares is shown or decided on by each command in its own words.
  host.monitor = vram::DeviceMonitor::create(std::move(probe), options.monitor);
  if (auto devices = host.monitor->wait_for_devices(options.patience)) {
    host.devices = std::move(*devices);
  } else {
    host.driver_problem = devices.error();
  }
  if (host.has_no_gpu()) return host;
  if (const base::Status joined = join(host, settings, options); !joined) {
    if (joined.error().code == ErrorCode::Configuration) return joined.error();
    host.ledger_problem = joined.error().message;
  }
  return host;
}

base::Result<vram::DeviceInfo> find_gpu(const std::vector<vram::DeviceInfo>& devices, const std::string& index_or_uuid) {
  std::string all;
  for (const vram::DeviceInfo& device : devices) {
    if (std::to_string(device.index) == index_or_uuid || device.uuid.text() == index_or_uuid) return device;
    all += (all.empty() ? "" : ", ") + std::to_string(device.index) + " (" + device.uuid.text() + ")";
  }
  return Error{ErrorCode::InvalidArgument,
               "there is no GPU '" + index_or_uuid + "' here; there is " + (all.empty() ? "none" : all)};
}

}  // namespace clams::tool
