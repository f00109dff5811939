// Bytes of the usage file. Raise kUsageVersion when anything here changes.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include "usage_table.hpp"

namespace vram {

inline constexpr std::uint64_t kUsageMagic = 0x65677361'7573'0a76;
inline constexpr std::uint32_t kUsageVersion = 1;
inline constexpr std::size_t kUuidBytes = 80;

struct UsageDevice {
  char uuid[kUuidBytes];
  std::atomic<std::uint64_t> total;
  std::atomic<std::int64_t> hang_until;
  std::atomic<std::int64_t> fault_until;
  std::atomic<std::int64_t> release_lag;
  std::atomic<std::uint32_t> fault;
  std::uint32_t unused;
  std::uint64_t unused2;
};

struct UsageShare {
  std::atomic<std::uint64_t> used;
  std::atomic<std::uint64_t> releasing;  // freed, but shown as used until released_at
  std::atomic<std::int64_t> released_at;
};

struct UsageHolder {
  std::atomic<std::int64_t> pid;  // 0: free
  std::atomic<std::int64_t> dead_since;
  std::atomic<std::uint32_t> stranger;
  std::uint32_t unused;
  std::uint64_t unused2;
  std::array<UsageShare, UsageTable::kMaxDevices> shares;
};

struct UsageLayout {
  std::uint64_t magic;
  std::uint32_t version;
  std::atomic<std::uint32_t> device_count;
  char boot_id[48];
  std::array<UsageDevice, UsageTable::kMaxDevices> devices;
  std::array<UsageHolder, UsageTable::kMaxHolders> holders;
};

static_assert(sizeof(UsageDevice) == 128 && sizeof(UsageShare) == 24 && sizeof(UsageHolder) == 800, "raise kUsageVersion");
static_assert(sizeof(UsageLayout) == 64 + 128 * UsageTable::kMaxDevices + 800 * UsageTable::kMaxHolders, "raise kUsageVersion");
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);

// Locked bytes lie behind the data, where nobody reads or writes.
inline constexpr std::int64_t kTableLockByte = std::int64_t{1} << 30;
inline constexpr std::int64_t kUsersByte =
    kTableLockByte + 1;  // shared by every open table: while one is open the device list stands
inline constexpr std::int64_t kTokenByte = kTableLockByte + 1024;

}  // namespace vram
