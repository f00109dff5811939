// One device as admission sees it: readings, each with a copy of everybody's `materialised` words made before it.
#pragma once
#include <array>
#include <memory>
#include <mutex>
#include <optional>

#include "vram/ledger.hpp"
#include "vram/sampler.hpp"

namespace vram {

// A sample and the copy that goes with it. `before` was copied no later than the sample was taken, or is null.
struct Look {
  Reading reading;
  std::shared_ptr<const MaterialisedCopy> before;

  bool known() const noexcept { return reading.state != SampleState::Unknown; }
  Observation observation() const {
    if (!known()) return {};
    return {reading.sample, before.get()};
  }
};

// Thread-safe. Never holds its mutex while it asks the driver.
class DeviceView {
 public:
  DeviceView(DeviceInfo info, std::shared_ptr<Sampler> sampler, std::chrono::nanoseconds sharing, const base::Clock& clock);

  const DeviceInfo& info() const noexcept { return info_; }
  // Registers the device at the first call. Error: why the ledger cannot be used for it.
  base::Result<LedgerDevice> in_ledger(Ledger& ledger);
  // `fresh`: a sample begun after this call. Else one that other decisions of the last few ms used will do.
  Look look(const Ledger& ledger, LedgerDevice device, bool fresh);

 private:
  using Copy = std::shared_ptr<const MaterialisedCopy>;
  Copy newest_shareable(std::chrono::nanoseconds now);
  void remember(Copy copy);
  Copy copy_for(std::chrono::nanoseconds taken_at, bool good);

  DeviceInfo info_;
  std::shared_ptr<Sampler> sampler_;
  std::chrono::nanoseconds sharing_;
  const base::Clock& clock_;
  std::mutex mutex_;
  std::optional<LedgerDevice> position_;
  std::array<Copy, 8> recent_;  // a ring; the newest is recent_[next_ - 1]
  std::size_t next_ = 0;
  Copy last_good_;  // of the last good sample: a stale reading repeats that one
};

}  // namespace vram
