#include "peak_meter.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "base/duration.hpp"

namespace clams {
namespace {

using base::Bytes;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kTick{50};
constexpr milliseconds kSlowTick{250};  // for runs that are older than kQuickPhase
constexpr milliseconds kQuickPhase{10000};
constexpr milliseconds kListing{2000};  // a run must be so old before processes are listed, and listings lie so far apart
constexpr milliseconds kFresh{100};     // the sample behind the decision serves as "before"
constexpr Bytes kSteady{std::uint64_t{16} << 20};
constexpr std::size_t kMostProfiles = 1024;

nanoseconds now() { return base::system_clock().monotonic(); }
Bytes used_in(const vram::MemorySample& sample) { return sample.total - sample.free; }
bool close(Bytes a, Bytes b) { return (a > b ? a - b : b - a) <= kSteady; }
std::int64_t difference(Bytes a, Bytes b) { return static_cast<std::int64_t>(a.count()) - static_cast<std::int64_t>(b.count()); }

// What the ledger shows of everybody else on the device.
struct Others {
  Bytes charges;
  bool running = false;
  friend bool operator==(const Others&, const Others&) = default;
};

// Without the context of a process that had none before. One that was only guessed comes off as far as anything is left: charged
// together the two are what was seen.
std::int64_t without_context(std::int64_t growth, Bytes context) {
  const std::int64_t left = growth - static_cast<std::int64_t>(context.count());
  return left > static_cast<std::int64_t>(kSteady.count()) ? left : growth;
}

}  // namespace

struct PeakMeter::Device {
  Start last;  // of the newest run
  std::vector<Run::State*> runs;
  std::set<std::string> ran;
  bool used_before = false;  // a run of this process has ended here
  nanoseconds last_end{};
  // What the process stated of its memory; what the meter stated for it beyond that.
  std::int64_t stated = 0;
  Bytes extra;
  bool hidden = false;  // it holds memory that nobody stated
  bool context_known = false;
  // The last listing.
  nanoseconds listed_at{};
  std::optional<Bytes> own;
  // At the tick before this one.
  std::int64_t tick_stated = 0;
};

struct PeakMeter::Run::State {
  std::shared_ptr<PeakMeter::Core> core;
  PeakMeter::Start start;
  nanoseconds began{};
  bool overlapped = false;
  bool first_use = false;  // the process had no context here
  bool warm = false;
  std::optional<Bytes> own_before, own_peak;
  Bytes used_before, used_peak;
  Others others;
  bool moved = false;
};

struct PeakMeter::Core {
  explicit Core(PeakMeterParts given) : parts(std::move(given)) {}

  PeakMeterParts parts;
  std::mutex mutex;
  std::condition_variable wake;
  bool stop = false;
  std::map<vram::DeviceUuid, Device> devices;
  std::thread thread;

  Others others_on(const Start& start, std::size_t own_runs) const {
    const vram::DeviceFigures figures = parts.ledger->figures(start.device, {});
    return {figures.charges + figures.draining - start.slot->reserved(start.device), figures.running > own_runs};
  }

  bool anything_to_do() const {
    return std::any_of(devices.begin(), devices.end(),
                       [this](const auto& entry) { return !entry.second.runs.empty() || owes_listing(entry.second); });
  }
  // What a process keeps that states nothing is read once more after its runs, so that the next one knows what was held before.
  bool owes_listing(const Device& device) const { return device.hidden && device.listed_at < device.last_end; }
  bool may_list(const Device& device) const {
    const nanoseconds at = now();
    if (device.listed_at != nanoseconds{} && at - device.listed_at < kListing) return false;
    if (device.runs.empty()) return owes_listing(device) && at - device.last_end >= kListing;
    return at - device.runs.front()->began >= kListing;
  }

  void ensure_thread();
  void keep();
  nanoseconds pause() const;
  void tick(const vram::DeviceUuid& uuid);
  void take_sample(Device& device, Bytes used);
  void take_listing(const vram::DeviceUuid& uuid, const std::vector<vram::ProcessUse>& list, nanoseconds at,
                    std::int64_t stated_before);
  static void state_extra(Device& device, Bytes extra);
};

// Signals are for the program's own threads.
void PeakMeter::Core::ensure_thread() {
  if (thread.joinable()) return;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread = std::thread([this] { keep(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void PeakMeter::Core::keep() {
  pthread_setname_np(pthread_self(), "gpu-peaks");
  std::unique_lock lock(mutex);
  while (!stop) {
    wake.wait(lock, [this] { return stop || anything_to_do(); });
    wake.wait_for(lock, pause(), [this] { return stop; });
    if (stop) return;
    std::vector<vram::DeviceUuid> busy;
    for (const auto& [uuid, device] : devices) {
      if (!device.runs.empty() || owes_listing(device)) busy.push_back(uuid);
    }
    lock.unlock();
    for (const auto& uuid : busy) tick(uuid);
    lock.lock();
  }
}

nanoseconds PeakMeter::Core::pause() const {
  const nanoseconds at = now();
  for (const auto& [uuid, device] : devices) {
    for (const Run::State* run : device.runs) {
      if (at - run->began < kQuickPhase) return kTick;
    }
  }
  return kSlowTick;
}

void PeakMeter::Core::tick(const vram::DeviceUuid& uuid) {
  const vram::Reading reading = parts.monitor->sample(uuid, kTick / 2);
  std::int64_t stated = 0;
  {
    const std::lock_guard lock(mutex);
    Device& device = devices[uuid];
    if (reading.state == vram::SampleState::Ok) take_sample(device, used_in(reading.sample));
    if (!may_list(device)) return;
    stated = device.stated;
    device.listed_at = now();
  }
  const nanoseconds asked = now();
  const auto list = parts.monitor->processes(uuid);
  if (list) take_listing(uuid, *list, asked, stated);
}

void PeakMeter::Core::take_sample(Device& device, Bytes used) {
  for (Run::State* run : device.runs) {
    run->used_peak = std::max(run->used_peak, used);
    if (!(others_on(run->start, device.runs.size()) == run->others)) run->moved = true;
  }
  device.tick_stated = device.stated;
}

// A process in a container may be listed under another number, or not at all: then the device's growth has to do.
void PeakMeter::Core::take_listing(const vram::DeviceUuid& uuid, const std::vector<vram::ProcessUse>& list, nanoseconds at,
                                   std::int64_t stated_before) {
  const auto own = std::find_if(list.begin(), list.end(), [](const auto& use) { return use.pid == ::getpid() && use.known; });
  std::optional<std::pair<std::shared_ptr<vram::ProcessSlot>, Bytes>> context;
  {
    const std::lock_guard lock(mutex);
    Device& device = devices[uuid];
    device.listed_at = at;
    device.own = own != list.end() ? std::optional(own->bytes) : std::nullopt;
    if (!device.own || device.stated != stated_before) return;  // it allocates right now: the next listing will do
    const Bytes beyond = *device.own - Bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(0, device.stated)));
    for (Run::State* run : device.runs) run->own_peak = std::max(run->own_peak.value_or(Bytes()), *device.own);
    if (!device.runs.empty()) state_extra(device, beyond);
    // Where memory is stated, the rest is the context: when nothing moved since the tick before.
    const bool steady = device.stated > 0 && device.tick_stated == device.stated;
    if (steady && !device.hidden && !device.context_known && beyond > Bytes()) {
      device.context_known = true;
      device.last.context = beyond;
      context.emplace(device.last.slot, beyond);
    }
    if (device.stated == 0 && beyond > (device.context_known ? device.last.context + kSteady : Bytes())) device.hidden = true;
  }
  if (context && parts.on_context) parts.on_context(uuid, context->first, context->second);
}

void PeakMeter::Core::state_extra(Device& device, Bytes extra) {
  if (extra > device.extra) device.last.slot->raise_materialised(device.last.device, extra - device.extra);
  if (extra < device.extra) device.last.slot->lower_materialised(device.last.device, device.extra - extra);
  device.extra = extra;
}

PeakMeter::PeakMeter(PeakMeterParts parts) : core_(std::make_shared<Core>(std::move(parts))) {}

PeakMeter::~PeakMeter() {
  {
    const std::lock_guard lock(core_->mutex);
    core_->stop = true;
  }
  core_->wake.notify_all();
  if (core_->thread.joinable()) core_->thread.join();
}

std::unique_ptr<PeakMeter::Run> PeakMeter::begin(const Start& start) {
  const vram::Reading reading = core_->parts.monitor->sample(start.uuid, kFresh, nanoseconds{});
  if (reading.state != vram::SampleState::Ok || start.slot == nullptr) return nullptr;
  auto state = std::make_shared<Run::State>();
  state->core = core_;
  state->start = start;
  state->began = now();
  state->used_before = state->used_peak = used_in(reading.sample);
  {
    const std::lock_guard lock(core_->mutex);
    Device& device = core_->devices[start.uuid];
    const bool context_known = device.context_known;
    const Bytes context = device.last.context;
    device.last = start;
    if (context_known) device.last.context = context;
    state->start.context = device.last.context;
    state->first_use = !device.used_before && device.runs.empty();
    state->warm = device.ran.contains(start.profile);
    if (state->first_use)
      state->own_before = Bytes();
    else if (device.own && device.listed_at > device.last_end)
      state->own_before = device.own;
    for (Run::State* other : device.runs) other->overlapped = state->overlapped = true;
    device.runs.push_back(state.get());
    state->others = core_->others_on(start, device.runs.size());
    core_->ensure_thread();
  }
  core_->wake.notify_all();
  return std::unique_ptr<Run>(new Run(std::move(state)));
}

PeakMeter::Run::Run(std::shared_ptr<State> state) : state_(std::move(state)) {}

PeakMeter::Run::~Run() {
  const std::lock_guard lock(state_->core->mutex);
  Device& device = state_->core->devices[state_->start.uuid];
  std::erase(device.runs, state_.get());
  device.used_before = true;
  device.last_end = now();
  // Nobody looks from now on, so nothing counts as shown by the driver that may go unseen.
  if (device.runs.empty()) PeakMeter::Core::state_extra(device, std::min(device.extra, device.last.context));
}

PeakMeter::Found PeakMeter::Run::found() {
  State& s = *state_;
  const vram::Reading reading = s.core->parts.monitor->sample(s.start.uuid, nanoseconds{});
  const std::lock_guard lock(s.core->mutex);
  Device& device = s.core->devices[s.start.uuid];
  if (reading.state == vram::SampleState::Ok) s.core->take_sample(device, used_in(reading.sample));
  Found found;
  found.kind = s.warm ? vram::RunKind::Warm : vram::RunKind::Cold;
  found.contended = s.overlapped;
  if (device.ran.size() < kMostProfiles) device.ran.insert(s.start.profile);
  const Bytes context = s.first_use ? s.start.context : Bytes();
  const std::int64_t device_growth = difference(s.used_peak, s.used_before);
  if (device_growth > static_cast<std::int64_t>(kSteady.count()))
    device.hidden = device.hidden || (device.stated == 0 && !s.moved && !s.others.running);
  if (s.own_peak && s.own_before) {
    found.instrument = vram::Instrument::Process;
    found.visible = without_context(difference(*s.own_peak, *s.own_before), context);
    return found;
  }
  if (reading.state != vram::SampleState::Ok) return found;
  found.visible = without_context(device_growth, context);
  // A device that is emptier than before: somebody else gave memory back, and may have taken some in between.
  found.contended = s.overlapped || s.moved || s.others.running ||
                    (used_in(reading.sample) < s.used_before && !close(used_in(reading.sample), s.used_before));
  return found;
}

void PeakMeter::stated(const vram::DeviceUuid& uuid, std::int64_t by) {
  const std::lock_guard lock(core_->mutex);
  core_->devices[uuid].stated += by;
}

void PeakMeter::context_goes(const vram::DeviceUuid& uuid) {
  const std::lock_guard lock(core_->mutex);
  Device& device = core_->devices[uuid];
  if (device.last.slot != nullptr) Core::state_extra(device, Bytes());
}

}  // namespace clams
