// Steers the fake driver libraries of the tests (docs/design/fake-driver.md): writes the state file, reads the counts of calls.
// Header only.
#pragma once
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/fd.hpp"
#include "base/files.hpp"

namespace vram::testing {

struct FakeGpuDevice {
  std::string uuid = "GPU-11111111-1111-1111-1111-111111111111";
  base::Bytes total{std::uint64_t{24} << 30};
  base::Bytes others{};  // used by processes that do not go through the fake CUDA driver
  base::Bytes reserved{};
  base::Bytes context{};  // what a CUDA context takes
  std::string pci = "0000:01:00.0";
  std::string name = "Fake GPU";
  bool mig = false;
  std::string slice_of = {};  // UUID of the GPU: this one is a MIG slice
};

// What the fake driver pretends. Change it, then write(); running processes see the change at their next call.
class FakeGpu {
 public:
  // `path`: of the state file, the value of FAKE_GPU_STATE.
  explicit FakeGpu(std::string path) : path_(std::move(path)) {}
  const std::string& path() const noexcept { return path_; }

  std::vector<FakeGpuDevice> devices;
  std::string driver_version = "570.124.06";
  int cuda_version = 12080;
  std::chrono::milliseconds release_lag{};  // freed bytes and those of ended processes show as used for so long

  // `call` is a driver function ("nvmlDeviceGetMemoryInfo_v2") or a prefix and '*'. An empty device: all.
  void fail(std::string call, int code, std::string device = {}) {
    add("error " + call + " " + std::to_string(code) + " " + device);
  }
  // Ends when cleared, or after `lasts`.
  void hang(std::string call, std::chrono::milliseconds lasts, std::string device = {}) {
    add("hang " + call + " " + std::to_string(lasts.count()) + " " + device);
  }
  // Does not end when cleared: calls already made are stuck for `lasts`, new ones are not.
  void hang_fixed(std::string call, std::chrono::milliseconds lasts, std::string device = {}) {
    add("hang_fixed " + call + " " + std::to_string(lasts.count()) + " " + device);
  }
  void process(const std::string& device, unsigned pid, base::Bytes bytes) {
    add("process " + device + " " + std::to_string(pid) + " " + std::to_string(bytes.count()));
  }
  void process_of_unknown_size(const std::string& device, unsigned pid) {
    add("process " + device + " " + std::to_string(pid) + " unknown");
  }
  // No errors, hangs and listed processes any more.
  void clear() { rules_.clear(); }

  base::Status write() const { return base::write_file_atomically(path_, text()); }

  // How often `call` was made by all processes so far.
  std::uint64_t calls(std::string_view call) const {
    std::uint64_t sum = 0;
    for (const auto& [name, count] : all_calls()) sum += name == call ? count : 0;
    return sum;
  }
  // Listings of processes of any kind: must stay at zero on the request path.
  std::uint64_t listing_calls() const {
    std::uint64_t sum = 0;
    for (const auto& [name, count] : all_calls()) sum += name.find("RunningProcesses") != std::string::npos ? count : 0;
    return sum;
  }
  std::vector<std::pair<std::string, std::uint64_t>> all_calls() const {
    constexpr std::size_t kRecord = 64, kName = 56;
    std::vector<std::pair<std::string, std::uint64_t>> list;
    const auto bytes = base::read_file(path_ + ".calls");
    for (std::size_t at = 0; bytes && at + kRecord <= bytes->size() && (*bytes)[at] != '\0'; at += kRecord) {
      std::uint64_t count = 0;
      std::memcpy(&count, bytes->data() + at + kName, sizeof count);
      list.emplace_back(bytes->substr(at, kName).c_str(), count);
    }
    return list;
  }

 private:
  void add(std::string line) { rules_ += std::move(line) + "\n"; }
  std::string text() const {
    std::string all = "driver_version " + driver_version + "\ncuda_version " + std::to_string(cuda_version) + "\nrelease_lag_ms " +
                      std::to_string(release_lag.count()) + "\n";
    for (const FakeGpuDevice& device : devices) {
      std::string name = device.name;
      for (char& letter : name) letter = letter == ' ' ? '_' : letter;
      all += (device.slice_of.empty() ? "device " : "slice ") + device.uuid + " total=" + std::to_string(device.total.count()) +
             " others=" + std::to_string(device.others.count()) + " reserved=" + std::to_string(device.reserved.count()) +
             " context=" + std::to_string(device.context.count()) + " pci=" + device.pci + " name=" + name +
             " mig=" + (device.mig ? "1" : "0") + (device.slice_of.empty() ? "" : " of=" + device.slice_of) + "\n";
    }
    return all + rules_;
  }

  const std::string path_;
  std::string rules_;
};

}  // namespace vram::testing
