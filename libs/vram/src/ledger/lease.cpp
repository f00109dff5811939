#include <algorithm>
#include <utility>

#include "base/crash_point.hpp"
#include "ledger/process_tables.hpp"

namespace vram {

Lease::Lease(std::shared_ptr<ProcessSlot> slot, std::uint32_t device, DeviceUuid uuid, Terms terms, PassKind pass)
    : slot_(std::move(slot)),
      device_index_(device),
      device_(std::move(uuid)),
      bytes_(terms.bytes),
      granted_(terms.granted),
      own_(terms.bytes),
      warm_(terms.warm),
      counts_on_(std::move(terms.counts_on)),
      pass_(pass) {}

Lease::Lease(Lease&& other) noexcept
    : slot_(std::exchange(other.slot_, nullptr)),
      device_index_(other.device_index_),
      device_(std::move(other.device_)),
      bytes_(std::exchange(other.bytes_, Bytes())),
      granted_(other.granted_),
      own_(other.own_),
      warm_(other.warm_),
      counts_on_(std::move(other.counts_on_)),
      pass_(std::exchange(other.pass_, PassKind::Uncharged)) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    release();
    slot_ = std::exchange(other.slot_, nullptr);
    device_index_ = other.device_index_;
    device_ = std::move(other.device_);
    bytes_ = std::exchange(other.bytes_, Bytes());
    granted_ = other.granted_;
    own_ = other.own_;
    warm_ = other.warm_;
    counts_on_ = std::move(other.counts_on_);
    pass_ = std::exchange(other.pass_, PassKind::Uncharged);
  }
  return *this;
}

void Lease::release() noexcept {
  if (slot_ != nullptr) {
    slot_->end_request(device_index_, bytes_, enforced());
    if (!counts_on_.empty()) slot_->stop_counting(device_index_, counts_on_);
  }
  slot_.reset();
  bytes_ = Bytes();
}

void Lease::keep_resident(std::string_view model, Bytes bytes, std::chrono::milliseconds reload_cost) {
  if (slot_ == nullptr || !slot_->usable()) return;
  Bytes before;
  {
    ProcessSlot::Tables& tables = *slot_->tables_;
    const std::lock_guard lock(tables.mutex);
    auto* own = tables.find(device_index_, model);
    if (own != nullptr && own->loaded) return;
    if (own != nullptr) {
      before = own->bytes;
      if (bytes == Bytes()) bytes = before;
      slot_->write_resident_locked(*own, bytes, reload_cost, true);
    } else {
      // Asked for under another name than it was expected under.
      auto* expected = counts_on_.empty() ? nullptr : tables.find(device_index_, counts_on_);
      if (expected != nullptr && !expected->was_loaded) {
        if (bytes == Bytes()) bytes = expected->bytes;  // until it was measured
        before = std::min(bytes, expected->bytes);
        slot_->write_resident_locked(*expected, expected->bytes - before, expected->reload_cost, false);
        expected->stood_for.emplace_back(model);
      }
      slot_->add_resident_locked(tables, device_index_, model, bytes, reload_cost, true);
    }
  }
  settle(before, bytes);
}

void Lease::settle_resident(std::string_view model, Bytes bytes) {
  if (slot_ == nullptr || !slot_->usable()) return;
  if (const auto before = slot_->restate_resident(device_index_, model, bytes)) settle(*before, bytes);
}

// `reserved` holds what was stated before and this charge: what either covers only changes its owner.
void Lease::settle(Bytes before, Bytes now) {
  if (now < before) {
    bytes_ += before - now;
    slot_->core_->file().cells[device_index_][slot_->slot_].transient.fetch_add((before - now).count());
    return;
  }
  const Bytes more = now - before;
  const Bytes covered = std::min(more, bytes_);
  take_from_charge(covered);
  CLAMS_CRASH_POINT("ledger.model.kept");
  if (more > covered) slot_->raise_reserved(device_index_, more - covered);
}

void Lease::take_from_charge(Bytes bytes) {
  bytes_ -= bytes;
  layout::Word& transient = slot_->core_->file().cells[device_index_][slot_->slot_].transient;
  std::uint64_t seen = transient.load();
  while (!transient.compare_exchange_weak(seen, seen < bytes.count() ? 0 : seen - bytes.count())) {}
}

}  // namespace vram
