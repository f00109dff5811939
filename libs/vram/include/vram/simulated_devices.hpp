// Devices without a GPU at hand: for laptops, tests and demonstrations. Their state lies in one file of the ledger directory and is
// shared by all processes; memory of a killed process comes back; allocation beyond capacity fails as on a card.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vram/probe.hpp"

namespace vram {

class UsageTable;

// What can be made to go wrong on a simulated device.
enum class SimulatedFault : std::uint32_t {
  None = 0,
  Sample = 1,    // reading its memory fails, as an unknown error of the driver
  Lost = 2,      // the device fell off the bus: reading and allocating fail
  Allocate = 3,  // allocations fail with out of memory, whatever is free
};
// "none", "sample", "lost", "allocate". Error InvalidArgument that lists them.
Result<SimulatedFault> parse_simulated_fault(std::string_view name);
std::string_view name_of(SimulatedFault fault) noexcept;

// Bytes held on a simulated device, given back on destruction or when the process ends. Move-only. Not for use in a forked child.
class SimulatedAllocation {
 public:
  SimulatedAllocation() = default;
  SimulatedAllocation(SimulatedAllocation&& other) noexcept;
  SimulatedAllocation& operator=(SimulatedAllocation&& other) noexcept;
  SimulatedAllocation(const SimulatedAllocation&) = delete;
  SimulatedAllocation& operator=(const SimulatedAllocation&) = delete;
  ~SimulatedAllocation() { reset(); }

  Bytes bytes() const noexcept { return bytes_; }
  void reset() noexcept;
  // False once free_taken() of some process has taken the bytes away (only those of take()).
  bool still_held() const noexcept;

 private:
  friend class SimulatedDevices;
  SimulatedAllocation(std::shared_ptr<UsageTable> table, std::size_t device, Bytes bytes);
  std::shared_ptr<UsageTable> table_;
  std::size_t device_ = 0;
  Bytes bytes_;
};

struct SimulatedDeviceState {
  DeviceInfo info;
  Bytes used;
  std::vector<ProcessUse> processes;
  SimulatedFault fault = SimulatedFault::None;
  std::chrono::nanoseconds hang_left{};    // 0: does not hang
  std::chrono::nanoseconds release_lag{};  // freed bytes and those of ended processes show as used for so long
};

// Thread-safe.
class SimulatedDevices {
 public:
  // One device per size, in index order; UUIDs "SIM-<index>-<bytes>". The file is <directory>/sim-devices; the directory must
  // exist. All processes must name the same sizes: error Configuration that names both lists otherwise (a list that nobody uses any
  // more is replaced).
  static Result<std::shared_ptr<SimulatedDevices>> open(const std::string& directory, const std::vector<Bytes>& sizes);

  const std::vector<DeviceInfo>& devices() const noexcept { return infos_; }

  // As a driver: blocks while the device hangs, fails as its fault says.
  Result<MemorySample> sample(const DeviceUuid& device) const;
  Result<std::vector<ProcessUse>> processes(const DeviceUuid& device) const;
  // Error InsufficientMemory when the bytes are not free.
  Result<SimulatedAllocation> allocate(const DeviceUuid& device, Bytes bytes);

  // Steering from outside; none of these blocks on a hang. NotFound for a device that is none of these.
  // As another process on the card: held until the allocation is dropped, this process ends, or any process calls free_taken().
  // All allocations of this object count as taken then: use an object of its own.
  Result<SimulatedAllocation> take(const DeviceUuid& device, Bytes bytes);
  Status free_taken(const DeviceUuid& device);
  // `lasts` empty: until set again.
  Status set_fault(const DeviceUuid& device, SimulatedFault fault, std::optional<std::chrono::nanoseconds> lasts = std::nullopt);
  Status set_hang(const DeviceUuid& device, std::chrono::nanoseconds lasts);
  Status set_release_lag(const DeviceUuid& device, std::chrono::nanoseconds lag);
  // No fault, no hang, no lag, nothing taken.
  Status clear(const DeviceUuid& device);
  std::vector<SimulatedDeviceState> snapshot() const;

 private:
  SimulatedDevices(std::shared_ptr<UsageTable> table, std::vector<DeviceInfo> infos);
  Result<std::size_t> position(const DeviceUuid& device) const;
  SimulatedFault fault_of(std::size_t device) const;
  void wait_while_hanging(std::size_t device) const;
  Result<SimulatedAllocation> book(std::size_t device, Bytes bytes, bool stranger);

  std::shared_ptr<UsageTable> table_;
  std::vector<DeviceInfo> infos_;
};

// The devices as a probe, driver "sim".
std::shared_ptr<Probe> make_simulated_probe(std::shared_ptr<SimulatedDevices> devices);

}  // namespace vram
