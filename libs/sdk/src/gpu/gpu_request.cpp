#include "gpu_request.hpp"

#include <algorithm>
#include <charconv>

namespace clams {
namespace {

// Memory of the device that a request took through us.
class CountedBlock final : public vram::DeviceBlock {
 public:
  CountedBlock(GpuRequest& request, base::Bytes bytes, std::unique_ptr<vram::DeviceBlock> block) : request_(request), bytes_(bytes), block_(std::move(block)) {}
  ~CountedBlock() override { request_.note_freed(bytes_); }  // stated before the block goes

 private:
  GpuRequest& request_;
  base::Bytes bytes_;
  std::unique_ptr<vram::DeviceBlock> block_;
};

// Bytes of a model that stays: out of the lease of the request that loaded it, in the slot until it is unloaded.
class LeasedResident final : public vram::ResidentCharge {
 public:
  LeasedResident(vram::Lease& lease, std::shared_ptr<vram::ProcessSlot> slot, vram::LedgerDevice device, std::string model)
      : lease_(&lease), slot_(std::move(slot)), device_(device), model_(std::move(model)), began_(base::system_clock().monotonic()) {}
  ~LeasedResident() override {
    if (kept_) slot_->remove_resident(device_, model_);
  }
  void settle(base::Bytes bytes) noexcept override {
    const auto took = base::system_clock().monotonic() - began_;
    lease_->keep_resident(model_, bytes, std::chrono::duration_cast<std::chrono::milliseconds>(took));
    bytes_ = bytes;
    kept_ = true;
    lease_ = nullptr;  // the request ends before the model does
  }
  void before_unload() noexcept override { slot_->lower_materialised(device_, bytes_); }

 private:
  vram::Lease* lease_;
  std::shared_ptr<vram::ProcessSlot> slot_;
  vram::LedgerDevice device_;
  std::string model_;
  std::chrono::nanoseconds began_;
  base::Bytes bytes_;
  bool kept_ = false;
};

}  // namespace

std::optional<vram::DeviceUuid> device_named(const GpuMemoryState& state, const std::string& given) {
  const std::string_view name = std::string_view(given).substr(given.starts_with("cuda:") ? 5 : 0);
  int index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  const auto devices = state.monitor->devices();
  if (error == std::errc() && end == name.data() + name.size() && devices) {
    for (const auto& device : *devices) {
      if (device.index == index) return device.uuid;
    }
  }
  return vram::DeviceUuid(given);
}

void GpuRequestState::begin(GpuGrant& grant) {
  began = base::system_clock().monotonic();
  grant.granted_at = began;
  grant.pass = lease.pass();
  if (!admitted || lease.device().empty()) return;
  grant.device = lease.device().text();
  grant.source = vram::to_string(requirement.source);
  grant.bytes = lease.bytes();
  device = gpu.ledger_device(lease.device());
  was_resident = device && lease.slot() && lease.slot()->resident(*device, requirement.model).has_value();
}

void GpuRequestState::allocated(base::Bytes bytes) {
  const std::uint64_t now = held.fetch_add(bytes.count()) + bytes.count();
  for (std::uint64_t seen = peak.load(); seen < now && !peak.compare_exchange_weak(seen, now);) {}
  if (device && lease.slot()) lease.slot()->raise_materialised(*device, bytes);
}

void GpuRequestState::freed(base::Bytes bytes) {
  held.fetch_sub(std::min(bytes.count(), held.load()));
  if (device && lease.slot()) lease.slot()->lower_materialised(*device, bytes);
}

vram::Measurement GpuRequestState::measured() const {
  vram::Measurement m;
  m.kind = was_resident ? vram::RunKind::Warm : vram::RunKind::Cold;
  m.duration = std::chrono::duration_cast<std::chrono::milliseconds>(base::system_clock().monotonic() - began);
  m.driver = gpu.driver_name();
  if (const auto info = gpu.device_info(lease.device())) m.device = info->name;
  m.instrument = vram::Instrument::Allocator;
  const std::uint64_t own_peak = peak.load();
  if (reported_in_use && *reported_in_use > base::Bytes()) m.in_use = static_cast<std::int64_t>(reported_in_use->count());
  if (reported_visible && *reported_visible > base::Bytes()) m.visible = static_cast<std::int64_t>(reported_visible->count());
  if (!m.visible && own_peak > 0) m.visible = static_cast<std::int64_t>(own_peak);
  return m;
}

GpuRequest::GpuRequest(std::unique_ptr<GpuRequestState> state) : state_(std::move(state)) {}
GpuRequest::~GpuRequest() = default;

base::Result<std::unique_ptr<vram::DeviceBlock>> GpuRequest::allocate(base::Bytes bytes) {
  BASE_TRY_ASSIGN(const auto allocator, state_->gpu.open_allocator());
  BASE_TRY_ASSIGN(auto block, allocator->allocate(state_->lease.device(), bytes));
  note_allocated(bytes);
  return std::unique_ptr<vram::DeviceBlock>(std::make_unique<CountedBlock>(*this, bytes, std::move(block)));
}

void GpuRequest::note_allocated(base::Bytes bytes) { state_->allocated(bytes); }
void GpuRequest::note_freed(base::Bytes bytes) { state_->freed(bytes); }

void GpuRequest::report_peak(base::Bytes in_use, base::Bytes visible) {
  state_->reported_in_use = std::max(in_use, state_->reported_in_use.value_or(base::Bytes()));
  state_->reported_visible = std::max(visible, state_->reported_visible.value_or(base::Bytes()));
}

base::Result<std::shared_ptr<void>> GpuRequest::model(const std::string& key, std::type_index type, vram::ModelLoader loader, std::optional<std::chrono::milliseconds> idle, std::stop_token stop,
                                                      std::exception_ptr* thrown) {
  auto& s = *state_;
  vram::ModelRequest request;
  request.key = key;
  request.type = type;
  request.loader = std::move(loader);
  request.idle_timeout = idle;
  request.stop = std::move(stop);
  if (s.device && s.lease.slot()) {
    if (const auto facts = s.gpu.profiles->model_facts(key)) request.estimate = {facts->bytes, facts->load_time};
    if (request.estimate.bytes == base::Bytes() && s.requirement.warm_bytes) request.estimate.bytes = s.requirement.bytes - *s.requirement.warm_bytes;
    request.charge = [&s, key](base::Bytes) -> base::Result<std::unique_ptr<vram::ResidentCharge>> {
      return std::unique_ptr<vram::ResidentCharge>(std::make_unique<LeasedResident>(s.lease, s.lease.slot(), *s.device, key));
    };
    // Only what was stated through this request: other requests of the process do not disturb it.
    request.held_now = [&s]() -> std::optional<base::Bytes> {
      const std::uint64_t held = s.held.load();
      return held == 0 && s.peak.load() == 0 ? std::nullopt : std::optional(base::Bytes(held));
    };
  }
  return s.gpu.models->acquire(request, thrown);
}

void GpuRequest::finished() {
  auto& s = *state_;
  if (!s.admitted || !s.key || !s.gpu.profiles || s.lease.device().empty()) return;
  s.gpu.profiles->record(*s.key, s.measured());
}

void GpuRequest::finished(const std::vector<WorkerDeviceReport>& reports) {
  for (const auto& report : reports) {
    if (device_named(state_->gpu, report.device) != state_->lease.device()) continue;
    const base::Bytes before = report.held_before.value_or(base::Bytes());
    // The peak of a process is never the figure of a request: what it held before comes off.
    const auto growth = [&](const std::optional<base::Bytes>& highest) { return highest ? std::optional(static_cast<std::int64_t>(highest->count()) - static_cast<std::int64_t>(before.count())) : std::nullopt; };
    if (!state_->admitted || !state_->key || !state_->gpu.profiles) return;
    vram::Measurement measurement = state_->measured();
    measurement.in_use = growth(report.peak_allocated);
    measurement.visible = growth(report.peak_reserved);
    measurement.kind = state_->worker_holds ? vram::RunKind::Warm : vram::RunKind::Cold;
    state_->gpu.profiles->record(*state_->key, measurement);
  }
}

std::string GpuRequest::profile() const { return state_->key ? state_->key->hash() : std::string(); }

vram::Refusal GpuRequest::ran_out() {
  auto& s = *state_;
  vram::Refusal refusal;
  refusal.kind = vram::Refusal::Kind::Temporary;
  refusal.model = s.requirement.model;
  refusal.source = s.requirement.source;
  refusal.device = s.lease.device();
  refusal.required = grant_.bytes;
  refusal.retry_after = std::chrono::seconds(2);
  if (s.lease.device().empty()) return refusal;
  const auto info = s.gpu.device_info(s.lease.device());
  if (s.key && s.gpu.profiles) {
    vram::OutOfMemoryEvent event;
    event.kind = s.was_resident || s.worker_holds ? vram::RunKind::Warm : vram::RunKind::Cold;
    event.granted = grant_.bytes;
    event.peak = base::Bytes(s.peak.load());
    if (info) event.limit = info->total;
    event.instrument = vram::Instrument::Allocator;
    if (info) event.device = info->name;
    event.driver = s.gpu.driver_name();
    refusal.required = std::max(refusal.required, s.gpu.profiles->raise_after_oom(*s.key, event));
  }
  s.gpu.admission->report_out_of_memory(s.lease.device());
  s.pinned.reset();
  s.gpu.models->unload_all_idle(vram::UnloadReason::RoomNeeded);
  const auto room = s.gpu.admission->room(s.lease.device());
  refusal.available = room.available;
  refusal.reserved = room.figures.charges;
  refusal.headroom = room.figures.headroom;
  refusal.total = room.figures.total;
  return refusal;
}

}  // namespace clams
