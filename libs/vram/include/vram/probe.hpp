// What reads a device's memory: the seam between drivers (NVML, CUDA driver, amdgpu sysfs, simulated) and everything that decides.
#pragma once
#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vram {

using base::Bytes;
using base::Error;
using base::ErrorCode;
using base::Result;
using base::Status;

// A device is one GPU or one MIG slice and is known by its UUID ("GPU-8-4-4-4-12", "MIG-…", "SIM-…", "AMD-<pci>"). An index exists
// only at the edges (flags, JSON): PCI order, counted over the devices that this process may see.
class DeviceUuid {
 public:
  static constexpr std::size_t kMaxLength = 79;  // fits NVML's 80-byte buffer and the ledger's field
  DeviceUuid() = default;
  explicit DeviceUuid(std::string text) : text_(std::move(text)) {}
  const std::string& text() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }
  friend auto operator<=>(const DeviceUuid&, const DeviceUuid&) = default;

 private:
  std::string text_;
};

struct DeviceInfo {
  DeviceUuid uuid;
  std::string name;  // "NVIDIA H200", "Simulated GPU"
  int index = 0;
  Bytes total;
  std::string driver_version = {};  // "570.124.06"; empty where the driver does not say
};

// One reading of a device. `free` counts every process of the host. `taken_at` is CLOCK_MONOTONIC just before the driver was asked:
// whatever happened before that moment is in the figure, what happened later may be.
struct MemorySample {
  Bytes total;
  Bytes free;
  std::chrono::nanoseconds taken_at{};
};

// Bytes of one process as the driver lists them: a hint for display and for filling `materialised`, never the ledger.
struct ProcessUse {
  std::int64_t pid = 0;
  Bytes bytes;
  bool known = false;  // the driver may say "not available"
};

// Why there are no devices, for status pages and programs: a word that does not change, and a sentence.
struct NoDevices {
  std::string reason;   // "no_gpu", "disabled", "hidden", "driver_not_loaded", "driver_error", "driver_silent"
  std::string message;  // names the driver's call and its code, where a call failed
  int code = 0;         // of the driver's call; 0: none failed
};

// Implementations are thread-safe. Every call may block for as long as the driver does: only DeviceMonitor calls them, on a thread
// that can be abandoned, never under a lock and never on the request path without a deadline.
class Probe {
 public:
  virtual ~Probe() = default;
  virtual std::string_view driver() const noexcept = 0;  // "nvml", "cuda", "amdgpu", "sim"
  // Devices this process may see, in index order. Empty: no driver, or a driver without devices. Error: there is a driver and it
  // cannot be read.
  virtual Result<std::vector<DeviceInfo>> devices() = 0;
  // Why the last devices() was empty. Never blocks.
  virtual NoDevices why_empty() const { return {"no_gpu", "no GPU was found: apps run on the CPU, and nothing is refused"}; }
  virtual Result<MemorySample> sample(const DeviceUuid& device) = 0;
  // Expensive and exclusive in the driver (milliseconds): at most once in 2 s, never on the request path.
  virtual Result<std::vector<ProcessUse>> processes(const DeviceUuid& device) = 0;
};

}  // namespace vram
