// A libcuda.so.1 that is steered by the state file of the fake NVML: what is allocated here lowers the free figure there, in all
// processes, and comes back when it is freed or the process ends.
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "fake_state.hpp"
#include "vram/visible_devices.hpp"

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using base::Bytes;
using vram::testing::FakeDevice;
using vram::testing::FakeDriver;
using vram::testing::FakeState;

enum Code : int {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotInitialized = 3,
  kNoDevice = 100,
  kInvalidDevice = 101,
  kInvalidContext = 201
};

struct Context {
  std::string uuid;
  int retained = 0;
  Bytes bytes;
};

// The driver's memory of this process. It lives as long as the process, as the real one's does.
struct Process {
  std::mutex mutex;
  bool initialised = false;
  std::vector<std::string> devices;  // UUIDs in CUDA's order
  std::map<int, Context> contexts;   // by device
  std::map<std::uint64_t, std::pair<std::string, Bytes>> blocks;
  std::uint64_t next_address = 0x7f0000000000;
};
Process& process() {
  static auto& one = *new Process;
  return one;
}
thread_local Context* current_context = nullptr;

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

// As the driver: CUDA_VISIBLE_DEVICES cuts the list, and of slices a process sees one alone.
std::vector<std::string> visible(const FakeState& state) {
  std::vector<vram::VisibleCandidate> candidates;
  int gpu = -1;
  for (const FakeDevice& device : state.devices) {
    if (device.parent.empty()) ++gpu;
    if (!device.mig) candidates.push_back({device.uuid, device.parent, gpu, 0, device.name});
  }
  vram::DeviceEnvironment environment;
  environment.cuda_visible_devices = variable("CUDA_VISIBLE_DEVICES");
  environment.cuda_device_order = "PCI_BUS_ID";
  std::vector<std::string> uuids;
  for (const std::size_t at : vram::select_visible(candidates, environment).chosen) {
    if (!candidates[at].parent.empty()) return {candidates[at].uuid};
    uuids.push_back(candidates[at].uuid);
  }
  return uuids;
}

template <class Body>
int call(const char* name, const std::string& uuid, Body body) {
  const std::shared_ptr<FakeDriver> driver = FakeDriver::current();
  if (!driver) return kNoDevice;
  if (const int code = driver->enter(name, uuid); code != 0) return code;
  const std::shared_ptr<const FakeState> state = driver->state();
  const std::lock_guard lock(process().mutex);
  if (!process().initialised) return kNotInitialized;
  return body(*driver, *state);
}

std::string uuid_of_device(int device) {
  const std::lock_guard lock(process().mutex);
  const bool known = device >= 0 && static_cast<std::size_t>(device) < process().devices.size();
  return known ? process().devices[static_cast<std::size_t>(device)] : "";
}

template <class Body>
int device_call(const char* name, int device, Body body) {
  const std::string uuid = uuid_of_device(device);
  return call(name, uuid, [&](FakeDriver& driver, const FakeState& state) {
    const FakeDevice* found = state.find(uuid);
    return found == nullptr ? static_cast<int>(kInvalidDevice) : body(driver, state, *found);
  });
}

int put_uuid(const std::string& text, unsigned char* to) {
  std::string digits;
  for (const char letter : std::string_view(text).substr(4)) {
    if (letter != '-') digits += letter;
  }
  if (digits.size() < 32) return kInvalidValue;
  for (std::size_t at = 0; at < 16; ++at) to[at] = static_cast<unsigned char>(std::stoul(digits.substr(at * 2, 2), nullptr, 16));
  return kSuccess;
}

}  // namespace

FAKE_EXPORT int cuInit(unsigned) {
  const std::shared_ptr<FakeDriver> driver = FakeDriver::current();
  if (!driver) return kNoDevice;
  if (const int code = driver->enter("cuInit", ""); code != 0) return code;
  const std::vector<std::string> devices = visible(*driver->state());
  if (devices.empty()) return kNoDevice;
  const std::lock_guard lock(process().mutex);
  process().devices = devices;
  process().initialised = true;
  return kSuccess;
}

FAKE_EXPORT int cuDriverGetVersion(int* version) {
  const std::shared_ptr<FakeDriver> driver = FakeDriver::current();
  *version = driver ? driver->state()->cuda_version : 0;
  return kSuccess;
}

FAKE_EXPORT int cuGetErrorString(int code, const char** text) {
  *text = code == kOutOfMemory ? "out of memory" : code == kNoDevice ? "no CUDA-capable device is detected" : "fake error";
  return kSuccess;
}

FAKE_EXPORT int cuDeviceGetCount(int* count) {
  return call("cuDeviceGetCount", "", [&](FakeDriver&, const FakeState&) {
    *count = static_cast<int>(process().devices.size());
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int cuDeviceGet(int* device, int ordinal) {
  return call("cuDeviceGet", "", [&](FakeDriver&, const FakeState&) {
    if (ordinal < 0 || static_cast<std::size_t>(ordinal) >= process().devices.size()) return static_cast<int>(kInvalidDevice);
    *device = ordinal;
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int cuDeviceGetUuid(unsigned char* to, int device) {
  return device_call("cuDeviceGetUuid", device, [&](FakeDriver&, const FakeState&, const FakeDevice& one) {
    return put_uuid(one.parent.empty() ? one.uuid : one.parent, to);
  });
}

FAKE_EXPORT int cuDeviceGetUuid_v2(unsigned char* to, int device) {
  return device_call("cuDeviceGetUuid_v2", device,
                     [&](FakeDriver&, const FakeState&, const FakeDevice& one) { return put_uuid(one.uuid, to); });
}

FAKE_EXPORT int cuDeviceGetName(char* to, int room, int device) {
  return device_call("cuDeviceGetName", device, [&](FakeDriver&, const FakeState&, const FakeDevice& one) {
    std::memset(to, 0, static_cast<std::size_t>(room));
    std::memcpy(to, one.name.data(), std::min(one.name.size(), static_cast<std::size_t>(room) - 1));
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int cuDeviceTotalMem_v2(std::size_t* bytes, int device) {
  return device_call("cuDeviceTotalMem_v2", device, [&](FakeDriver&, const FakeState&, const FakeDevice& one) {
    *bytes = one.total.count();
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int cuDeviceGetPCIBusId(char* to, int room, int device) {
  return device_call("cuDeviceGetPCIBusId", device, [&](FakeDriver&, const FakeState&, const FakeDevice& one) {
    if (one.pci.size() + 1 > static_cast<std::size_t>(room)) return static_cast<int>(kInvalidValue);
    std::memcpy(to, one.pci.c_str(), one.pci.size() + 1);
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int cuDevicePrimaryCtxGetState(int device, unsigned* flags, int* active) {
  return device_call("cuDevicePrimaryCtxGetState", device, [&](FakeDriver&, const FakeState&, const FakeDevice&) {
    *flags = 0;
    *active = process().contexts[device].retained > 0 ? 1 : 0;
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int cuDevicePrimaryCtxRetain(void** context, int device) {
  return device_call("cuDevicePrimaryCtxRetain", device, [&](FakeDriver& driver, const FakeState&, const FakeDevice& one) {
    Context& own = process().contexts[device];
    if (own.retained == 0) {
      if (!driver.take(one, one.context)) return static_cast<int>(kOutOfMemory);
      own.bytes = one.context;
      own.uuid = one.uuid;
    }
    ++own.retained;
    *context = &own;
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int cuDevicePrimaryCtxRelease_v2(int device) {
  return device_call("cuDevicePrimaryCtxRelease_v2", device, [&](FakeDriver& driver, const FakeState&, const FakeDevice& one) {
    Context& own = process().contexts[device];
    if (own.retained == 0) return static_cast<int>(kInvalidContext);
    if (--own.retained > 0) return static_cast<int>(kSuccess);
    driver.give(one, own.bytes);
    // What was allocated in a context goes with it.
    std::erase_if(process().blocks, [&](const auto& block) {
      if (block.second.first != one.uuid) return false;
      driver.give(one, block.second.second);
      return true;
    });
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int cuCtxSetCurrent(void* context) {
  return call("cuCtxSetCurrent", "", [&](FakeDriver&, const FakeState&) {
    current_context = static_cast<Context*>(context);
    return static_cast<int>(kSuccess);
  });
}

namespace {

template <class Body>
int context_call(const char* name, Body body) {
  std::string uuid;
  {
    const std::lock_guard lock(process().mutex);
    if (current_context != nullptr && current_context->retained > 0) uuid = current_context->uuid;
  }
  return call(name, uuid, [&](FakeDriver& driver, const FakeState& state) {
    const FakeDevice* device = uuid.empty() ? nullptr : state.find(uuid);
    return device == nullptr ? static_cast<int>(kInvalidContext) : body(driver, *device);
  });
}

}  // namespace

FAKE_EXPORT int cuMemGetInfo_v2(std::size_t* free, std::size_t* total) {
  return context_call("cuMemGetInfo_v2", [&](FakeDriver& driver, const FakeDevice& device) {
    *free = driver.free_of(device).count();
    *total = device.total.count();
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int cuMemAlloc_v2(std::uint64_t* address, std::size_t bytes) {
  return context_call("cuMemAlloc_v2", [&](FakeDriver& driver, const FakeDevice& device) {
    if (bytes == 0) return static_cast<int>(kInvalidValue);
    if (!driver.take(device, Bytes(bytes))) return static_cast<int>(kOutOfMemory);
    *address = process().next_address;
    process().next_address += (bytes + 0xfffff) & ~std::uint64_t{0xfffff};
    process().blocks[*address] = {device.uuid, Bytes(bytes)};
    return static_cast<int>(kSuccess);
  });
}

FAKE_EXPORT int cuMemFree_v2(std::uint64_t address) {
  return context_call("cuMemFree_v2", [&](FakeDriver& driver, const FakeDevice& device) {
    const auto found = process().blocks.find(address);
    if (found == process().blocks.end()) return static_cast<int>(kInvalidValue);
    driver.give(device, found->second.second);
    process().blocks.erase(found);
    return static_cast<int>(kSuccess);
  });
}
