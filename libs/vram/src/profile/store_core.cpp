// What callers do: look up, record, raise, flush. The threads' side is in store_threads.cpp.
#include "profile/store_core.hpp"

#include <algorithm>

namespace vram {
namespace {

constexpr std::size_t kMaxEntries = 1024;
constexpr std::size_t kMaxWarnings = 256;

}  // namespace

ProfileStore::Core::Core(ProfileOptions options) : options_(std::move(options)) {
  if (options_.clock == nullptr) options_.clock = &base::system_clock();
  if (!options_.root.empty()) folder_ = options_.root + "/" + profile_folder(options_.app);
}

std::optional<Learned> ProfileStore::Core::lookup(const ProfileKey& key) {
  std::unique_lock lock(mutex_);
  const EntryPtr found = entry(key);
  await_refresh(lock, found->state, key.hash());
  return found->learned;
}

SampleVerdict ProfileStore::Core::record(const ProfileKey& key, const Measurement& measurement) {
  const SampleVerdict verdict = profile::judge(measurement);
  if (verdict == SampleVerdict::Absent) return verdict;
  const std::int64_t at = wall_ms();
  const std::lock_guard lock(mutex_);
  Entry& target = *entry(key);
  profile::Pending& pending = target.pending;
  pending.at_ms = at;
  switch (verdict) {
    case SampleVerdict::Contended: ++pending.counters.contended; break;
    case SampleVerdict::Negative: ++pending.counters.negative; break;
    case SampleVerdict::BelowNoise: ++pending.counters.below_noise; break;
    default:
      ++pending.counters.runs;
      profile::append(measurement.kind == RunKind::Cold ? pending.cold : pending.warm, {profile::to_sample(measurement, at)});
      pending.instrument = measurement.instrument;
      pending.device = measurement.device;
      pending.driver = measurement.driver;
  }
  changed(target);
  return verdict;
}

Bytes ProfileStore::Core::raise_after_oom(const ProfileKey& key, const OutOfMemoryEvent& event) {
  const std::int64_t at = wall_ms();
  const std::lock_guard lock(mutex_);
  Entry& target = *entry(key);
  const bool cold = event.kind == RunKind::Cold;
  const Bytes before = target.learned ? (cold ? target.learned->cold : target.learned->warm).value_or(Bytes()) : Bytes();
  const Bytes insufficient = std::max({before, event.granted, event.peak});
  Bytes raised = insufficient + Bytes(insufficient.count() / 4);
  if (event.limit > Bytes()) raised = std::max(before, std::min(raised, event.limit));
  profile::Pending& pending = target.pending;
  pending.at_ms = at;
  pending.instrument = event.instrument;
  pending.device = event.device;
  pending.driver = event.driver;
  ++pending.counters.out_of_memory;
  profile::append(cold ? pending.cold : pending.warm, {{at, std::nullopt, raised.count(), 0, event.instrument, true}});
  changed(target);
  return raised;
}

void ProfileStore::Core::record_facts(const profile::Facts& newer) {
  const std::lock_guard lock(mutex_);
  facts_pending_.merge(newer);
  facts_view_.merge(newer);
  if (folder_.empty()) return;
  dirty_.insert(std::string());
  to_write_.notify_one();
}

base::Status ProfileStore::Core::flush(std::chrono::milliseconds deadline) {
  if (folder_.empty()) return {};
  std::unique_lock lock(mutex_);
  for (const auto& [hash, one] : entries_) {
    if (!one->pending.empty()) dirty_.insert(hash);
  }
  if (!facts_pending_.empty()) dirty_.insert(std::string());
  last_write_ = {};
  to_write_.notify_one();
  if (!done_.wait_for(lock, deadline, [&] { return dirty_.empty() && !writing_; })) {
    return base::Error{base::ErrorCode::Timeout,
                       "the profiles in '" + folder_ + "' were not written within " + base::to_string(deadline)};
  }
  return last_write_;
}

void ProfileStore::Core::stop(std::chrono::milliseconds deadline) {
  if (folder_.empty()) return;
  if (deadline.count() < 0) deadline = options_.flush_deadline;
  const base::Status flushed = flush(deadline);
  bool ended = false;
  {
    std::unique_lock lock(mutex_);
    // A write that failed has been told already.
    if (!dirty_.empty() || writing_)
      warn_once("stop", flushed ? "a run came while its profile store was closed" : flushed.error().message);
    stopping_ = true;
    dirty_.clear();
    reads_.clear();
    to_read_.notify_all();
    to_write_.notify_all();
    ended = done_.wait_for(lock, std::max(deadline, std::chrono::milliseconds(100)), [&] { return running_ == 0; });
  }
  for (std::thread* thread : {&reader_, &writer_}) ended ? thread->join() : thread->detach();
}

ProfileStore::Core::EntryPtr ProfileStore::Core::entry(const ProfileKey& key) {
  auto at = entries_.find(key.hash());
  if (at == entries_.end()) {
    make_room();
    at = entries_.emplace(key.hash(), std::make_shared<Entry>(key)).first;
  }
  at->second->used = ++uses_;
  return at->second;
}

void ProfileStore::Core::make_room() {
  if (entries_.size() < kMaxEntries) return;
  // An entry with unwritten samples goes only when all have some: the disk has failed for long, and memory must not grow.
  const auto rank = [](const auto& item) { return std::pair(!item.second->pending.empty(), item.second->used); };
  const auto oldest =
      std::min_element(entries_.begin(), entries_.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  dirty_.erase(oldest->first);
  entries_.erase(oldest);
}

void ProfileStore::Core::await_refresh(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Freshness>& state,
                                       const std::string& hash) {
  if (folder_.empty() || stopping_) return;
  if (state->loaded && clock().monotonic() - state->checked <= options_.recheck) return;
  if (!state->queued) {
    state->queued = true;
    reads_.push_back(hash);
    to_read_.notify_one();
  }
  if (reader_silent_) return;
  const std::uint64_t before = state->refreshes;
  if (done_.wait_for(lock, options_.read_deadline, [&] { return state->refreshes != before || stopping_; })) return;
  reader_silent_ = true;
  warn_once("silent", "the profile directory '" + folder_ + "' does not answer; the figures in memory are used");
}

void ProfileStore::Core::changed(Entry& target) {
  relearn(target);
  if (folder_.empty()) return;
  dirty_.insert(target.key.hash());
  to_write_.notify_one();
}

void ProfileStore::Core::relearn(Entry& target) {
  if (!target.document && target.pending.empty()) {
    target.learned.reset();
    return;
  }
  profile::Document whole = target.document.value_or(profile::Document{});
  whole.merge(target.pending);
  const bool knows = whole.peak || whole.warm_peak;
  target.learned = knows ? std::optional<Learned>(whole.learned()) : std::nullopt;
}

void ProfileStore::Core::warn_once(const std::string& about, const std::string& message) {
  {
    const std::lock_guard lock(warned_mutex_);
    if (warned_.size() >= kMaxWarnings || !warned_.insert(about).second) return;
  }
  options_.logger.warning(message);
}

}  // namespace vram
