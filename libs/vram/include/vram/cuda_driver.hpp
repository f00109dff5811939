// The CUDA driver library, for processes that use a device themselves. Loading it, and more so a context, changes the process for
// good (fork breaks, a context costs hundreds of MiB): never in a front or supervisor process.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vram/probe.hpp"

namespace vram {

class CudaDriver;

// Bytes on a CUDA device, freed on destruction together with this object's hold on the device's primary context. Move-only. Must
// not outlive `main`.
class CudaAllocation {
 public:
  CudaAllocation() = default;
  CudaAllocation(CudaAllocation&& other) noexcept;
  CudaAllocation& operator=(CudaAllocation&& other) noexcept;
  CudaAllocation(const CudaAllocation&) = delete;
  CudaAllocation& operator=(const CudaAllocation&) = delete;
  ~CudaAllocation() { reset(); }
  Bytes bytes() const noexcept { return bytes_; }
  std::uint64_t address() const noexcept { return address_; }  // device address
  void reset() noexcept;

 private:
  friend class CudaDriver;
  std::shared_ptr<CudaDriver> driver_;
  int ordinal_ = 0;
  std::uint64_t address_ = 0;
  Bytes bytes_;
  bool context_held_ = false;
};

// Thread-safe.
class CudaDriver : public std::enable_shared_from_this<CudaDriver> {
 public:
  // Loads `path`, else libcuda.so.1, and calls cuInit. The library is never unloaded. Error NotFound: no driver here (no library, a
  // stub of the toolkit, no device); Unavailable: the driver is there and fails.
  static Result<std::shared_ptr<CudaDriver>> open(const std::optional<std::string>& path);
  ~CudaDriver();

  // What CUDA shows to this process, in CUDA's order (CUDA_VISIBLE_DEVICES is applied by the driver). Makes no context.
  const std::vector<DeviceInfo>& devices() const noexcept { return devices_; }
  // Creates the device's primary context if this process has none and takes `bytes` (0: the context only). Error
  // InsufficientMemory: not there.
  Result<CudaAllocation> allocate(const DeviceUuid& device, Bytes bytes);
  // cuMemGetInfo within the device's primary context; error Unsupported if this process has none: it is not made for this.
  Result<MemorySample> sample(const DeviceUuid& device);

 private:
  friend class CudaAllocation;
  struct Api;
  CudaDriver() = default;
  Status load(const std::string& path);
  Status enumerate();
  Result<int> ordinal_of(const DeviceUuid& device) const;
  Error error(std::string_view call, std::string_view what, int code) const;
  Status enter(int ordinal);  // retains the primary context and makes it current
  void leave(int ordinal) noexcept;

  std::unique_ptr<Api> api_;
  std::vector<DeviceInfo> devices_;
};

// The driver as a probe, "cuda": only within a process that has a context on the device.
std::shared_ptr<Probe> make_cuda_probe(std::shared_ptr<CudaDriver> driver);

}  // namespace vram
