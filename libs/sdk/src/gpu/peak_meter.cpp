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

// One process on one device.
struct PeakMeter::Process {
  Start last;  // of the newest run
  std::vector<Run::State*> runs;
  std::set<std::string> ran;
  bool used_before = false;  // a run of it has ended here
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
  // When it last ran nothing.
  struct Base {
    Bytes used, extra;
    std::int64_t stated = 0;
    Others others;
    bool moved = false;
  } base;

  // The most that may be stated for a process at which nobody looks: bytes that may be gone must not count as shown by the driver.
  // Models are said to go before they do.
  Bytes lasting() const {
    const Bytes stated_bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(0, stated)));
    return last.context + (last.slot->resident_bytes(last.device) - stated_bytes);
  }
  // What came since `base` and nobody stated.
  std::int64_t unstated_growth(Bytes used) const { return difference(used, base.used) - (stated - base.stated); }
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
  std::optional<std::int64_t> unstated;  // growth of the process's unstated memory, when the run was over
};

struct PeakMeter::Core {
  explicit Core(PeakMeterParts given) : parts(std::move(given)) {}

  using Key = std::pair<vram::DeviceUuid, std::int64_t>;  // and pid
  PeakMeterParts parts;
  std::mutex mutex;
  std::condition_variable wake;
  bool stop = false;
  std::map<Key, Process> processes;
  std::thread thread;

  Others others_on(const Start& start) const {
    const vram::DeviceFigures figures = parts.ledger->figures(start.device, {});
    return {figures.charges + figures.draining - start.slot->reserved(start.device),
            figures.running > start.slot->requests(start.device)};
  }

  bool anything_to_do() const {
    return std::any_of(processes.begin(), processes.end(),
                       [this](const auto& entry) { return !entry.second.runs.empty() || owes_listing(entry.second); });
  }
  // What a process keeps that states nothing is read once more after its runs, so that the next one knows what was held before.
  bool owes_listing(const Process& process) const { return process.hidden && process.listed_at < process.last_end; }
  bool may_list(const Process& process) const {
    const nanoseconds at = now();
    if (process.listed_at != nanoseconds{} && at - process.listed_at < kListing) return false;
    if (process.runs.empty()) return owes_listing(process) && at - process.last_end >= kListing;
    return at - process.runs.front()->began >= kListing;
  }

  void ensure_thread();
  void keep();
  nanoseconds pause() const;
  void tick(const vram::DeviceUuid& uuid);
  void take_sample(Process& process, Bytes used);
  void take_listing(const Key& key, const std::vector<vram::ProcessUse>& list, nanoseconds at, std::int64_t stated_before);
  static void state_extra(Process& process, Bytes extra);
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
    std::set<vram::DeviceUuid> busy;
    for (const auto& [key, process] : processes) {
      if (!process.runs.empty() || owes_listing(process)) busy.insert(key.first);
    }
    lock.unlock();
    for (const auto& uuid : busy) tick(uuid);
    lock.lock();
  }
}

nanoseconds PeakMeter::Core::pause() const {
  const nanoseconds at = now();
  for (const auto& [key, process] : processes) {
    for (const Run::State* run : process.runs) {
      if (at - run->began < kQuickPhase) return kTick;
    }
  }
  return kSlowTick;
}

void PeakMeter::Core::tick(const vram::DeviceUuid& uuid) {
  const vram::Reading reading = parts.monitor->sample(uuid, kTick / 2);
  std::vector<std::pair<Key, std::int64_t>> to_list;  // and what they had stated
  {
    const std::lock_guard lock(mutex);
    for (auto& [key, process] : processes) {
      if (key.first != uuid) continue;
      if (reading.state == vram::SampleState::Ok) take_sample(process, used_in(reading.sample));
      if (!may_list(process)) continue;
      to_list.emplace_back(key, process.stated);
      process.listed_at = now();
    }
  }
  if (to_list.empty()) return;
  const nanoseconds asked = now();
  const auto list = parts.monitor->processes(uuid);
  if (!list) return;
  for (const auto& [key, stated] : to_list) take_listing(key, *list, asked, stated);
}

void PeakMeter::Core::take_sample(Process& process, Bytes used) {
  for (Run::State* run : process.runs) {
    run->used_peak = std::max(run->used_peak, used);
    const Others others = others_on(run->start);
    run->moved = run->moved || !(others == run->others);
    process.base.moved = process.base.moved || !(others == process.base.others);
  }
  process.tick_stated = process.stated;
}

// A process in a container may be listed under another number, or not at all: then the device's growth has to do.
void PeakMeter::Core::take_listing(const Key& key, const std::vector<vram::ProcessUse>& list, nanoseconds at,
                                   std::int64_t stated_before) {
  const auto own = std::find_if(list.begin(), list.end(), [&](const auto& use) { return use.pid == key.second && use.known; });
  std::optional<std::pair<std::shared_ptr<vram::ProcessSlot>, Bytes>> context;
  {
    const std::lock_guard lock(mutex);
    const auto found = processes.find(key);
    if (found == processes.end()) return;
    Process& process = found->second;
    process.listed_at = at;
    process.own = own != list.end() ? std::optional(own->bytes) : std::nullopt;
    if (!process.own || process.stated != stated_before) return;  // it allocates right now: the next listing will do
    const Bytes beyond = *process.own - Bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(0, process.stated)));
    for (Run::State* run : process.runs) run->own_peak = std::max(run->own_peak.value_or(Bytes()), *process.own);
    state_extra(process, process.runs.empty() ? std::min(beyond, process.lasting()) : beyond);
    // Where memory is stated as it is taken, the rest is the context: when nothing moved since the tick before.
    const bool steady = process.last.states && process.stated > 0 && process.tick_stated == process.stated;
    if (steady && !process.hidden && !process.context_known && beyond > Bytes()) {
      process.context_known = true;
      process.last.context = beyond;
      context.emplace(process.last.slot, beyond);
    }
    if (process.stated == 0 && beyond > (process.context_known ? process.last.context + kSteady : Bytes())) process.hidden = true;
  }
  if (context && parts.on_context) parts.on_context(key.first, context->first, context->second);
}

void PeakMeter::Core::state_extra(Process& process, Bytes extra) {
  if (extra > process.extra) process.last.slot->raise_materialised(process.last.device, extra - process.extra);
  if (extra < process.extra) process.last.slot->lower_materialised(process.last.device, process.extra - extra);
  process.extra = extra;
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
    Process& process = core_->processes[{start.uuid, start.pid}];
    const bool context_known = process.context_known;
    const Bytes context = process.last.context;
    process.last = start;
    if (context_known) process.last.context = context;
    state->start.context = process.last.context;
    state->first_use = !process.used_before && process.runs.empty();
    state->warm = process.ran.contains(start.profile);
    if (state->first_use)
      state->own_before = Bytes();
    else if (process.own && process.listed_at > process.last_end)
      state->own_before = process.own;
    for (Run::State* other : process.runs) other->overlapped = state->overlapped = true;
    process.runs.push_back(state.get());
    state->others = core_->others_on(start);
    if (process.runs.size() == 1) process.base = {state->used_before, process.extra, process.stated, state->others, false};
    core_->ensure_thread();
  }
  core_->wake.notify_all();
  return std::unique_ptr<Run>(new Run(std::move(state)));
}

PeakMeter::Run::Run(std::shared_ptr<State> state) : state_(std::move(state)) {}

PeakMeter::Run::~Run() {
  const std::lock_guard lock(state_->core->mutex);
  const auto found = state_->core->processes.find({state_->start.uuid, state_->start.pid});
  if (found == state_->core->processes.end()) return;  // the process has ended
  Process& process = found->second;
  std::erase(process.runs, state_.get());
  process.used_before = true;
  process.last_end = now();
  // What a model keeps that states nothing is seen by its growth; while others run, what they hold for themselves is not told
  // apart.
  Bytes seen = process.extra;
  if (state_->unstated) {
    const std::int64_t held = static_cast<std::int64_t>(process.base.extra.count()) + *state_->unstated;
    seen = Bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(0, held)));
  }
  if (process.runs.empty())
    Core::state_extra(process, std::min(seen, process.lasting()));
  else if (seen > process.extra)
    Core::state_extra(process, std::max(process.extra, std::min(seen, process.lasting())));
}

PeakMeter::Found PeakMeter::Run::found() {
  State& s = *state_;
  const vram::Reading reading = s.core->parts.monitor->sample(s.start.uuid, nanoseconds{});
  const std::lock_guard lock(s.core->mutex);
  Found found;
  found.kind = s.warm ? vram::RunKind::Warm : vram::RunKind::Cold;
  found.contended = s.overlapped;
  const auto at = s.core->processes.find({s.start.uuid, s.start.pid});
  if (at == s.core->processes.end()) return found;  // the process has ended
  Process& process = at->second;
  if (reading.state == vram::SampleState::Ok) s.core->take_sample(process, used_in(reading.sample));
  if (process.ran.size() < kMostProfiles) process.ran.insert(s.start.profile);
  const Bytes context = s.first_use ? s.start.context : Bytes();
  const std::int64_t device_growth = difference(s.used_peak, s.used_before);
  if (device_growth > static_cast<std::int64_t>(kSteady.count()))
    process.hidden = process.hidden || (process.stated == 0 && !s.moved && !s.others.running);
  if (reading.state == vram::SampleState::Ok && !process.base.moved && !process.base.others.running) {
    s.unstated = process.unstated_growth(used_in(reading.sample));
    if (process.runs.size() == 1) found.kept = without_context(*s.unstated, context);
  }
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
  core_->processes[{uuid, ::getpid()}].stated += by;
}

void PeakMeter::worker_stated(const vram::DeviceUuid& uuid, vram::LedgerDevice device,
                              const std::shared_ptr<vram::ProcessSlot>& slot, Bytes all) {
  const std::lock_guard lock(core_->mutex);
  Process& process = core_->processes[{uuid, slot->pid()}];
  if (process.last.slot == nullptr) {
    process.last.uuid = uuid;
    process.last.device = device;
    process.last.slot = slot;
    process.last.pid = slot->pid();
  }
  const Bytes before(static_cast<std::uint64_t>(process.stated));
  process.stated = static_cast<std::int64_t>(all.count());
  // What was listed before it was stated is not stated twice.
  if (all > before) Core::state_extra(process, process.extra - (all - before));
  if (all > before) slot->raise_materialised(device, all - before);
  if (all < before) slot->lower_materialised(device, before - all);
}

void PeakMeter::model_goes(const vram::DeviceUuid& uuid, std::int64_t pid, Bytes bytes) {
  const std::lock_guard lock(core_->mutex);
  const auto found = core_->processes.find({uuid, pid});
  if (found == core_->processes.end() || found->second.last.slot == nullptr) return;
  const Bytes goes = std::min(bytes, found->second.extra);
  Core::state_extra(found->second, found->second.extra - goes);
  Process::Base& base = found->second.base;
  base.extra = base.extra - goes;
}

void PeakMeter::context_goes(const vram::DeviceUuid& uuid) {
  const std::lock_guard lock(core_->mutex);
  Process& process = core_->processes[{uuid, ::getpid()}];
  if (process.last.slot != nullptr) Core::state_extra(process, process.extra - process.last.context);
}

void PeakMeter::process_ended(std::int64_t pid) {
  const std::lock_guard lock(core_->mutex);
  std::erase_if(core_->processes, [pid](const auto& entry) { return entry.first.second == pid; });
}

}  // namespace clams
