#include "clams/gpu_memory.hpp"

#include <algorithm>

#include "clams/app.hpp"
#include "gpu_request.hpp"
#include "gpu_state.hpp"
#include "mmif/json.hpp"
#include "vram/container.hpp"

namespace clams {
namespace {

using base::Error;
using base::ErrorCode;
constexpr std::chrono::milliseconds kStartPatience{
    1500};  // for a driver that wakes up; then requests run by the policy for unknown

// Gives back what this process does not need right now.
class OwnReclaimer final : public vram::Reclaimer {
 public:
  OwnReclaimer(vram::ModelCache& models, std::shared_ptr<vram::Ledger> ledger) : models_(models), ledger_(std::move(ledger)) {}
  vram::Bytes give_back_caches(const vram::DeviceUuid&) override { return {}; }
  std::vector<vram::IdleModel> idle_models(const vram::DeviceUuid&) override {
    std::vector<vram::IdleModel> idle;
    const auto slot = ledger_ ? ledger_->own_slot().value_or(nullptr) : nullptr;
    for (const auto& model : models_.models()) {
      // One that a request is on its way to would only be loaded again.
      if (slot != nullptr && slot->is_counted_on(model.key)) continue;
      if (model.state == vram::ModelState::Idle) idle.push_back({model.key, model.bytes, model.load_time});
    }
    return idle;
  }
  vram::Bytes unload(const vram::DeviceUuid&, const vram::IdleModel& model, std::chrono::milliseconds) override {
    return models_.unload(model.model, vram::UnloadReason::RoomNeeded) ? model.bytes : vram::Bytes();
  }

 private:
  vram::ModelCache& models_;
  std::shared_ptr<vram::Ledger> ledger_;
};

}  // namespace

std::optional<vram::DeviceInfo> GpuMemoryState::device_info(const vram::DeviceUuid& uuid) const {
  const auto devices = monitor->devices();
  if (!devices) return std::nullopt;
  const auto at = std::find_if(devices->begin(), devices->end(), [&](const auto& device) { return device.uuid == uuid; });
  return at == devices->end() ? std::nullopt : std::optional(*at);
}

std::optional<vram::LedgerDevice> GpuMemoryState::ledger_device(const vram::DeviceUuid& uuid) const {
  const auto info = device_info(uuid);
  if (!info || !ledger) return std::nullopt;
  const auto device = ledger->register_device(*info);
  return device ? std::optional(*device) : std::nullopt;
}

std::string GpuMemoryState::driver_name(const vram::DeviceInfo& device) const {
  return std::string(monitor->driver()) + (device.driver_version.empty() ? "" : " " + device.driver_version);
}

vram::DeviceUuid GpuMemoryState::any_device(const std::optional<vram::DeviceUuid>& wanted) const {
  const auto devices = monitor->devices();
  if (!devices || devices->empty()) return {};
  return wanted && device_info(*wanted) ? *wanted : devices->front().uuid;
}

void GpuMemoryState::block_comes(const vram::DeviceUuid& device) {
  const std::lock_guard lock(allocator_mutex);
  ++blocks[device];
}

// The allocator holds the context only while it holds a block.
void GpuMemoryState::block_goes(const vram::DeviceUuid& device) {
  const std::lock_guard lock(allocator_mutex);
  if (--blocks[device] == 0 && meter) meter->context_goes(device);
}

void GpuMemoryState::tell_held(const std::string& device, base::Bytes more, base::Bytes less) {
  const std::lock_guard lock(held_mutex);  // while telling too: totals must arrive in their order
  base::Bytes& held = held_here[device];
  held = held + more - less;
  if (options.on_held) options.on_held(device, held);
}

void GpuMemoryState::remember_model(const std::string& profile, const std::string& model) {
  constexpr std::size_t kMostProfiles = 4096;
  const std::lock_guard lock(models_mutex);
  if (model_of_profile.size() >= kMostProfiles) model_of_profile.clear();
  model_of_profile[profile] = model;
}

std::string GpuMemoryState::model_for(const std::string& profile) {
  const std::lock_guard lock(models_mutex);
  const auto known = model_of_profile.find(profile);
  return known == model_of_profile.end() ? std::string() : known->second;
}

bool GpuMemoryState::note_staying(const std::string& model, bool stays) {
  constexpr std::size_t kMostModels = 4096;
  const std::lock_guard lock(models_mutex);
  if (stays) return not_staying.erase(model) > 0;
  return not_staying.size() < kMostModels && not_staying.insert(model).second;
}

bool GpuMemoryState::is_expected_to_stay(const std::string& model) {
  const std::lock_guard lock(models_mutex);
  return !not_staying.contains(model);
}

void GpuMemoryState::note_loader(const std::string& model, std::uint64_t request) {
  constexpr std::size_t kMostModels = 4096;
  const std::lock_guard lock(models_mutex);
  if (loaders.size() >= kMostModels) loaders.clear();
  loaders[model] = request;
}

base::Bytes GpuMemoryState::resident_bytes(const vram::ProcessSlot& slot, std::string_view model) const {
  base::Bytes most;
  const auto devices = monitor->devices();
  if (!devices || model.empty()) return most;
  for (const auto& info : *devices) {
    if (const auto device = ledger_device(info.uuid)) most = std::max(most, slot.resident(*device, model).value_or(base::Bytes()));
  }
  return most;
}

void GpuMemoryState::start_meter() {
  if (ledger == nullptr || is_simulated()) return;
  const auto on_context = [this](const vram::DeviceUuid& uuid, const std::shared_ptr<vram::ProcessSlot>& slot, base::Bytes bytes) {
    const auto info = device_info(uuid);
    const auto device = ledger_device(uuid);
    if (!info || !device) return;
    slot->set_context(*device, bytes);
    admission->set_context(uuid, bytes);
    profiles->record_context(driver_name(*info), info->name, bytes);
  };
  meter = std::make_unique<PeakMeter>(PeakMeterParts{monitor, ledger, on_context});
}

base::Result<std::shared_ptr<vram::DeviceAllocator>> GpuMemoryState::open_allocator() {
  const std::lock_guard lock(allocator_mutex);
  if (!allocator) { BASE_TRY_ASSIGN(allocator, vram::open_allocator(choice, probe_options)); }
  return allocator;
}

base::Result<std::shared_ptr<GpuMemory>> GpuMemory::open(GpuMemoryOptions options) {
  auto state = std::make_unique<GpuMemoryState>();
  auto& s = *state;
  s.options = std::move(options);
  const base::Logger& log = s.options.log;
  const bool off = s.options.admission.mode == vram::AdmissionMode::Off;

  auto choice = vram::choose_devices(s.options.gpu, s.options.devices);
  if (!choice) return Error{ErrorCode::Configuration, "--gpu: " + choice.error().message};
  s.choice = std::move(*choice);
  std::optional<vram::LedgerDirectory> directory;
  const auto need_directory = [&]() -> base::Status {
    if (directory) return {};
    auto chosen = vram::choose_ledger_directory(s.options.directory);
    if (!chosen) return chosen.error();
    directory = std::move(chosen).value();
    // Whoever named the directory knows where it lies.
    const bool is_found = s.options.directory.explicit_directory.empty();
    std::string warning = is_found && s.options.in_container ? vram::container_warning(directory->path) : "";
    if (warning.empty()) warning = directory->warning;
    if (!warning.empty()) log.warning(warning);
    return {};
  };
  const bool is_explicit = !s.options.directory.explicit_directory.empty();
  if ((is_explicit && !off) || s.is_simulated()) BASE_TRY(need_directory());

  s.probe_options.environment = s.options.devices;
  s.probe_options.log = log;
  if (directory) s.probe_options.directory = directory->path;
  auto probe = vram::open_probe(s.choice, s.probe_options);
  if (!probe) return probe.error();
  s.monitor = vram::DeviceMonitor::create(std::move(*probe), {}, log);
  const auto devices = s.monitor->wait_for_devices(kStartPatience);
  if (!devices) log.info("the GPU driver did not tell its devices yet: " + devices.error().message);
  const bool maybe_gpu = !devices || !devices->empty();
  // So that pages have figures from the first moment.
  for (const auto& device : devices ? *devices : std::vector<vram::DeviceInfo>()) (void)s.monitor->sample(device.uuid);

  vram::AdmissionParts parts;
  if (maybe_gpu && !off) {
    base::Status joined = need_directory();
    if (joined) {
      vram::LedgerOptions ledger_options;
      ledger_options.directory = *directory;
      ledger_options.app = s.options.app;
      auto ledger = vram::Ledger::open(std::move(ledger_options));
      if (ledger) {
        s.ledger = std::move(*ledger);
        s.scope = s.ledger->scope();
      } else {
        joined = ledger.error();
      }
    }
    if (!joined) {
      if (joined.error().code == ErrorCode::Configuration) return joined.error();
      parts.ledger_problem = joined.error().message;
      log.error("this process does not take part in the GPU memory ledger: " + parts.ledger_problem);
    }
  }
  if (maybe_gpu) {
    vram::ProfileOptions profile_options;
    profile_options.root = s.options.profile_root;
    profile_options.app = s.options.app;
    profile_options.logger = log;
    s.profiles = std::make_unique<vram::ProfileStore>(std::move(profile_options));
  }
  vram::ModelCacheOptions cache_options;
  cache_options.idle_timeout = s.options.model_idle.count() < 0 ? vram::kNeverUnload : s.options.model_idle;
  const auto changed = [tell = s.options.on_models_changed] {
    if (tell) tell();
  };
  cache_options.on_load = [profiles = s.profiles.get(), log, changed](const vram::ModelLoadReport& report) {
    log.info("model " + report.key + " loaded in " + base::to_string(report.load_time) +
             (report.bytes > base::Bytes() ? ", " + base::to_string(report.bytes) : ""));
    if (profiles != nullptr) profiles->record_model(report.key, report.measured ? report.bytes : base::Bytes(), report.load_time);
    changed();
  };
  cache_options.on_unload = [log, changed](const vram::ModelUnloadReport& report) {
    log.info("model " + report.key + " unloaded (" + std::string(vram::name_of(report.reason)) + ")");
    changed();
  };
  s.models = std::make_unique<vram::ModelCache>(std::move(cache_options));

  if (s.is_simulated()) s.options.admission.context = base::Bytes();
  parts.ledger = s.ledger;
  parts.sampler = vram::make_monitor_sampler(s.monitor);
  parts.options = s.options.admission;
  parts.reclaimer = s.options.reclaimer ? s.options.reclaimer : std::make_shared<OwnReclaimer>(*s.models, s.ledger);
  parts.log = log;
  parts.driver_is_told = true;
  s.admission = std::make_unique<vram::Admission>(std::move(parts));
  if (devices && s.profiles && !s.is_simulated()) {
    for (const auto& device : *devices) {
      if (const auto context = s.profiles->context_bytes(s.driver_name(device), device.name))
        s.admission->set_context(device.uuid, *context);
    }
  }
  s.start_meter();
  return std::shared_ptr<GpuMemory>(new GpuMemory(std::move(state)));
}

GpuMemory::GpuMemory(std::unique_ptr<GpuMemoryState> state) : state_(std::move(state)) {}

GpuMemory::~GpuMemory() {
  // Idle models go while ledger and profiles are still there.
  state_->models.reset();
}

std::uint64_t GpuMemory::loader_of(const std::string& model) const {
  const std::lock_guard lock(state_->models_mutex);
  const auto found = state_->loaders.find(model);
  return found == state_->loaders.end() ? 0 : found->second;
}

bool GpuMemory::has_gpu() const {
  const auto devices = state_->monitor->devices();
  return !devices || !devices->empty();
}

std::variant<std::unique_ptr<GpuRequest>, vram::Refusal> GpuMemory::admit(const App& app, const Parameters& parameters) {
  if (!app.uses_gpu() || !has_gpu()) return admit(GpuNeed(), false, nullptr);
  GpuNeed need;
  need.declared = app.model_requirement(parameters);
  need.parameters = mmif::to_plain_text(parameters.typed());
  return admit(need, true, nullptr);
}

std::variant<std::unique_ptr<GpuRequest>, vram::Refusal> GpuMemory::admit(const GpuNeed& need,
                                                                          const std::shared_ptr<vram::ProcessSlot>& slot) {
  return admit(need, has_gpu(), slot);
}

std::variant<std::unique_ptr<GpuRequest>, vram::Refusal> GpuMemory::admit(const GpuNeed& ask, bool on_gpu,
                                                                          const std::shared_ptr<vram::ProcessSlot>& slot) {
  auto& s = *state_;
  auto request = std::make_unique<GpuRequestState>(s);
  request->number = s.requests.fetch_add(1, std::memory_order_relaxed) + 1;
  vram::Requirement& need = request->requirement;
  if (on_gpu) {
    if (auto key = vram::ProfileKey::from_json(ask.parameters)) request->key = std::move(*key);
    if (request->key) need.profile_key = request->key->hash();
    const auto learned = request->key && s.profiles ? s.profiles->lookup(*request->key) : std::nullopt;
    if (learned) need.expected_duration = learned->warm_duration ? learned->warm_duration : learned->cold_duration;
    if (ask.declared) {
      need.model = ask.declared->name;
      need.source = vram::RequirementSource::Declared;
      need.bytes = ask.declared->bytes;
      need.warm_bytes = ask.declared->increment ? ask.declared->increment : learned ? learned->warm : std::nullopt;
      if (ask.declared->device) need.device = device_named(s, *ask.declared->device);
    } else if (learned && learned->cold) {
      need.source = vram::RequirementSource::Learned;
      need.bytes = *learned->cold;
      need.warm_bytes = learned->warm;
    } else if (s.options.estimate > base::Bytes()) {
      need.source = vram::RequirementSource::Declared;
      need.bytes = s.options.estimate;
    }
    if (!ask.declared) {
      auto holder = slot;
      if (slot == nullptr && s.ledger) holder = s.ledger->own_slot().value_or(nullptr);
      need.model = slot == nullptr && request->key ? s.model_for(request->key->hash()) : ask.model;
      if (learned && learned->warm)
        need.warm_bytes = learned->warm;
      else if (holder != nullptr && need.source != vram::RequirementSource::Conservative) {
        // Until a warm run was measured. A figure well below what is held includes no load and tells nothing of the rest.
        const base::Bytes held = s.resident_bytes(*holder, need.model);
        if (held < base::scaled(need.bytes, s.options.admission.margin)) need.warm_bytes = need.bytes - held;
      }
    }
    request->worker_holds = ask.held;
    request->models_are_told = ask.models_are_told;
    if (ask.held && learned && learned->warm && !(ask.declared && ask.declared->increment)) {
      need.source = vram::RequirementSource::Learned;
      need.bytes = *learned->warm;
    } else if (ask.held && ask.declared && ask.declared->increment) {
      need.bytes = *ask.declared->increment;
    } else if (ask.held && need.source != vram::RequirementSource::Conservative) {
      need.bytes = need.bytes - ask.kept;  // until a warm run was measured
    }
    if (slot != nullptr && !ask.models_are_told) need.warm_bytes.reset();  // of such a worker we know what it holds by `held` alone
    if (slot != nullptr) need.held_from_start = s.held_from_start();
    // Where several parameter sets may mean several models, each is expected under its own name.
    const bool is_a_guess = need.source == vram::RequirementSource::Conservative;  // and no model's size
    if (need.warm_bytes && !is_a_guess) request->stays_as = need.model.empty() ? need.profile_key : need.model;
    if (s.is_expected_to_stay(request->stays_as)) need.stays_as = request->stays_as;
    if (need.model.empty()) need.model = s.options.app;
    // A model that is held stays while this request is decided and runs, so that what was charged as warm stays warm.
    request->pinned = s.models->pin(need.model);
    auto outcome = s.admission->admit(need, slot);
    if (auto* refusal = std::get_if<vram::Refusal>(&outcome)) return std::move(*refusal);
    request->lease = std::get<vram::Lease>(std::move(outcome));
    request->admitted = true;
  }
  auto admitted = std::unique_ptr<GpuRequest>(new GpuRequest(std::move(request)));
  admitted->state_->begin(admitted->grant_);
  return admitted;
}

std::unique_ptr<GpuRequest> GpuMemory::assume(const GpuAssignment& assignment) {
  auto request = std::make_unique<GpuRequestState>(*state_);
  request->assigned_device = assignment.grant.device;
  request->assigned_resident = assignment.resident;
  request->number = assignment.number;
  request->began = base::system_clock().monotonic();
  auto assumed = std::unique_ptr<GpuRequest>(new GpuRequest(std::move(request)));
  assumed->grant_ = assignment.grant;
  return assumed;
}

void GpuMemory::worker_loaded(const std::shared_ptr<vram::ProcessSlot>& slot, const std::string& device_name,
                              const std::string& model, base::Bytes bytes, GpuRequest* loading) {
  const auto devices = state_->monitor->devices();
  if (slot == nullptr || !devices) return;
  for (const auto& info : *devices) {
    const auto holder = state_->ledger_device(info.uuid);
    if (!holder || !slot->is_loaded(*holder, model)) continue;
    // What was measured here counts for more than a worker that cannot tell.
    if (bytes > base::Bytes()) slot->resize_resident(*holder, model, bytes);
    return;
  }
  const auto uuid = device_named(*state_, device_name);
  const auto device = uuid ? state_->ledger_device(*uuid) : std::nullopt;
  if (!device) return;
  if (loading != nullptr && bytes == base::Bytes()) loading->state_->note_unmeasured(model);
  if (loading != nullptr && loading->state_->lease.device() == *uuid) {
    loading->state_->lease.keep_resident(model, bytes, {});
  } else {
    slot->add_resident(*device, model, bytes, {});
  }
}

void GpuMemory::worker_unloaded(const std::shared_ptr<vram::ProcessSlot>& slot, const std::string& model) {
  const auto devices = state_->monitor->devices();
  if (slot == nullptr || !devices) return;
  for (const auto& info : *devices) {
    const auto device = state_->ledger_device(info.uuid);
    const base::Bytes freed = device ? slot->remove_resident(*device, model) : base::Bytes();
    if (state_->meter && freed > base::Bytes()) state_->meter->model_goes(info.uuid, slot->pid(), freed);
  }
}

void GpuMemory::worker_ended(std::int64_t pid) {
  if (state_->meter) state_->meter->process_ended(pid);
}

base::Result<vram::WorkerSlot> GpuMemory::prepare_worker(std::string_view app) {
  if (state_->ledger == nullptr) return Error{ErrorCode::Unavailable, "this process has no GPU memory ledger"};
  auto prepared = state_->ledger->prepare_worker_slot(app);
  if (prepared) {
    const std::lock_guard lock(state_->workers_mutex);
    std::erase_if(state_->worker_slots, [](const auto& slot) { return slot.expired(); });
    state_->worker_slots.push_back(prepared->slot);
  }
  return prepared;
}

void GpuMemory::worker_holds(const std::shared_ptr<vram::ProcessSlot>& slot, const std::vector<WorkerDeviceReport>& reports) {
  if (slot == nullptr) return;
  for (const auto& report : reports) {
    const auto uuid = device_named(*state_, report.device);
    const auto device = uuid ? state_->ledger_device(*uuid) : std::nullopt;
    if (!device) continue;
    if (report.materialised && state_->meter)
      state_->meter->worker_stated(*uuid, *device, slot, *report.materialised);
    else if (report.materialised)
      slot->set_materialised(*device, *report.materialised);
    if (report.context) slot->set_context(*device, *report.context);
    if (!report.held_after) continue;
    const bool known = slot->resident(*device, state_->options.app).has_value();
    if (*report.held_after == base::Bytes())
      slot->remove_resident(*device, state_->options.app);
    else if (known)
      slot->resize_resident(*device, state_->options.app, *report.held_after);
    else
      slot->add_resident(*device, state_->options.app, *report.held_after, {});
  }
}

base::Bytes GpuMemory::held_by(const vram::ProcessSlot& slot, const vram::DeviceUuid& uuid) const {
  return held_by(slot, uuid, state_->options.app);
}

base::Bytes GpuMemory::held_by(const vram::ProcessSlot& slot, const vram::DeviceUuid& uuid, std::string_view model) const {
  const auto device = state_->ledger_device(uuid);
  return device ? slot.resident(*device, model).value_or(base::Bytes()) : base::Bytes();
}

std::vector<std::string> GpuMemory::device_uuids() const {
  std::vector<std::string> list;
  const auto devices = state_->monitor->devices();
  if (!devices || state_->is_simulated()) return list;
  for (const auto& device : *devices) list.push_back(device.uuid.text());
  return list;
}

vram::AdmissionCounters GpuMemory::counters() const { return state_->admission->counters(); }
vram::ModelCacheCounters GpuMemory::model_counters() const { return state_->models->counters(); }
vram::ModelCache& GpuMemory::models() noexcept { return *state_->models; }

}  // namespace clams
