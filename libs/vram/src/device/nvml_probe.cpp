#include "vram/nvml_probe.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

#include "base/duration.hpp"
#include "meminfo.hpp"
#include "nvml_error.hpp"
#include "nvml_library.hpp"
#include "vram/visible_devices.hpp"

namespace vram {
namespace {

using nvml::Device;
using nvml::Library;

constexpr const char* kWslLibrary = "/usr/lib/wsl/lib/libnvidia-ml.so.1";
constexpr const char* kUsualLibrary = "libnvidia-ml.so.1";

struct Gpu {
  Device handle = nullptr;
  std::string uuid;
  std::string name;
  std::tuple<unsigned, unsigned, unsigned, unsigned> order;  // PCI domain, bus, device; NVML index
};

struct Found {
  Device handle = nullptr;
  VisibleCandidate candidate;
};

class NvmlProbe final : public Probe {
 public:
  NvmlProbe(std::shared_ptr<Library> library, NvmlOptions options) : library_(std::move(library)), options_(std::move(options)) {}
  std::string_view driver() const noexcept override { return "nvml"; }
  Result<std::vector<DeviceInfo>> devices() override;
  NoDevices why_empty() const override {
    const std::lock_guard lock(mutex_);
    return why_.reason.empty() ? Probe::why_empty() : why_;
  }
  Result<MemorySample> sample(const DeviceUuid& device) override;
  Result<std::vector<ProcessUse>> processes(const DeviceUuid& device) override;

 private:
  Result<std::vector<Gpu>> gpus();
  std::vector<Found> expand(const std::vector<Gpu>& gpus);
  void add_slices(const Gpu& gpu, int position, std::vector<Found>& found);
  void add_named_slices(std::vector<Found>& found);
  Result<std::vector<DeviceInfo>> describe(const std::vector<Found>& found, const std::vector<std::size_t>& chosen);
  Result<Device> handle_of(const DeviceUuid& device);
  Result<nvml::Memory> memory_of(Device handle, const std::string& uuid);
  void warn(const std::string& message) { options_.log.warning(message); }

  const std::shared_ptr<Library> library_;
  const NvmlOptions options_;
  void set_why(NoDevices why) {
    const std::lock_guard lock(mutex_);
    why_ = std::move(why);
  }
  mutable std::mutex mutex_;  // for what follows, never held while the driver is called
  std::map<std::string, Device> handles_;
  NoDevices why_;  // without a reason: there is no GPU
};

// All GPUs that may be opened, in PCI order. One that cannot be opened is left out with a warning, unless none can.
Result<std::vector<Gpu>> NvmlProbe::gpus() {
  const nvml::Api& api = library_->api();
  unsigned count = 0;
  if (const int code = api.count_v2(&count); code != nvml::kSuccess) return library_->error("nvmlDeviceGetCount_v2", "", code);
  std::vector<Gpu> list;
  std::optional<Error> last;
  for (unsigned index = 0; index < count; ++index) {
    Gpu gpu;
    if (const int code = api.by_index_v2(index, &gpu.handle); code != nvml::kSuccess) {
      last = library_->error("nvmlDeviceGetHandleByIndex_v2", "GPU number " + std::to_string(index), code);
      warn(last->message + "; this GPU is left out");
      continue;
    }
    gpu.uuid = library_->text(api.uuid, gpu.handle);
    gpu.name = library_->text(api.name, gpu.handle);
    if (gpu.uuid.empty()) {
      last = Error{ErrorCode::Unavailable, "nvml: GPU number " + std::to_string(index) + " does not tell its UUID"};
      warn(last->message + "; this GPU is left out");
      continue;
    }
    nvml::PciInfo pci{};
    const bool has_pci = api.pci_v3 != nullptr && api.pci_v3(gpu.handle, &pci) == nvml::kSuccess;
    gpu.order = has_pci ? std::tuple{pci.domain, pci.bus, pci.device, index} : std::tuple{0U, 0U, 0U, index};
    list.push_back(std::move(gpu));
  }
  const bool only_slices = !mig_entries(options_.environment).empty();  // then a parent need not be open to us
  if (list.empty() && last && !only_slices) return *last;
  std::sort(list.begin(), list.end(), [](const Gpu& a, const Gpu& b) { return a.order < b.order; });
  return list;
}

void NvmlProbe::add_slices(const Gpu& gpu, int position, std::vector<Found>& found) {
  const nvml::Api& api = library_->api();
  unsigned slots = 0;
  if (api.mig_count == nullptr || api.mig_by_index == nullptr || api.mig_count(gpu.handle, &slots) != nvml::kSuccess) return;
  for (unsigned slot = 0; slot < slots; ++slot) {
    Device slice = nullptr;
    if (api.mig_by_index(gpu.handle, slot, &slice) != nvml::kSuccess) continue;  // an empty slot
    const std::string uuid = library_->text(api.uuid, slice);
    const std::string name = library_->text(api.name, slice);
    if (!uuid.empty()) found.push_back({slice, {uuid, gpu.uuid, position, static_cast<int>(slot), name.empty() ? gpu.name : name}});
  }
}

// Slices that the environment names and that the walk over the GPUs did not show: in a container the GPU itself may be closed to
// us.
void NvmlProbe::add_named_slices(std::vector<Found>& found) {
  const nvml::Api& api = library_->api();
  if (api.by_uuid == nullptr) return;
  for (const std::string& entry : mig_entries(options_.environment)) {
    const bool known =
        std::any_of(found.begin(), found.end(), [&](const Found& one) { return one.candidate.uuid.starts_with(entry); });
    Device slice = nullptr;
    if (known || api.by_uuid(entry.c_str(), &slice) != nvml::kSuccess) continue;
    const std::string name = library_->text(api.name, slice);
    const int position = found.empty() ? 0 : found.back().candidate.gpu + 1;
    found.push_back({slice, {entry, "(unknown)", position, 0, name.empty() ? "MIG device" : name}});
  }
}

// A GPU in MIG mode is replaced by its slices: memory lies in them alone.
std::vector<Found> NvmlProbe::expand(const std::vector<Gpu>& gpus) {
  const nvml::Api& api = library_->api();
  std::vector<Found> found;
  int position = 0;
  for (const Gpu& gpu : gpus) {
    unsigned current = 0, pending = 0;
    const bool mig = api.mig_mode != nullptr && api.mig_mode(gpu.handle, &current, &pending) == nvml::kSuccess && current == 1;
    if (mig)
      add_slices(gpu, position, found);
    else
      found.push_back({gpu.handle, {gpu.uuid, "", position, 0, gpu.name}});
    ++position;
  }
  add_named_slices(found);
  return found;
}

Result<std::vector<DeviceInfo>> NvmlProbe::describe(const std::vector<Found>& found, const std::vector<std::size_t>& chosen) {
  std::vector<DeviceInfo> infos;
  std::optional<Error> lost;
  for (const std::size_t at : chosen) {
    const VisibleCandidate& candidate = found[at].candidate;
    auto memory = memory_of(found[at].handle, candidate.uuid);
    if (!memory) {
      const int code = memory.error().native;
      // A lost or closed GPU is out of the game; any other failure may pass, and a list with a hole would stay for the life of the
      // process.
      if (code != nvml::kGpuLost && code != nvml::kNoPermission && code != nvml::kNotSupported) return std::move(memory).error();
      lost = std::move(memory).error();
      warn(lost->message + "; this GPU is left out");
      continue;
    }
    infos.push_back({DeviceUuid(candidate.uuid), candidate.name, static_cast<int>(infos.size()), Bytes(memory->total),
                     library_->driver_version()});
  }
  if (infos.empty() && lost) return *lost;
  return infos;
}

Result<std::vector<DeviceInfo>> NvmlProbe::devices() {
  if (auto ready = library_->ready(); !ready) {
    if (nvml::means_no_driver(ready.error().native)) {
      set_why({"driver_not_loaded", ready.error().message, ready.error().native});
      return std::vector<DeviceInfo>{};
    }
    return std::move(ready).error();
  }
  BASE_TRY_ASSIGN(const std::vector<Gpu> list, gpus());
  const std::vector<Found> found = expand(list);
  std::vector<VisibleCandidate> candidates;
  std::map<std::string, Device> handles;
  for (const Found& one : found) {
    candidates.push_back(one.candidate);
    handles.emplace(one.candidate.uuid, one.handle);
  }
  const VisibleSelection selection = select_visible(candidates, options_.environment);
  for (const std::string& note : selection.notes) warn(note);
  {
    const std::lock_guard lock(mutex_);
    handles_ = std::move(handles);
  }
  if (selection.chosen.empty() && !found.empty()) {
    set_why({"hidden", "CUDA_VISIBLE_DEVICES or NVIDIA_VISIBLE_DEVICES leaves none of the " + std::to_string(found.size()) +
                           " GPUs of this machine to this program"});
  } else {
    set_why({});
  }
  return describe(found, selection.chosen);
}

Result<Device> NvmlProbe::handle_of(const DeviceUuid& device) {
  BASE_TRY(library_->ready());
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = handles_.find(device.text()); found != handles_.end()) return found->second;
  }
  const nvml::Api& api = library_->api();
  if (api.by_uuid == nullptr) return library_->error("nvmlDeviceGetHandleByUUID", device.text(), nvml::kFunctionNotFound);
  Device handle = nullptr;
  if (const int code = api.by_uuid(device.text().c_str(), &handle); code != nvml::kSuccess) {
    if (code == nvml::kUninitialized) library_->forget();
    return library_->error("nvmlDeviceGetHandleByUUID", device.text(), code);
  }
  const std::lock_guard lock(mutex_);
  return handles_.insert_or_assign(device.text(), handle).first->second;
}

Result<nvml::Memory> NvmlProbe::memory_of(Device handle, const std::string& uuid) {
  auto memory = library_->memory(handle, uuid);
  const bool none_of_its_own = memory ? memory->total == 0 : memory.error().native == nvml::kNotSupported;
  if (!none_of_its_own || uuid.starts_with("MIG-")) return memory;
  auto host = read_meminfo(options_.meminfo_path);
  if (!host) return memory ? Result<nvml::Memory>(std::move(host).error()) : memory;
  return nvml::Memory{host->total.count(), host->available.count(), (host->total - host->available).count()};
}

Result<MemorySample> NvmlProbe::sample(const DeviceUuid& device) {
  BASE_TRY_ASSIGN(const Device handle, handle_of(device));
  const auto asked = base::system_clock().monotonic();
  auto memory = memory_of(handle, device.text());
  if (!memory) {
    // The handle may be what is wrong: the next try looks it up again.
    const std::lock_guard lock(mutex_);
    handles_.erase(device.text());
    return std::move(memory).error();
  }
  const Bytes total(memory->total);
  return MemorySample{total, std::min(Bytes(memory->free), total), asked};
}

Result<std::vector<ProcessUse>> NvmlProbe::processes(const DeviceUuid& device) {
  BASE_TRY_ASSIGN(const Device handle, handle_of(device));
  return library_->processes(handle, device.text());
}

}  // namespace

Result<std::shared_ptr<Probe>> open_nvml_probe(NvmlOptions options) {
  auto library = Library::open(options.environment.nvml_path.value_or(kWslLibrary));
  if (!library && !options.environment.nvml_path) library = Library::open(kUsualLibrary);
  if (!library && library.error().code == ErrorCode::Unsupported) return library.error();
  if (!library) return Error{ErrorCode::NotFound, "no NVIDIA driver: " + library.error().message};
  return std::shared_ptr<Probe>(std::make_shared<NvmlProbe>(std::move(library).value(), std::move(options)));
}

std::shared_ptr<Probe> make_nvml_probe(const nvml::Api& api, NvmlOptions options) {
  return std::make_shared<NvmlProbe>(std::make_shared<Library>(api), std::move(options));
}

}  // namespace vram
