#include "vram/admission.hpp"

#include <algorithm>

#include "admission/impl.hpp"

namespace vram {

Bytes Headroom::of(Bytes total) const noexcept {
  return share_ < 0 ? std::min(bytes_, total) : std::min(base::scaled(total, share_), total);
}

Bytes Reclaimer::ask_others(const DeviceUuid&, Bytes, std::chrono::milliseconds) { return Bytes(); }

Admission::Admission(AdmissionParts parts) : impl_(std::make_unique<Impl>(std::move(parts))) {}
Admission::~Admission() = default;

AdmissionOutcome Admission::admit(const Requirement& requirement) { return admit(requirement, nullptr); }

AdmissionOutcome Admission::admit(const Requirement& requirement, const std::shared_ptr<ProcessSlot>& slot) {
  AdmissionOutcome outcome = impl_->admit(requirement, slot);
  impl_->count(outcome);
  return outcome;
}

void Admission::report_out_of_memory(const DeviceUuid& device) {
  DeviceView* view = impl_->find(device);
  if (view == nullptr || impl_->parts.ledger == nullptr) return;
  if (const auto position = view->in_ledger(*impl_->parts.ledger))
    impl_->parts.ledger->cool_down(*position, std::chrono::seconds(30));
}

Admission::Room Admission::room(const DeviceUuid& device) {
  Room room;
  DeviceView* view = impl_->find(device);
  if (view == nullptr || impl_->parts.ledger == nullptr) return room;
  const auto position = view->in_ledger(*impl_->parts.ledger);
  if (!position) return room;
  const Look look = view->look(*impl_->parts.ledger, *position, false);
  room.state = look.reading.state;
  room.sample = look.reading.sample;
  room.figures = impl_->parts.ledger->figures(*position, look.observation());
  if (room.figures.total == Bytes()) room.figures.total = view->info().total;
  room.figures.headroom = std::max(room.figures.headroom, impl_->parts.options.headroom.of(room.figures.total));
  room.available = available(room.figures);
  return room;
}

Bytes Admission::request_bytes(const Requirement& requirement, Bytes total) const noexcept {
  return impl_->request_bytes(requirement, total, impl_->parts.options.context);
}

void Admission::set_context(const DeviceUuid& device, Bytes bytes) {
  const std::lock_guard lock(impl_->context_mutex);
  impl_->contexts[device] = bytes;
}

AdmissionCounters Admission::counters() const noexcept {
  const auto& c = impl_->counts;
  return {c[0].load(), c[1].load(), c[2].load(), c[3].load(), c[4].load(), c[5].load(), c[6].load(), c[7].load()};
}

std::vector<DeviceInfo> Admission::devices() {
  std::vector<DeviceInfo> known;
  if (impl_->adopt_devices()) return known;
  for (const auto& view : impl_->views) known.push_back(view->info());
  return known;
}

const std::shared_ptr<Ledger>& Admission::ledger() const noexcept { return impl_->parts.ledger; }

Admission::Impl::Impl(AdmissionParts given)
    : parts(std::move(given)), clock(parts.clock != nullptr ? *parts.clock : base::system_clock()) {}

std::optional<std::string> Admission::Impl::adopt_devices() {
  if (views_known.load(std::memory_order_acquire)) return std::nullopt;
  auto devices = parts.sampler->devices();
  if (!devices) return devices.error().message;
  const std::lock_guard lock(views_mutex);
  if (views_known.load()) return std::nullopt;
  for (const DeviceInfo& device : *devices) {
    views.push_back(std::make_unique<DeviceView>(device, parts.sampler, parts.options.sample_sharing, clock));
  }
  views_known.store(true, std::memory_order_release);
  return std::nullopt;
}

DeviceView* Admission::Impl::find(const DeviceUuid& uuid) {
  if (adopt_devices()) return nullptr;
  for (const auto& view : views) {
    if (view->info().uuid == uuid) return view.get();
  }
  return nullptr;
}

Result<SlotPtr> Admission::Impl::own_slot() {
  const std::lock_guard lock(own_mutex);
  if (own == nullptr) { BASE_TRY_ASSIGN(own, parts.ledger->own_slot()); }
  return own;
}

AdmissionOutcome Admission::Impl::admit(const Requirement& requirement, SlotPtr slot) {
  if (parts.options.mode == AdmissionMode::Off) return Lease();
  if (const auto problem = adopt_devices()) return unknown(nullptr, requirement, nullptr, *problem, true);
  if (views.empty()) return Lease();
  DeviceView* named = requirement.device ? find(*requirement.device) : views.front().get();
  if (named == nullptr) {
    auto outcome = unknown(nullptr, requirement, nullptr, "there is no GPU " + requirement.device->text() + " here");
    if (auto* refusal = std::get_if<Refusal>(&outcome)) refusal->reason = Refusal::Reason::Driver;  // it does not show it
    return outcome;
  }
  if (parts.ledger == nullptr) return unknown(named, requirement, nullptr, parts.ledger_problem);
  if (slot == nullptr) {
    auto mine = own_slot();
    if (!mine) return unknown(named, requirement, nullptr, mine.error().message);
    slot = std::move(mine).value();
  }
  return place(requirement, slot);
}

void Admission::Impl::count(const AdmissionOutcome& outcome) noexcept {
  std::size_t row = 0;
  if (const auto* lease = std::get_if<Lease>(&outcome)) {
    row = static_cast<std::size_t>(lease->pass());
  } else {
    row = 5 + static_cast<std::size_t>(std::get<Refusal>(outcome).kind);
  }
  counts[row].fetch_add(1, std::memory_order_relaxed);
}

}  // namespace vram
