// The table lock of one device (or of the device table): the in-process mutex first, then one byte of the file.
#pragma once
#include <cstdint>
#include <mutex>

#include "ledger/core.hpp"

namespace vram {

// Held while it lives. If the process dies here the kernel drops the byte; everything under the lock is single stores, so nothing
// is half done.
class TableLock {
 public:
  // `byte` = layout::kDeviceLock + device, or layout::kRegistryLock. Error Timeout at options.lock_deadline.
  static base::Result<TableLock> take(LedgerCore& core, std::uint64_t byte);
  TableLock(TableLock&& other) noexcept;
  TableLock(const TableLock&) = delete;
  TableLock& operator=(const TableLock&) = delete;
  TableLock& operator=(TableLock&&) = delete;
  ~TableLock();

  // True when the lock was held so long that others may have given up on it and gone on without (this process was stopped).
  bool outlived_patience() const noexcept;

 private:
  TableLock(LedgerCore& core, std::uint64_t byte, std::unique_lock<std::mutex> mutex);
  LedgerCore* core_;
  std::uint64_t byte_;
  std::unique_lock<std::mutex> mutex_;
  std::chrono::steady_clock::time_point taken_at_;
};

}  // namespace vram
