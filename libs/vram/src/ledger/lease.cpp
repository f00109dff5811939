#include <algorithm>
#include <utility>

#include "base/crash_point.hpp"
#include "ledger/process_tables.hpp"

namespace vram {

Lease::Lease(std::shared_ptr<ProcessSlot> slot, std::uint32_t device, DeviceUuid uuid, Bytes bytes, PassKind pass)
    : slot_(std::move(slot)), device_index_(device), device_(std::move(uuid)), bytes_(bytes), pass_(pass) {}

Lease::Lease(Lease&& other) noexcept
    : slot_(std::exchange(other.slot_, nullptr)),
      device_index_(other.device_index_),
      device_(std::move(other.device_)),
      bytes_(std::exchange(other.bytes_, Bytes())),
      pass_(std::exchange(other.pass_, PassKind::Uncharged)) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    release();
    slot_ = std::exchange(other.slot_, nullptr);
    device_index_ = other.device_index_;
    device_ = std::move(other.device_);
    bytes_ = std::exchange(other.bytes_, Bytes());
    pass_ = std::exchange(other.pass_, PassKind::Uncharged);
  }
  return *this;
}

void Lease::release() noexcept {
  if (slot_ != nullptr) slot_->end_request(device_index_, bytes_, enforced());
  slot_.reset();
  bytes_ = Bytes();
}

void Lease::keep_resident(std::string_view model, Bytes bytes, std::chrono::milliseconds reload_cost) {
  if (slot_ == nullptr || !slot_->usable()) return;
  const Bytes covered = std::min(bytes, bytes_);
  {
    const std::lock_guard lock(slot_->tables_->mutex);
    if (slot_->tables_->find(device_index_, model) != nullptr) return;
    slot_->add_resident_locked(*slot_->tables_, device_index_, model, bytes, reload_cost);
  }
  // `reserved` already holds the covered part: it only changes its owner, from this request to the slot.
  take_from_charge(covered);
  CLAMS_CRASH_POINT("ledger.model.kept");
  if (bytes > covered) slot_->raise_reserved(device_index_, bytes - covered);
}

void Lease::settle_resident(std::string_view model, Bytes bytes) {
  if (slot_ == nullptr || !slot_->usable()) return;
  const auto before = slot_->restate_resident(device_index_, model, bytes);
  if (!before) return;
  if (bytes < *before) {
    bytes_ += *before - bytes;
    slot_->core_->file().cells[device_index_][slot_->slot_].transient.fetch_add((*before - bytes).count());
    return;
  }
  const Bytes more = bytes - *before;
  const Bytes covered = std::min(more, bytes_);
  take_from_charge(covered);
  if (more > covered) slot_->raise_reserved(device_index_, more - covered);
}

void Lease::take_from_charge(Bytes bytes) {
  bytes_ -= bytes;
  layout::Word& transient = slot_->core_->file().cells[device_index_][slot_->slot_].transient;
  std::uint64_t seen = transient.load();
  while (!transient.compare_exchange_weak(seen, seen < bytes.count() ? 0 : seen - bytes.count())) {}
}

}  // namespace vram
