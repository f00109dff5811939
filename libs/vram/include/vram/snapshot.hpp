// The ledger as people see it.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vram/probe.hpp"

namespace vram {

struct DeviceSample {
  DeviceUuid device;
  MemorySample sample;
};

struct ExpectedReturn {
  std::chrono::nanoseconds at{};  // CLOCK_MONOTONIC; zero: nobody knows
  Bytes bytes;
};

struct ResidentModel {
  std::string app;
  std::string model;
  Bytes bytes;
  bool idle = false;
  std::chrono::milliseconds reload_cost{};
  std::int64_t pid = 0;
  bool coming = false;  // promised, not loaded yet
};

struct DeviceStatus {
  DeviceUuid uuid;
  std::string name;
  Bytes total;
  std::optional<Bytes> free;  // of the sample
  Bytes reserved;             // sum over the living
  Bytes draining;             // still held back for the dead
  Bytes headroom;
  Bytes available;     // what one request could be promised now
  Bytes unattributed;  // used on the device beyond what living slots account for; zero without a sample
  std::uint32_t requests = 0;
  std::uint32_t unenforced = 0;  // of those, let through without enforcement
  bool cooling = false;
  std::vector<ResidentModel> resident;
};

struct ProcessStatus {
  std::int64_t pid = 0;                // in the PID namespace of the process itself
  std::chrono::nanoseconds started{};  // since boot
  std::string app;
  bool worker = false;
  bool draining = false;  // dead; its bytes are on their way back
  DeviceUuid device;
  Bytes reserved;
  Bytes materialised;
  std::vector<std::string> models;
  std::uint32_t requests = 0;
  std::uint32_t unenforced = 0;
};

struct LedgerSnapshot {
  std::vector<DeviceStatus> devices;  // in the order in which they were registered
  std::vector<ProcessStatus>
      processes;  // one entry per slot and device on which it has anything; one with an empty device when nothing
};

}  // namespace vram
