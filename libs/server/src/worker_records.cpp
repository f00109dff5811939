#include "worker_records.hpp"

namespace clams::server {
namespace {

// Of one worker: more kinds of requests than anybody serves; forgotten together, since they only save work.
constexpr std::size_t kMostKeys = 4096;

}  // namespace

void WorkerRecords::born(std::uint64_t worker) {
  const std::lock_guard lock(mutex_);
  records_.try_emplace(worker);
}

void WorkerRecords::died(std::uint64_t worker) {
  const std::lock_guard lock(mutex_);
  records_.erase(worker);
  changed_.notify_all();
}

void WorkerRecords::deciding(std::uint64_t worker, const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto record = records_.find(worker);
  if (record == records_.end()) return;
  auto& uses = record->second.uses;
  if (uses.size() >= kMostKeys) std::erase_if(uses, [](const auto& use) { return use.second.deciding == 0; });
  ++uses[key].deciding;
}

void WorkerRecords::admitted(std::uint64_t worker, const std::string& key) { decided(worker, key, true); }
void WorkerRecords::refused(std::uint64_t worker, const std::string& key) { decided(worker, key, false); }

void WorkerRecords::decided(std::uint64_t worker, const std::string& key, bool admitted) {
  const std::lock_guard lock(mutex_);
  const auto record = records_.find(worker);
  if (record == records_.end()) return;
  const auto use = record->second.uses.find(key);
  if (use == record->second.uses.end()) return;
  --use->second.deciding;
  use->second.admitted = use->second.admitted || admitted;
  if (use->second.deciding == 0 && !use->second.admitted) record->second.uses.erase(use);
  changed_.notify_all();
}

void WorkerRecords::unloaded(std::uint64_t worker, const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto record = records_.find(worker);
  if (record == records_.end()) return;
  const auto use = record->second.uses.find(key);
  if (use == record->second.uses.end()) return;
  use->second.admitted = false;
  if (use->second.deciding == 0) record->second.uses.erase(use);
}

bool WorkerRecords::elsewhere(std::uint64_t worker, const std::string& key, std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  for (;;) {
    bool undecided = false;
    for (const auto& [id, record] : records_) {
      const auto use = record.uses.find(key);
      if (id == worker || use == record.uses.end()) continue;
      if (use->second.admitted) return true;
      undecided = undecided || use->second.deciding > 0;
    }
    if (!undecided || changed_.wait_until(lock, deadline) == std::cv_status::timeout) return false;
  }
}

const WorkerRecords::Model* WorkerRecords::model_of(std::uint64_t worker, const std::string& model) const {
  const auto record = records_.find(worker);
  if (record == records_.end()) return nullptr;
  const auto found = record->second.models.find(model);
  return found == record->second.models.end() ? nullptr : &found->second;
}

std::shared_ptr<const void> WorkerRecords::pin(std::uint64_t worker, const std::string& model,
                                               std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [&] {
    const Model* known = model_of(worker, model);
    return known == nullptr || !known->unloading;
  });
  const auto record = records_.find(worker);
  if (record == records_.end()) return nullptr;
  ++record->second.models[model].pins;
  return {this, [self = shared_from_this(), worker, model](const void*) { self->unpin(worker, model); }};
}

void WorkerRecords::unpin(std::uint64_t worker, const std::string& model) {
  const std::lock_guard lock(mutex_);
  const auto record = records_.find(worker);
  if (record == records_.end()) return;
  const auto pinned = record->second.models.find(model);
  if (--pinned->second.pins == 0 && !pinned->second.unloading) record->second.models.erase(pinned);
}

bool WorkerRecords::pinned(std::uint64_t worker, const std::string& model) const {
  const std::lock_guard lock(mutex_);
  const Model* known = model_of(worker, model);
  return known != nullptr && known->pins > 0;
}

bool WorkerRecords::begin_unload(std::uint64_t worker, const std::string& model) {
  const std::lock_guard lock(mutex_);
  const auto record = records_.find(worker);
  if (record == records_.end()) return false;
  Model& known = record->second.models[model];
  if (known.pins > 0 || known.unloading) return false;
  known.unloading = true;
  return true;
}

void WorkerRecords::end_unload(std::uint64_t worker, const std::string& model) {
  const std::lock_guard lock(mutex_);
  const auto record = records_.find(worker);
  if (record != records_.end()) {
    Model& known = record->second.models[model];
    known.unloading = false;
    if (known.pins == 0) record->second.models.erase(model);
  }
  changed_.notify_all();
}

void WorkerRecords::ran(std::uint64_t worker, const std::string& profile, bool holds, base::Bytes kept) {
  const std::lock_guard lock(mutex_);
  const auto record = records_.find(worker);
  if (record == records_.end()) return;
  record->second.holds = holds;
  if (record->second.kept.size() >= kMostKeys) record->second.kept.clear();
  record->second.kept.emplace(profile, kept);
}

std::optional<base::Bytes> WorkerRecords::kept(std::uint64_t worker, const std::string& profile) const {
  const std::lock_guard lock(mutex_);
  const auto record = records_.find(worker);
  if (record == records_.end() || !record->second.holds) return std::nullopt;
  const auto kept = record->second.kept.find(profile);
  return kept == record->second.kept.end() ? std::nullopt : std::optional(kept->second);
}

}  // namespace clams::server
