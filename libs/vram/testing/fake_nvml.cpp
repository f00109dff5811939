// A libnvidia-ml.so.1 that is steered by a state file: real exported symbols, real struct versions, scripted errors and hangs.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>

#include "device/nvml_api.hpp"
#include "fake_state.hpp"

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using namespace vram::nvml;
using vram::testing::FakeDevice;
using vram::testing::FakeDriver;
using vram::testing::FakeProcess;
using vram::testing::FakeState;

std::atomic<int> initialised_by{0};  // pid: like the real one, it does not survive fork

// Handles are pointers to UUIDs that are kept for ever.
Device handle_of(const std::string& uuid) {
  static std::mutex mutex;
  static auto& handles = *new std::map<std::string, std::string*>;
  const std::lock_guard lock(mutex);
  std::string*& kept = handles[uuid];
  if (kept == nullptr) kept = new std::string(uuid);
  return reinterpret_cast<Device>(kept);
}
const std::string& uuid_of(Device device) { return *reinterpret_cast<std::string*>(device); }

// Begins a call; `body` gets driver, state and device (null without a handle).
template <class Body>
int call(const char* name, Device handle, Body body) {
  const std::shared_ptr<FakeDriver> driver = FakeDriver::current();
  if (!driver) return kDriverNotLoaded;
  if (const int code = driver->enter(name, handle == nullptr ? "" : uuid_of(handle)); code != 0) return code;
  if (initialised_by.load() != ::getpid()) return kUninitialized;
  const std::shared_ptr<const FakeState> state = driver->state();
  const FakeDevice* device = handle == nullptr ? nullptr : state->find(uuid_of(handle));
  if (handle != nullptr && device == nullptr) return kGpuLost;
  return body(*driver, *state, device);
}

int put_text(const std::string& text, char* to, unsigned room) {
  if (text.size() + 1 > room) return kInsufficientSize;
  std::memcpy(to, text.c_str(), text.size() + 1);
  return kSuccess;
}

std::vector<const FakeDevice*> whole_gpus(const FakeState& state) {
  std::vector<const FakeDevice*> list;
  for (const FakeDevice& device : state.devices) {
    if (device.parent.empty()) list.push_back(&device);
  }
  return list;
}

std::vector<const FakeDevice*> slices_of(const FakeState& state, const FakeDevice& gpu) {
  std::vector<const FakeDevice*> list;
  for (const FakeDevice& device : state.devices) {
    if (device.parent == gpu.uuid) list.push_back(&device);
  }
  return list;
}

int put_processes(const std::vector<FakeProcess>& list, std::size_t entry_size, unsigned* count, void* to) {
  const auto needed = static_cast<unsigned>(list.size());
  const bool fits = *count >= needed;
  *count = needed;
  if (!fits) return kInsufficientSize;
  auto* bytes = static_cast<std::byte*>(to);
  for (std::size_t at = 0; at < list.size(); ++at) {
    const ProcessHead head{list[at].pid, list[at].bytes ? list[at].bytes->count() : kNotAvailable};
    std::byte* entry = bytes + at * entry_size;
    std::memset(entry, 0xff, entry_size);  // instance ids: not MIG
    std::memcpy(entry, &head, sizeof head);
  }
  return kSuccess;
}

int list_call(const char* name, Device handle, std::size_t entry_size, unsigned* count, void* to, bool empty) {
  return call(name, handle, [&](FakeDriver& driver, const FakeState&, const FakeDevice* device) {
    if (device == nullptr || count == nullptr) return static_cast<int>(kInvalidArgument);
    return put_processes(empty ? std::vector<FakeProcess>{} : driver.processes_of(*device), entry_size, count, to);
  });
}

#ifdef FAKE_NVML_535
constexpr std::size_t kV3Entry = 32;
#else
constexpr std::size_t kV3Entry = 24;
#endif

}  // namespace

FAKE_EXPORT int nvmlInit_v2() {
  const std::shared_ptr<FakeDriver> driver = FakeDriver::current();
  if (!driver) return kDriverNotLoaded;
  if (const int code = driver->enter("nvmlInit_v2", ""); code != 0) return code;
  initialised_by.store(::getpid());
  return kSuccess;
}

FAKE_EXPORT int nvmlShutdown() {
  return call("nvmlShutdown", nullptr, [](FakeDriver&, const FakeState&, const FakeDevice*) {
    initialised_by.store(0);
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT const char* nvmlErrorString(int code) { return code == kSuccess ? "Success" : "Fake error"; }

FAKE_EXPORT int nvmlSystemGetDriverVersion(char* to, unsigned room) {
  return call("nvmlSystemGetDriverVersion", nullptr,
              [&](FakeDriver&, const FakeState& state, const FakeDevice*) { return put_text(state.driver_version, to, room); });
}

FAKE_EXPORT int nvmlDeviceGetCount_v2(unsigned* count) {
  return call("nvmlDeviceGetCount_v2", nullptr, [&](FakeDriver&, const FakeState& state, const FakeDevice*) {
    *count = static_cast<unsigned>(whole_gpus(state).size());
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device* handle) {
  return call("nvmlDeviceGetHandleByIndex_v2", nullptr, [&](FakeDriver& driver, const FakeState& state, const FakeDevice*) {
    const auto gpus = whole_gpus(state);
    if (index >= gpus.size()) return static_cast<int>(kInvalidArgument);
    *handle = handle_of(gpus[index]->uuid);
    return driver.enter("handle", gpus[index]->uuid);  // so that one GPU alone can refuse to open
  });
}

FAKE_EXPORT int nvmlDeviceGetHandleByUUID(const char* uuid, Device* handle) {
  return call("nvmlDeviceGetHandleByUUID", nullptr, [&](FakeDriver& driver, const FakeState& state, const FakeDevice*) {
    if (state.find(uuid) == nullptr) return static_cast<int>(kNotFound);
    *handle = handle_of(uuid);
    return driver.enter("handle", uuid);
  });
}

FAKE_EXPORT int nvmlDeviceGetName(Device handle, char* to, unsigned room) {
  return call("nvmlDeviceGetName", handle,
              [&](FakeDriver&, const FakeState&, const FakeDevice* device) { return put_text(device->name, to, room); });
}

FAKE_EXPORT int nvmlDeviceGetUUID(Device handle, char* to, unsigned room) {
  return call("nvmlDeviceGetUUID", handle,
              [&](FakeDriver&, const FakeState&, const FakeDevice* device) { return put_text(device->uuid, to, room); });
}

FAKE_EXPORT int nvmlDeviceGetPciInfo_v3(Device handle, PciInfo* pci) {
  return call("nvmlDeviceGetPciInfo_v3", handle, [&](FakeDriver&, const FakeState&, const FakeDevice* device) {
    *pci = PciInfo{};
    (void)std::sscanf(device->pci.c_str(), "%x:%x:%x", &pci->domain, &pci->bus, &pci->device);
    (void)put_text(device->pci, pci->bus_id, sizeof pci->bus_id);
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int nvmlDeviceGetMemoryInfo(Device handle, Memory* memory) {
  return call("nvmlDeviceGetMemoryInfo", handle, [&](FakeDriver& driver, const FakeState&, const FakeDevice* device) {
    const std::uint64_t free = driver.free_of(*device).count();
    *memory = {device->total.count(), free, device->total.count() - free};
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int nvmlDeviceGetMemoryInfo_v2(Device handle, MemoryV2* memory) {
  return call("nvmlDeviceGetMemoryInfo_v2", handle, [&](FakeDriver& driver, const FakeState&, const FakeDevice* device) {
    if (memory->version != kMemoryV2Version) return static_cast<int>(kStructVersion);
    const std::uint64_t free = driver.free_of(*device).count(), reserved = device->reserved.count();
    *memory = {kMemoryV2Version, device->total.count(), reserved, free, device->total.count() - free - reserved};
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int nvmlDeviceGetMigMode(Device handle, unsigned* current, unsigned* pending) {
  return call("nvmlDeviceGetMigMode", handle, [&](FakeDriver&, const FakeState&, const FakeDevice* device) {
    *current = *pending = device->mig ? 1 : 0;
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int nvmlDeviceGetMaxMigDeviceCount(Device handle, unsigned* count) {
  return call("nvmlDeviceGetMaxMigDeviceCount", handle, [&](FakeDriver&, const FakeState&, const FakeDevice* device) {
    *count = device->mig ? 7 : 0;
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(Device handle, unsigned index, Device* slice) {
  return call("nvmlDeviceGetMigDeviceHandleByIndex", handle, [&](FakeDriver&, const FakeState& state, const FakeDevice* device) {
    const auto slices = slices_of(state, *device);
    if (index >= slices.size()) return static_cast<int>(kNotFound);
    *slice = handle_of(slices[index]->uuid);
    return static_cast<int>(kSuccess);
  });
}

// The process lists: what is held through the fake CUDA driver and what the state file adds shows as compute.
#define FAKE_LIST(NAME, ENTRY, EMPTY) \
  FAKE_EXPORT int NAME(Device handle, unsigned* count, void* to) { return list_call(#NAME, handle, ENTRY, count, to, EMPTY); }
FAKE_LIST(nvmlDeviceGetComputeRunningProcesses, 16, false)
FAKE_LIST(nvmlDeviceGetComputeRunningProcesses_v2, 24, false)
FAKE_LIST(nvmlDeviceGetComputeRunningProcesses_v3, kV3Entry, false)
FAKE_LIST(nvmlDeviceGetGraphicsRunningProcesses, 16, true)
FAKE_LIST(nvmlDeviceGetGraphicsRunningProcesses_v2, 24, true)
FAKE_LIST(nvmlDeviceGetGraphicsRunningProcesses_v3, kV3Entry, true)
FAKE_LIST(nvmlDeviceGetMPSComputeRunningProcesses, 16, true)
FAKE_LIST(nvmlDeviceGetMPSComputeRunningProcesses_v2, 24, true)
FAKE_LIST(nvmlDeviceGetMPSComputeRunningProcesses_v3, kV3Entry, true)

// Only their presence is looked at.
FAKE_EXPORT int nvmlDeviceGetConfComputeMemSizeInfo(Device, void*) { return kNotSupported; }
#ifndef FAKE_NVML_535
FAKE_EXPORT int nvmlDeviceGetRunningProcessDetailList(Device, void*) { return kNotSupported; }
#endif
