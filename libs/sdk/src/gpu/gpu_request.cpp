#include "gpu_request.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace clams {
namespace {

// Changes of the device's use that small tell nothing.
constexpr std::int64_t kNoise = 16 << 20;

// Memory of the device that a request took through us. Stated as freed before the block goes.
class CountedBlock final : public vram::DeviceBlock {
 public:
  CountedBlock(GpuRequestState& request, base::Bytes bytes, std::unique_ptr<vram::DeviceBlock> block)
      : request_(request), bytes_(bytes), block_(std::move(block)) {}
  CountedBlock(const CountedBlock&) = delete;
  CountedBlock& operator=(const CountedBlock&) = delete;
  ~CountedBlock() override {
    request_.freed(bytes_);
    request_.gpu.block_goes(request_.place);
  }

 private:
  GpuRequestState& request_;
  base::Bytes bytes_;
  std::unique_ptr<vram::DeviceBlock> block_;
};

// Bytes of a model that stays: out of the lease of the request that loaded it, in the slot until it is unloaded.
class LeasedResident final : public vram::ResidentCharge {
 public:
  LeasedResident(GpuRequestState& request, std::string model)
      : request_(&request),
        gpu_(request.gpu),
        slot_(request.lease.slot()),
        uuid_(request.place),
        device_(*request.device),
        model_(std::move(model)),
        began_(base::system_clock().monotonic()) {}
  LeasedResident(const LeasedResident&) = delete;
  LeasedResident& operator=(const LeasedResident&) = delete;
  ~LeasedResident() override {
    if (kept_) slot_->remove_resident(device_, model_);
  }
  void settle(base::Bytes bytes) noexcept override {
    const auto took = base::system_clock().monotonic() - began_;
    request_->lease.keep_resident(model_, bytes, std::chrono::duration_cast<std::chrono::milliseconds>(took));
    bytes_ = bytes;
    stated_ = bytes > base::Bytes() && request_->held.load() >= bytes.count();
    kept_ = true;
    if (bytes == base::Bytes()) request_->note_unmeasured(model_);
    request_ = nullptr;  // the request ends before the model does
  }
  void before_unload() noexcept override {
    if (stated_) slot_->lower_materialised(device_, bytes_);
    if (stated_ && gpu_.meter) gpu_.meter->stated(uuid_, -static_cast<std::int64_t>(bytes_.count()));
    if (!stated_ && gpu_.meter) gpu_.meter->model_goes(uuid_, ::getpid(), slot_->resident(device_, model_).value_or(bytes_));
  }

 private:
  GpuRequestState* request_;
  GpuMemoryState& gpu_;
  std::shared_ptr<vram::ProcessSlot> slot_;
  vram::DeviceUuid uuid_;
  vram::LedgerDevice device_;
  std::string model_;
  std::chrono::nanoseconds began_;
  base::Bytes bytes_;
  bool kept_ = false, stated_ = false;
};

// In a worker, where the front has the charge: what its loader has stated is told back before it goes.
class ToldResident final : public vram::ResidentCharge {
 public:
  explicit ToldResident(GpuRequestState& request) : request_(&request), gpu_(request.gpu), device_(request.assigned_device) {}
  void settle(base::Bytes bytes) noexcept override {
    if (request_->held.load() >= bytes.count()) stated_ = bytes;
    request_ = nullptr;  // the request ends before the model does
  }
  void before_unload() noexcept override {
    if (stated_ > base::Bytes()) gpu_.tell_held(device_, base::Bytes(), stated_);
  }

 private:
  GpuRequestState* request_;
  GpuMemoryState& gpu_;
  std::string device_;
  base::Bytes stated_;
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
  place = lease.device();
  if (admitted && place.empty() && gpu.options.admission.mode == vram::AdmissionMode::Off)
    place = gpu.any_device(requirement.device);
  if (!admitted || place.empty()) return;
  grant.device = place.text();
  grant.source = vram::to_string(requirement.source);
  grant.bytes = lease.granted();
  device = gpu.ledger_device(place);
  start_metering();
}

void GpuRequestState::start_metering() {
  if (!gpu.meter || !device || !lease.slot() || pid() == 0) return;
  const auto info = gpu.device_info(place);
  if (!info) return;
  const base::Bytes context =
      gpu.profiles->context_bytes(gpu.driver_name(*info), info->name).value_or(gpu.options.admission.context);
  const bool states = !lease.slot()->is_worker() || models_are_told;
  metered = gpu.meter->begin({place, *device, lease.slot(), pid(), key ? key->hash() : std::string(), context, states});
}

// Small changes are noise of the device.
WorkerDeviceReport GpuRequestState::kept_by_worker() const {
  const auto before = lease.slot()->resident(*device, gpu.options.app).value_or(base::Bytes());
  const std::int64_t after = static_cast<std::int64_t>(before.count()) + (std::abs(kept.value_or(0)) < kNoise ? 0 : *kept);
  return {.device = place.text(),
          .held_before = before,
          .held_after = base::Bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(0, after))),
          .peak_allocated = std::nullopt,
          .peak_reserved = std::nullopt,
          .materialised = std::nullopt,
          .context = std::nullopt};
}

std::int64_t GpuRequestState::pid() const { return lease.slot()->is_worker() ? lease.slot()->pid() : ::getpid(); }

void GpuRequestState::allocated(base::Bytes bytes) {
  const std::uint64_t now = held.fetch_add(bytes.count()) + bytes.count();
  for (std::uint64_t seen = peak.load(); seen < now && !peak.compare_exchange_weak(seen, now);) {}
  if (device && lease.slot()) lease.slot()->raise_materialised(*device, bytes);
  if (gpu.meter) gpu.meter->stated(place, static_cast<std::int64_t>(bytes.count()));
  if (!assigned_device.empty()) gpu.tell_held(assigned_device, bytes, base::Bytes());
}

void GpuRequestState::freed(base::Bytes bytes) {
  held.fetch_sub(std::min(bytes.count(), held.load()));
  if (device && lease.slot()) lease.slot()->lower_materialised(*device, bytes);
  if (gpu.meter) gpu.meter->stated(place, -static_cast<std::int64_t>(bytes.count()));
  if (!assigned_device.empty()) gpu.tell_held(assigned_device, base::Bytes(), bytes);
}

// One that was charged as cold may have found its model after all, loaded by one that overtook it; one that was charged as warm may
// have had to load it.
vram::RunKind GpuRequestState::kind() const {
  if (loads) return vram::RunKind::Cold;
  // A worker that tells no models may hold those of other parameters.
  if (lease.slot() && lease.slot()->is_worker() && !models_are_told)
    return worker_holds ? vram::RunKind::Warm : vram::RunKind::Cold;
  return lease.warm() || worker_holds || !used_model.empty() ? vram::RunKind::Warm : vram::RunKind::Cold;
}

vram::Measurement GpuRequestState::stated() const {
  vram::Measurement m;
  m.kind = kind();
  m.duration = std::chrono::duration_cast<std::chrono::milliseconds>(base::system_clock().monotonic() - began);
  if (const auto info = gpu.device_info(place)) {
    m.device = info->name;
    m.driver = gpu.driver_name(*info);
  }
  m.instrument = vram::Instrument::Allocator;
  const std::uint64_t own_peak = peak.load();
  if (reported_in_use && *reported_in_use > base::Bytes()) m.in_use = static_cast<std::int64_t>(reported_in_use->count());
  if (reported_visible && *reported_visible > base::Bytes()) m.visible = static_cast<std::int64_t>(reported_visible->count());
  if (!m.visible && own_peak > 0) m.visible = static_cast<std::int64_t>(own_peak);
  return m;
}

vram::Measurement GpuRequestState::measured() {
  vram::Measurement m = stated();
  if (m.in_use || m.visible || !metered) return m;
  const PeakMeter::Found found = metered->found();
  if (found.kind == vram::RunKind::Warm && !loads) m.kind = vram::RunKind::Warm;
  m.instrument = found.instrument;
  m.visible = found.visible;
  m.contended = found.contended;
  kept = found.kept;
  return m;
}

void GpuRequestState::learn_kept() {
  if (!kept || *kept < kNoise || unmeasured_model.empty()) return;
  const base::Bytes bytes(static_cast<std::uint64_t>(*kept));
  lease.settle_resident(unmeasured_model, bytes);
  if (!gpu.profiles) return;
  const auto facts = gpu.profiles->model_facts(unmeasured_model);
  gpu.profiles->record_model(unmeasured_model, bytes, facts ? facts->load_time : std::chrono::milliseconds());
}

// Only a run that was seen to take as much as a load tells that the app loads its model by itself: another may not have needed it.
void GpuRequestState::learn_whether_it_stays(const vram::Measurement& measurement) {
  if (stays_as.empty()) return;
  if (loads || !used_model.empty()) {
    gpu.note_staying(stays_as, true);
    return;
  }
  if (lease.warm() || lease.counts_on().empty() || !measurement.visible || *measurement.visible < 0) return;
  const auto took = base::Bytes(static_cast<std::uint64_t>(*measurement.visible));
  if (took < base::scaled(lease.bytes() + lease.granted(), 0.5) || !gpu.note_staying(stays_as, false)) return;
  gpu.options.log.warning("requests for " + requirement.model +
                          " are charged its whole memory each: what they are said to need once it is loaded counts only for models "
                          "that the app asks for with run.model");
}

GpuRequest::GpuRequest(std::unique_ptr<GpuRequestState> state) : state_(std::move(state)) {}
GpuRequest::~GpuRequest() = default;

base::Result<std::unique_ptr<vram::DeviceBlock>> GpuRequest::allocate(base::Bytes bytes) {
  BASE_TRY_ASSIGN(const auto allocator, state_->gpu.open_allocator());
  BASE_TRY_ASSIGN(auto block, allocator->allocate(state_->place, bytes));
  state_->gpu.block_comes(state_->place);
  note_allocated(bytes);
  return std::unique_ptr<vram::DeviceBlock>(std::make_unique<CountedBlock>(*state_, bytes, std::move(block)));
}

void GpuRequest::note_allocated(base::Bytes bytes) { state_->allocated(bytes); }
void GpuRequest::note_freed(base::Bytes bytes) { state_->freed(bytes); }

void GpuRequest::report_peak(base::Bytes in_use, base::Bytes visible) {
  state_->reported_in_use = std::max(in_use, state_->reported_in_use.value_or(base::Bytes()));
  state_->reported_visible = std::max(visible, state_->reported_visible.value_or(base::Bytes()));
}

base::Result<std::shared_ptr<void>> GpuRequest::model(const std::string& key, std::type_index type, vram::ModelLoader loader,
                                                      std::optional<std::chrono::milliseconds> idle, std::stop_token stop,
                                                      std::exception_ptr* thrown) {
  auto& s = *state_;
  vram::ModelRequest request;
  request.key = key;
  request.type = type;
  request.idle_timeout = idle;
  request.stop = std::move(stop);
  bool ran = false;
  request.loader = [&s, &ran, key, load = std::move(loader)] {
    ran = true;
    // Of further models the run that needs them is measured.
    s.loads = s.loads || s.used_model.empty();
    if (!s.assigned_device.empty()) s.gpu.note_loader(key, s.number);
    return load();
  };
  if (s.device && s.lease.slot()) {
    if (const auto facts = s.gpu.profiles->model_facts(key)) request.estimate = {facts->bytes, facts->load_time};
    // Of the first model; what a second one holds is not part of it.
    if (request.estimate.bytes == base::Bytes() && s.requirement.warm_bytes && s.used_model.empty())
      request.estimate.bytes = s.requirement.bytes - *s.requirement.warm_bytes;
    request.charge = [&s, key](base::Bytes) -> base::Result<std::unique_ptr<vram::ResidentCharge>> {
      return std::unique_ptr<vram::ResidentCharge>(std::make_unique<LeasedResident>(s, key));
    };
  }
  if (!s.assigned_device.empty()) {
    if (s.used_model.empty()) request.estimate.bytes = s.assigned_resident;
    request.charge = [&s](base::Bytes) -> base::Result<std::unique_ptr<vram::ResidentCharge>> {
      return std::unique_ptr<vram::ResidentCharge>(std::make_unique<ToldResident>(s));
    };
  }
  if (!grant_.device.empty()) {
    // Only what was stated through this request: other requests of the process do not disturb it.
    request.held_now = [&s]() -> std::optional<base::Bytes> {
      const std::uint64_t held = s.held.load();
      return held == 0 && s.peak.load() == 0 ? std::nullopt : std::optional(base::Bytes(held));
    };
  }
  auto held = s.gpu.models->acquire(request, thrown);
  if (held && s.used_model.empty()) s.used_model = key;
  s.waited_in_vain = !held && !ran;
  return held;
}

void GpuRequest::finished() {
  auto& s = *state_;
  s.succeeded = true;
  if (!s.admitted || s.lease.device().empty()) return;
  const vram::Measurement measurement = s.measured();
  s.learn_kept();
  s.learn_whether_it_stays(measurement);
  if (!s.key || !s.gpu.profiles) return;
  s.gpu.profiles->record(*s.key, measurement);
  if (!s.used_model.empty()) s.gpu.remember_model(s.key->hash(), s.used_model);
}

std::vector<WorkerDeviceReport> GpuRequest::finished(std::vector<WorkerDeviceReport> reports, bool succeeded) {
  auto& s = *state_;
  if (s.lease.device().empty()) return reports;
  auto report = std::find_if(reports.begin(), reports.end(),
                             [&](const auto& one) { return device_named(s.gpu, one.device) == s.lease.device(); });
  vram::Measurement measurement = s.stated();
  if (report != reports.end() && (report->peak_allocated || report->peak_reserved)) {
    // The peak of a process is never the figure of a request: what it held before comes off.
    const base::Bytes before = report->held_before.value_or(base::Bytes());
    const auto growth = [&](const std::optional<base::Bytes>& highest) {
      return highest ? std::optional(static_cast<std::int64_t>(highest->count()) - static_cast<std::int64_t>(before.count()))
                     : std::nullopt;
    };
    measurement.in_use = growth(report->peak_allocated);
    measurement.visible = growth(report->peak_reserved);
  } else if (s.metered) {
    const PeakMeter::Found found = s.metered->found();
    measurement.instrument = found.instrument;
    measurement.visible = found.visible;
    measurement.contended = found.contended;
    s.kept = found.kept;
    if (s.models_are_told)
      s.learn_kept();
    else if (found.kept && report == reports.end())
      reports.push_back(s.kept_by_worker());
  }
  if (!succeeded) return reports;
  if (s.models_are_told) s.learn_whether_it_stays(measurement);
  if (s.admitted && s.key && s.gpu.profiles) s.gpu.profiles->record(*s.key, measurement);
  return reports;
}

std::optional<WorkerDeviceReport> GpuRequest::report() const {
  if (grant_.device.empty()) return std::nullopt;
  const vram::Measurement m = state_->stated();
  if (!m.in_use && !m.visible) return std::nullopt;  // the front asks the driver then
  const auto bytes = [](const std::optional<std::int64_t>& n) {
    return n ? std::optional(base::Bytes(static_cast<std::uint64_t>(*n))) : std::nullopt;
  };
  return WorkerDeviceReport{.device = grant_.device,
                            .held_before = base::Bytes(),
                            .held_after = std::nullopt,
                            .peak_allocated = bytes(m.in_use),
                            .peak_reserved = bytes(m.visible),
                            .materialised = std::nullopt,
                            .context = std::nullopt};
}

const std::string& GpuRequest::model_name() const noexcept { return state_->requirement.model; }

const std::string& GpuRequest::used_model() const noexcept { return state_->used_model; }

bool GpuRequest::loaded_model() const noexcept { return state_->loads; }

bool GpuRequest::waited_in_vain() const noexcept { return state_->waited_in_vain; }

bool GpuRequest::succeeded() const noexcept { return state_->succeeded; }

std::uint64_t GpuRequest::number() const noexcept { return state_->number; }

void GpuRequest::worker_used(const std::string& model, bool loaded, bool waited_in_vain) {
  state_->used_model = model;
  state_->loads = loaded;
  state_->waited_in_vain = waited_in_vain;
}

std::string GpuRequest::profile() const { return state_->key ? state_->key->hash() : std::string(); }

vram::Refusal GpuRequest::ran_out() {
  auto& s = *state_;
  vram::Refusal refusal;
  refusal.kind = vram::Refusal::Kind::Temporary;
  refusal.reason = vram::Refusal::Reason::Allocation;
  refusal.model = s.requirement.model;
  refusal.source = s.requirement.source;
  refusal.device = s.place;
  refusal.required = refusal.granted = grant_.bytes;
  refusal.retry_after = std::chrono::seconds(2);
  if (s.lease.device().empty()) return refusal;
  const auto info = s.gpu.device_info(s.lease.device());
  // Who waited for a load that ran out of memory ran nothing itself: the one that loaded raises the figure.
  if (s.key && s.gpu.profiles && !s.waited_in_vain) {
    vram::OutOfMemoryEvent event;
    event.kind = s.kind();
    event.granted = event.kind == vram::RunKind::Warm ? s.lease.own() : grant_.bytes;
    event.peak = base::Bytes(s.peak.load());
    // Not so far that it could never run again: with the margin it must still fit, alone on the device.
    const auto& options = s.gpu.options.admission;
    if (info)
      event.limit =
          base::scaled(info->total - options.headroom.of(info->total) - options.context, 1 / options.margin) - base::Bytes(1 << 20);
    event.instrument = vram::Instrument::Allocator;
    if (info) event.device = info->name;
    if (info) event.driver = s.gpu.driver_name(*info);
    refusal.required = std::max(refusal.required, s.gpu.profiles->raise_after_oom(*s.key, event));
  }
  s.gpu.admission->report_out_of_memory(s.lease.device());
  s.pinned.reset();
  s.gpu.models->unload_all_idle(vram::UnloadReason::RoomNeeded);
  const auto room = s.gpu.admission->room(s.lease.device());
  refusal.reserved = room.figures.charges;
  refusal.headroom = room.figures.headroom;
  refusal.total = room.figures.total;
  return refusal;
}

}  // namespace clams
