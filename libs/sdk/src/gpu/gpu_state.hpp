// What GpuMemory and its requests share.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "clams/gpu_memory.hpp"
#include "peak_meter.hpp"
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
  std::unique_ptr<PeakMeter> meter;  // null on simulated devices: nobody can take their memory behind our back

  // Which model requests of a profile use that declare none.
  std::mutex models_mutex;
  std::map<std::string, std::string> model_of_profile;
  void remember_model(const std::string& profile, const std::string& model);
  std::string model_for(const std::string& profile);
  // Whether a model stays in a process that was asked for it. Returns whether that is new; false: requests that come before it is
  // loaded are not charged on the strength of the one before.
  bool note_staying(const std::string& model, bool stays);
  bool is_expected_to_stay(const std::string& model);
  std::set<std::string> not_staying;
  std::map<std::string, std::uint64_t> loaders;  // in a worker: which request loaded a model last
  void note_loader(const std::string& model, std::uint64_t request);
  std::atomic<std::uint64_t> requests{0};
  base::Bytes resident_bytes(const vram::ProcessSlot& slot, std::string_view model) const;  // on the device where it is most

  std::mutex workers_mutex;
  std::vector<std::weak_ptr<vram::ProcessSlot>> worker_slots;  // expired ones are dropped as new ones are added
  // Of this program: its own, if it has one, and its workers'.
  std::vector<std::shared_ptr<vram::ProcessSlot>> slots();

  std::array<std::atomic<std::uint64_t>, 5> refusals{};  // answered; see GpuMemory::refusals

  std::mutex held_mutex;
  std::map<std::string, base::Bytes> held_here;  // by device, in a worker: what its requests and models have stated

  std::mutex allocator_mutex;
  std::shared_ptr<vram::DeviceAllocator> allocator;  // opened at the first use: it may load the CUDA driver
  std::map<vram::DeviceUuid, std::size_t> blocks;    // that live now, by device; under the same mutex

  base::Result<std::shared_ptr<vram::DeviceAllocator>> open_allocator();
  std::optional<vram::LedgerDevice> ledger_device(const vram::DeviceUuid& uuid) const;
  std::optional<vram::DeviceInfo> device_info(const vram::DeviceUuid& uuid) const;
  // "nvml 570.124.06"
  std::string driver_name(const vram::DeviceInfo& device) const;
  // What a worker of this app is known to hold from its start on; 0 when nothing is known.
  base::Bytes held_from_start() const;
  void start_meter();
  // In a worker: tells the front, after memory was taken and before it is given back.
  void tell_held(const std::string& device, base::Bytes more, base::Bytes less);
  // The wanted device if it is here, else the first; empty without one.
  vram::DeviceUuid any_device(const std::optional<vram::DeviceUuid>& wanted) const;
  void block_comes(const vram::DeviceUuid& device);
  void block_goes(const vram::DeviceUuid& device);  // before it is freed
  bool is_simulated() const { return choice.kind == vram::DeviceChoice::Kind::Simulated; }
};

}  // namespace clams
