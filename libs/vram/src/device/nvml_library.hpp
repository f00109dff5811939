// NVML of this process: initialised once, asked for text, memory and process lists.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "nvml_api.hpp"
#include "vram/probe.hpp"

namespace vram::nvml {

// Thread-safe; no lock is held while the driver is called, so that a call that hangs keeps nobody else from trying.
class Library {
 public:
  explicit Library(const Api& api) : api_(api) {}
  // The one of this process for `path`; libraries are loaded once and kept for ever.
  static Result<std::shared_ptr<Library>> open(const std::string& path);

  // Initialises if this process has not done so (a child made by fork has to do it again). Calling it twice at once is harmless:
  // NVML counts.
  Status ready();
  // The driver says that it is not initialised after all.
  void forget() noexcept { initialised_by_.store(0); }

  const Api& api() const noexcept { return api_; }
  std::string driver_version() const;
  Error error(std::string_view call, std::string_view what, int code) const;

  // v2 if the driver has and accepts it, else v1: `free` is the same in both. The error's native code is NVML's.
  Result<Memory> memory(Device device, std::string_view what);
  Result<std::vector<ProcessUse>> processes(Device device, std::string_view what) const;
  std::string text(int (*call)(Device, char*, unsigned), Device device) const;  // empty if it fails

 private:
  const Api api_;
  std::atomic<int> initialised_by_{0};  // pid
  std::atomic<bool> memory_v2_refused_{false};
  mutable std::mutex version_mutex_;
  std::string version_;
};

}  // namespace vram::nvml
