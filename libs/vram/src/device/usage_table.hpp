// Who holds how many bytes of which pretended device: a shared file in which every process has a line that is alive as long as the
// kernel holds its lock. Simulated devices and the fake drivers of the tests stand on it.
//
// Invariants:
// - A holder's bytes count as long as its token (one locked byte of an open file description) is held, and `release lag` longer.
// - There are no stored totals: use is always summed, so a kill between two stores loses nothing.
// - take() checks and books in one step, under the table lock. give() and used() take no lock at all.
// - A holder line is emptied only under the table lock, by somebody who holds its token.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/fd.hpp"
#include "base/files.hpp"
#include "base/result.hpp"
#include "ledger/fork_guard.hpp"

namespace vram {

struct UsageLayout;  // usage_layout.hpp

class UsageTable {
 public:
  static constexpr std::size_t kMaxDevices = 32;
  static constexpr std::size_t kMaxHolders = 256;

  struct Device {
    std::string uuid;
    base::Bytes total;
    friend bool operator==(const Device&, const Device&) = default;
  };
  struct Holder {
    std::int64_t pid = 0;  // for display: as the holder's own PID namespace sees it
    base::Bytes bytes;
    bool stranger = false;
  };
  // Words that steer a device from outside. Times are CLOCK_MONOTONIC nanoseconds; 0 = not set.
  struct Controls {
    std::uint32_t fault = 0;
    std::int64_t fault_until = 0;
    std::int64_t hang_until = 0;
    std::int64_t release_lag = 0;  // a length
  };

  // Opens or creates the file (0660). A file of another layout is error Configuration.
  static base::Result<std::shared_ptr<UsageTable>> open(const std::string& path);
  ~UsageTable();
  UsageTable(const UsageTable&) = delete;
  UsageTable& operator=(const UsageTable&) = delete;

  // Makes the list of devices `wanted`, or finds that it is. Another list is replaced if no other table is open on the file, else
  // error Configuration that names both lists through `describe`.
  base::Status agree(const std::vector<Device>& wanted, std::string (*describe)(const std::vector<Device>&));
  // Position of the device, added if it is new. Error Configuration when the table is full.
  base::Result<std::size_t> find_or_add(const std::string& uuid, base::Bytes total);
  std::vector<Device> devices() const;

  // Books `bytes` for this table's holder line if use stays within `capacity`: error InsufficientMemory otherwise. A stranger's
  // bytes are also freed by free_strangers().
  base::Status take(std::size_t device, base::Bytes bytes, base::Bytes capacity, bool stranger = false);
  // Gives back, at most what is booked. Nothing happens in a forked child.
  void give(std::size_t device, base::Bytes bytes) noexcept;
  base::Bytes held(std::size_t device) const noexcept;  // by this table's own line
  base::Bytes used(std::size_t device) const;           // by all, those who died within the release lag included
  std::vector<Holder> holders(std::size_t device) const;
  void free_strangers(std::size_t device);

  Controls controls(std::size_t device) const;
  void set_fault(std::size_t device, std::uint32_t fault, std::int64_t until);
  void set_hang(std::size_t device, std::int64_t until);
  void set_release_lag(std::size_t device, std::chrono::nanoseconds lag);

 private:
  class TableLock;
  UsageTable(std::string path, base::Fd fd, base::MappedFile map);
  UsageLayout& layout() const noexcept;
  base::Result<std::size_t> own_line();  // REQUIRES: table lock
  bool alive(std::size_t line) const;
  base::Bytes counted(std::size_t line, std::size_t device, std::int64_t now) const;
  base::Bytes sum(std::size_t device) const;

  const std::string path_;
  const base::Fd fd_;
  const base::MappedFile map_;
  const pid_t pid_;
  const ForkGuard not_in_children_;  // a child would keep its parent's locks alive
  std::mutex mutex_;                 // threads of one description do not exclude each other by its locks
  std::atomic<int> line_{-1};
};

}  // namespace vram
