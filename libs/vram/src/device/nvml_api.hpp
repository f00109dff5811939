// The part of NVML that is used here, in our own declarations: types, versioned structs and a table of functions that is filled
// symbol by symbol. A symbol that the library lacks leaves its entry null: a feature less, not a failure. Entry names carry their
// version, since the plain exported name of a versioned function is its oldest form.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/shared_library.hpp"

namespace vram::nvml {

using Device = struct DeviceStruct*;

enum Return : int {
  kSuccess = 0,
  kUninitialized = 1,
  kInvalidArgument = 2,
  kNotSupported = 3,
  kNoPermission = 4,
  kNotFound = 6,
  kInsufficientSize = 7,
  kDriverNotLoaded = 9,
  kLibraryNotFound = 12,
  kFunctionNotFound = 13,
  kGpuLost = 15,
  kResetRequired = 16,
  kOperatingSystem = 17,
  kVersionMismatch = 18,
  kStructVersion = 25,
  kGpuNotFound = 28,
  kUnknown = 999,
};

struct Memory {  // nvmlMemory_t
  std::uint64_t total, free, used;
};
struct MemoryV2 {  // nvmlMemory_v2_t
  std::uint32_t version;
  std::uint64_t total, reserved, free, used;
};
struct PciInfo {  // nvmlPciInfo_t
  char bus_id_legacy[16];
  std::uint32_t domain, bus, device, pci_device_id, pci_subsystem_id;
  char bus_id[32];
};
inline constexpr std::uint32_t kMemoryV2Version = sizeof(MemoryV2) | (2U << 24);
inline constexpr std::uint64_t kNotAvailable = ~std::uint64_t{0};
static_assert(sizeof(Memory) == 24 && sizeof(MemoryV2) == 40 && sizeof(PciInfo) == 68 && kMemoryV2Version == 0x02000028);
static_assert(offsetof(MemoryV2, total) == 8 && offsetof(MemoryV2, free) == 24 && offsetof(PciInfo, domain) == 16);

// Entries of a process list. Only pid and bytes are read, at the same offsets in all forms; the forms differ in size: 16 bytes
// (v1), 24 (v2 and v3), 32 (v3 of the drivers 535.43 to 535.86).
struct ProcessHead {
  std::uint32_t pid;
  std::uint64_t bytes;
};
static_assert(sizeof(ProcessHead) == 16 && offsetof(ProcessHead, bytes) == 8);

struct Api {
  int (*init_v2)() = nullptr;
  const char* (*error_string)(int) = nullptr;
  int (*driver_version)(char*, unsigned) = nullptr;
  int (*count_v2)(unsigned*) = nullptr;
  int (*by_index_v2)(unsigned, Device*) = nullptr;
  int (*by_uuid)(const char*, Device*) = nullptr;
  int (*name)(Device, char*, unsigned) = nullptr;
  int (*uuid)(Device, char*, unsigned) = nullptr;
  int (*pci_v3)(Device, PciInfo*) = nullptr;
  int (*memory)(Device, Memory*) = nullptr;
  int (*memory_v2)(Device, MemoryV2*) = nullptr;
  int (*mig_mode)(Device, unsigned*, unsigned*) = nullptr;
  int (*mig_count)(Device, unsigned*) = nullptr;
  int (*mig_by_index)(Device, unsigned, Device*) = nullptr;
  // Three kinds of process lists: compute, graphics, MPS; three forms each.
  using ProcessList = int (*)(Device, unsigned*, void*);
  struct ProcessLists {
    ProcessList v3 = nullptr, v2 = nullptr, v1 = nullptr;
  } compute, graphics, mps;
  bool has_confidential_sizes = false;  // nvmlDeviceGetConfComputeMemSizeInfo
  bool has_detail_list = false;         // nvmlDeviceGetRunningProcessDetailList

  static Api load(const base::SharedLibrary& library);
  // What nothing works without.
  bool complete() const noexcept { return init_v2 && count_v2 && by_index_v2 && uuid && (memory || memory_v2); }
  // Bytes per entry that v3 lists have: one driver series added a field and took it back; it can be told by which symbols it has.
  std::size_t v3_entry_size() const noexcept { return compute.v3 && has_confidential_sizes && !has_detail_list ? 32 : 24; }
};

}  // namespace vram::nvml
