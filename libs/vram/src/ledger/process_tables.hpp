// What this process knows about a slot for which it accounts; the file shows a copy of the models to others.
#pragma once
#include <array>
#include <bitset>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "ledger/core.hpp"
#include "vram/process_slot.hpp"

namespace vram {

struct ProcessSlot::Tables {
  struct Resident {
    std::string model;
    std::uint32_t device = 0;
    Bytes bytes;
    std::chrono::milliseconds reload_cost{};
    bool idle = false;
    int entry = -1;  // in the file's table; -1: the table was full
  };

  // Taken after the device's lock where both are needed.
  std::mutex mutex;
  std::array<Bytes, layout::kDevices> context{};
  std::bitset<layout::kDevices> context_charged;
  std::vector<Resident> residents;

  Resident* find(std::uint32_t device, std::string_view model) {
    for (Resident& resident : residents) {
      if (resident.device == device && resident.model == model) return &resident;
    }
    return nullptr;
  }
};

}  // namespace vram
