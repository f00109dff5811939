// What this process knows about a slot for which it accounts; the file shows a copy of the models to others.
#pragma once
#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "ledger/core.hpp"
#include "vram/ledger.hpp"
#include "vram/process_slot.hpp"

namespace vram {

// Bytes promised for a model: while it is loaded, or on its way and some lease counts on it.
struct ProcessSlot::Resident {
  std::string model;
  std::uint32_t device = 0;
  Bytes bytes;
  std::chrono::milliseconds reload_cost{};
  bool idle = false;
  int entry = -1;  // in the file's table; -1: the table was full
  bool loaded = true;
  bool was_loaded = false;             // under this name, at any time
  unsigned leases = 0;                 // that count on it
  std::vector<std::string> stood_for;  // models loaded under other names, whose bytes came from here
  bool is_counted_on(std::string_view name) const {
    return leases > 0 && (model == name || std::find(stood_for.begin(), stood_for.end(), name) != stood_for.end());
  }
};

struct ProcessSlot::Tables {
  using Resident = ProcessSlot::Resident;

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
  bool is_counted_on(std::uint32_t device, std::string_view model) const {
    return std::any_of(residents.begin(), residents.end(),
                       [&](const Resident& resident) { return resident.device == device && resident.is_counted_on(model); });
  }
  // What a request finds: its model, or the one that another like it expects.
  Resident* find(std::uint32_t device, const ChargeRequest& request) {
    Resident* found = request.model.empty() ? nullptr : find(device, request.model);
    return found == nullptr && !request.stays_as.empty() ? find(device, request.stays_as) : found;
  }
};

}  // namespace vram
