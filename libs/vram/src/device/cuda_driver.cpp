#include "vram/cuda_driver.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/duration.hpp"
#include "base/shared_library.hpp"

namespace vram {
namespace {

enum CudaCode : int {
  kSuccess = 0,
  kOutOfMemory = 2,
  kNotInitialized = 3,
  kStubLibrary = 34,
  kNoDevice = 100,
  kSystemDriverMismatch = 803
};

using CudaUuid = std::array<unsigned char, 16>;

std::string uuid_text(const CudaUuid& bytes, std::string_view prefix) {
  std::string text(prefix);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (at == 4 || at == 6 || at == 8 || at == 10) text += '-';
    std::array<char, 3> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", static_cast<unsigned>(bytes[at]));
    text += hex.data();
  }
  return text;
}

class CudaProbe final : public Probe {
 public:
  explicit CudaProbe(std::shared_ptr<CudaDriver> driver) : driver_(std::move(driver)) {}
  std::string_view driver() const noexcept override { return "cuda"; }
  Result<std::vector<DeviceInfo>> devices() override { return driver_->devices(); }
  Result<MemorySample> sample(const DeviceUuid& device) override { return driver_->sample(device); }
  Result<std::vector<ProcessUse>> processes(const DeviceUuid&) override {
    return Error{ErrorCode::Unsupported, "the CUDA driver does not list processes; ask NVML"};
  }

 private:
  std::shared_ptr<CudaDriver> driver_;
};

}  // namespace

struct CudaDriver::Api {
  int (*init)(unsigned) = nullptr;
  int (*driver_version)(int*) = nullptr;
  int (*count)(int*) = nullptr;
  int (*device)(int*, int) = nullptr;
  int (*uuid)(CudaUuid*, int) = nullptr;     // of the GPU, also for a slice
  int (*uuid_v2)(CudaUuid*, int) = nullptr;  // of the slice
  int (*name)(char*, int, int) = nullptr;
  int (*total)(std::size_t*, int) = nullptr;
  int (*context_state)(int, unsigned*, int*) = nullptr;
  int (*retain)(void**, int) = nullptr;
  int (*release)(int) = nullptr;
  int (*set_current)(void*) = nullptr;
  int (*memory_info)(std::size_t*, std::size_t*) = nullptr;
  int (*allocate)(std::uint64_t*, std::size_t) = nullptr;
  int (*free)(std::uint64_t) = nullptr;
  int (*error_string)(int, const char**) = nullptr;

  explicit Api(const base::SharedLibrary& library) {
    const auto fill = [&library](auto& entry, const char* symbol) {
      entry = reinterpret_cast<std::remove_reference_t<decltype(entry)>>(library.symbol(symbol));
    };
    fill(init, "cuInit");
    fill(driver_version, "cuDriverGetVersion");
    fill(count, "cuDeviceGetCount");
    fill(device, "cuDeviceGet");
    fill(uuid, "cuDeviceGetUuid");
    fill(uuid_v2, "cuDeviceGetUuid_v2");
    fill(name, "cuDeviceGetName");
    fill(total, "cuDeviceTotalMem_v2");
    fill(context_state, "cuDevicePrimaryCtxGetState");
    fill(retain, "cuDevicePrimaryCtxRetain");
    fill(release, "cuDevicePrimaryCtxRelease_v2");
    fill(set_current, "cuCtxSetCurrent");
    fill(memory_info, "cuMemGetInfo_v2");
    fill(allocate, "cuMemAlloc_v2");
    fill(free, "cuMemFree_v2");
    fill(error_string, "cuGetErrorString");
  }
  bool complete() const {
    return init && count && device && (uuid || uuid_v2) && total && context_state && retain && release && set_current &&
           memory_info && allocate && free;
  }
};

CudaDriver::~CudaDriver() = default;

Error CudaDriver::error(std::string_view call, std::string_view what, int code) const {
  const char* text = nullptr;
  if (api_->error_string != nullptr && api_->error_string(code, &text) != kSuccess) text = nullptr;
  int version = 0;
  if (api_->driver_version != nullptr) (void)api_->driver_version(&version);
  std::string message = "cuda (driver for CUDA " + std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10) +
                        "): " + std::string(call);
  if (!what.empty()) message += " on " + std::string(what);
  message += " failed with code " + std::to_string(code);
  if (text != nullptr) message += " (" + std::string(text) + ")";
  switch (code) {
    case kOutOfMemory: return {ErrorCode::InsufficientMemory, std::move(message), code};
    case kStubLibrary:
      return {ErrorCode::NotFound, std::move(message) + "; this is the toolkit's stub library, install the driver", code};
    case kNoDevice: return {ErrorCode::NotFound, std::move(message), code};
    case kSystemDriverMismatch:
      return {ErrorCode::Unavailable, std::move(message) + "; reboot, or reload the nvidia kernel modules", code};
    default: return {ErrorCode::Unavailable, std::move(message), code};
  }
}

Status CudaDriver::load(const std::string& path) {
  auto library = base::SharedLibrary::open(path);
  if (!library) return Error{ErrorCode::NotFound, "no CUDA driver: " + library.error().message};
  library->leak();
  api_ = std::make_unique<Api>(*library);
  if (!api_->complete())
    return Error{ErrorCode::NotFound, "'" + path + "' is no CUDA driver: it lacks functions that every driver has"};
  if (const int code = api_->init(0); code != kSuccess) return error("cuInit", "", code);
  return {};
}

Status CudaDriver::enumerate() {
  int count = 0;
  if (const int code = api_->count(&count); code != kSuccess) return error("cuDeviceGetCount", "", code);
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    int device = 0;
    if (const int code = api_->device(&device, ordinal); code != kSuccess)
      return error("cuDeviceGet", std::to_string(ordinal), code);
    CudaUuid own{}, gpu{};
    const bool has_own = api_->uuid_v2 != nullptr && api_->uuid_v2(&own, device) == kSuccess;
    const bool has_gpu = api_->uuid != nullptr && api_->uuid(&gpu, device) == kSuccess;
    if (!has_own && !has_gpu) return error("cuDeviceGetUuid", std::to_string(ordinal), kNotInitialized);
    const bool slice = has_own && has_gpu && own != gpu;
    std::array<char, 128> name{};
    if (api_->name != nullptr) (void)api_->name(name.data(), static_cast<int>(name.size()) - 1, device);
    std::size_t total = 0;
    if (const int code = api_->total(&total, device); code != kSuccess)
      return error("cuDeviceTotalMem_v2", std::to_string(ordinal), code);
    devices_.push_back(
        {DeviceUuid(uuid_text(has_own ? own : gpu, slice ? "MIG-" : "GPU-")), name.data(), ordinal, Bytes(total), ""});
  }
  return {};
}

Result<std::shared_ptr<CudaDriver>> CudaDriver::open(const std::optional<std::string>& path) {
  std::shared_ptr<CudaDriver> driver(new CudaDriver);
  BASE_TRY(driver->load(path.value_or("libcuda.so.1")));
  BASE_TRY(driver->enumerate());
  return driver;
}

Result<int> CudaDriver::ordinal_of(const DeviceUuid& device) const {
  for (const DeviceInfo& info : devices_) {
    // Before CUDA 11.4 a slice only told its GPU's UUID: a single visible device is then the one that is meant.
    if (info.uuid == device) return info.index;
  }
  if (device.text().starts_with("MIG-") && devices_.size() == 1 && api_->uuid_v2 == nullptr) return devices_.front().index;
  return Error{ErrorCode::NotFound, "'" + device.text() + "' is not one of the " + std::to_string(devices_.size()) +
                                        " devices that CUDA shows to this process"};
}

Status CudaDriver::enter(int ordinal) {
  int device = 0;
  void* context = nullptr;
  if (const int code = api_->device(&device, ordinal); code != kSuccess) return error("cuDeviceGet", std::to_string(ordinal), code);
  if (const int code = api_->retain(&context, device); code != kSuccess)
    return error("cuDevicePrimaryCtxRetain", devices_[static_cast<std::size_t>(ordinal)].uuid.text(), code);
  if (const int code = api_->set_current(context); code != kSuccess) {
    leave(ordinal);
    return error("cuCtxSetCurrent", std::to_string(ordinal), code);
  }
  return {};
}

void CudaDriver::leave(int ordinal) noexcept {
  int device = 0;
  if (api_->device(&device, ordinal) == kSuccess) (void)api_->release(device);
}

Result<CudaAllocation> CudaDriver::allocate(const DeviceUuid& device, Bytes bytes) {
  BASE_TRY_ASSIGN(const int ordinal, ordinal_of(device));
  BASE_TRY(enter(ordinal));
  CudaAllocation allocation;
  allocation.driver_ = shared_from_this();
  allocation.ordinal_ = ordinal;
  allocation.context_held_ = true;
  if (bytes == Bytes()) return allocation;
  if (const int code = api_->allocate(&allocation.address_, bytes.count()); code != kSuccess) {
    return error("cuMemAlloc of " + base::to_string(bytes), device.text(), code);
  }
  allocation.bytes_ = bytes;
  return allocation;
}

Result<MemorySample> CudaDriver::sample(const DeviceUuid& device) {
  BASE_TRY_ASSIGN(const int ordinal, ordinal_of(device));
  int handle = 0, active = 0;
  unsigned flags = 0;
  if (const int code = api_->device(&handle, ordinal); code != kSuccess) return error("cuDeviceGet", device.text(), code);
  if (const int code = api_->context_state(handle, &flags, &active); code != kSuccess)
    return error("cuDevicePrimaryCtxGetState", device.text(), code);
  if (active == 0)
    return Error{ErrorCode::Unsupported,
                 "this process has no CUDA context on " + device.text() + ", and none is made to read its memory; ask NVML"};
  BASE_TRY(enter(ordinal));
  const auto asked = base::system_clock().monotonic();
  std::size_t free = 0, total = 0;
  const int code = api_->memory_info(&free, &total);
  leave(ordinal);
  if (code != kSuccess) return error("cuMemGetInfo", device.text(), code);
  return MemorySample{Bytes(total), Bytes(free), asked};
}

CudaAllocation::CudaAllocation(CudaAllocation&& other) noexcept
    : driver_(std::move(other.driver_)),
      ordinal_(other.ordinal_),
      address_(std::exchange(other.address_, 0)),
      bytes_(std::exchange(other.bytes_, Bytes())),
      context_held_(std::exchange(other.context_held_, false)) {}

CudaAllocation& CudaAllocation::operator=(CudaAllocation&& other) noexcept {
  if (this != &other) {
    reset();
    driver_ = std::move(other.driver_);
    ordinal_ = other.ordinal_;
    address_ = std::exchange(other.address_, 0);
    bytes_ = std::exchange(other.bytes_, Bytes());
    context_held_ = std::exchange(other.context_held_, false);
  }
  return *this;
}

void CudaAllocation::reset() noexcept {
  if (driver_ && context_held_) {
    // The thread that frees need not be the one that allocated: the context has to be current in it.
    if (address_ != 0 && driver_->enter(ordinal_)) {
      (void)driver_->api_->free(address_);
      driver_->leave(ordinal_);
    }
    driver_->leave(ordinal_);
  }
  driver_.reset();
  address_ = 0;
  bytes_ = Bytes();
  context_held_ = false;
}

std::shared_ptr<Probe> make_cuda_probe(std::shared_ptr<CudaDriver> driver) {
  return std::make_shared<CudaProbe>(std::move(driver));
}

}  // namespace vram
