// The two threads of a ProfileStore. The reader answers lookups and never waits for a write; the writer merges samples into files.
#include <algorithm>

#include "base/crash_point.hpp"
#include "base/files.hpp"
#include "profile/manage.hpp"
#include "profile/store_core.hpp"

namespace vram {
namespace {

constexpr std::uint64_t kWritesBetweenPrunes = 64;

bool is_absent(const base::Error& error) { return error.code == base::ErrorCode::NotFound; }

std::string profile_path(const std::string& folder, const std::string& hash) { return folder + "/memory_" + hash + ".json"; }

}  // namespace

void ProfileStore::Core::start(const std::shared_ptr<Core>& self) {
  if (folder_.empty()) {
    if (options_.root.empty()) options_.logger.debug("no profile directory: what runs need is remembered in memory only");
    return;
  }
  running_ = 2;
  reader_ = std::thread([self] { self->read_loop(); });
  writer_ = std::thread([self] { self->write_loop(); });
}

void ProfileStore::Core::read_loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    to_read_.wait(lock, [&] { return stopping_ || !reads_.empty(); });
    if (stopping_) break;
    const std::string hash = reads_.front();
    reads_.pop_front();
    refresh(lock, hash);
    reader_silent_ = false;
    done_.notify_all();
  }
  --running_;
  done_.notify_all();
}

void ProfileStore::Core::refresh(std::unique_lock<std::mutex>& lock, const std::string& hash) {
  if (hash.empty()) return refresh_facts(lock);
  const auto at = entries_.find(hash);
  if (at != entries_.end()) refresh_entry(lock, at->second);
}

void ProfileStore::Core::refresh_entry(std::unique_lock<std::mutex>& lock, const EntryPtr& target) {
  const ProfileKey key = target->key;
  const std::uint64_t writes = target->writes;
  const auto known = target->print;
  const bool loaded = target->state->loaded;
  target->state->checked = clock().monotonic();
  lock.unlock();
  const auto print = profile::fingerprint(profile_path(folder_, key.hash()));
  const bool same = loaded && print && print == known;
  std::optional<profile::Document> document;
  if (!same) document = read_current(key);
  lock.lock();
  // 1 this thread reads the file, 2 the writer replaces it and drops the samples it wrote from `pending`, 3 this thread would put
  // the old content back: figures would miss those samples until the next look.
  // Or while it is between the two: the samples would count twice.
  if (!same && target->writes == writes && !target->writing) {
    target->document = std::move(document);
    target->print = print;
    relearn(*target);
  }
  target->state->loaded = true;
  target->state->queued = false;
  ++target->state->refreshes;
}

std::optional<profile::Document> ProfileStore::Core::read_current(const ProfileKey& key) {
  auto document = usable(key, profile::read_document(folder_, key.hash()));
  if (document && document->peak) return document;
  const auto skipped = [&](const std::string& path, const std::string& reason) {
    warn_once(path, "profile of the Python SDK skipped: '" + path + "' (" + reason + ")");
  };
  const auto prior = python_.find(folder_, key.loose_text(), skipped);
  if (!prior) return document;
  if (!document) document.emplace();
  document->peak = prior;
  document->in_use_peak = prior;
  document->instrument = Instrument::Allocator;
  document->origin = ProfileOrigin::PythonSdk;
  return document;
}

std::optional<profile::Document> ProfileStore::Core::usable(const ProfileKey& key, base::Result<profile::Document> read) {
  if (!read) {
    // A folder that cannot be read would otherwise be told of once for every parameter set.
    const bool of_file = read.error().code == base::ErrorCode::Corrupt || read.error().code == base::ErrorCode::Unsupported;
    const std::string about = of_file ? profile_path(folder_, key.hash()) : "read";
    if (!is_absent(read.error())) warn_once(about, "profile skipped: " + read.error().message);
    return std::nullopt;
  }
  // A file without parameters, or with none, says nothing against belonging here.
  if (read->parameters.empty() || read->parameters == "{}") return std::move(read).value();
  const auto owner = ProfileKey::from_json(read->parameters);
  if (owner && owner->loose_text() == key.loose_text()) return std::move(read).value();
  const std::string path = profile_path(folder_, key.hash());
  warn_once(path, "profile skipped: '" + path + "' belongs to other parameters");
  return std::nullopt;
}

void ProfileStore::Core::refresh_facts(std::unique_lock<std::mutex>& lock) {
  const auto known = facts_print_;
  const bool loaded = facts_state_->loaded;
  const std::uint64_t writes = facts_writes_;
  facts_state_->checked = clock().monotonic();
  lock.unlock();
  const std::string path = folder_ + "/" + std::string(profile::kFactsName);
  const auto print = profile::fingerprint(path);
  const bool same = loaded && print == known;
  auto read = same ? base::Result<profile::Facts>(profile::Facts{}) : profile::read_facts(folder_);
  if (!read && !is_absent(read.error())) warn_once(path, "profile skipped: " + read.error().message);
  lock.lock();
  if (!same && facts_writes_ == writes) {
    facts_stored_ = read ? std::move(read).value() : profile::Facts{};
    facts_print_ = print;
    relearn_facts();
  }
  facts_state_->loaded = true;
  facts_state_->queued = false;
  ++facts_state_->refreshes;
}

void ProfileStore::Core::relearn_facts() {
  facts_view_ = facts_stored_;
  facts_view_.merge(facts_leaving_);
  facts_view_.merge(facts_pending_);
}

void ProfileStore::Core::write_loop() {
  prune();
  std::unique_lock lock(mutex_);
  for (;;) {
    to_write_.wait(lock, [&] { return stopping_ || !dirty_.empty(); });
    if (stopping_) break;
    const std::string hash = *dirty_.begin();
    dirty_.erase(dirty_.begin());
    writing_ = true;
    hash.empty() ? write_facts(lock) : write_entry(lock, hash);
    writing_ = false;
    done_.notify_all();
  }
  --running_;
  done_.notify_all();
}

void ProfileStore::Core::write_entry(std::unique_lock<std::mutex>& lock, const std::string& hash) {
  const auto at = entries_.find(hash);
  if (at == entries_.end() || at->second->pending.empty()) return;
  const EntryPtr target = at->second;
  const profile::Pending pending = target->pending;
  const ProfileKey key = target->key;
  target->writing = true;
  lock.unlock();
  auto merged = merge_on_disk(key, pending);
  settle_write(merged ? base::Status() : base::Status(merged.error()));
  lock.lock();
  target->writing = false;
  if (!merged) {
    last_write_ = merged.error();
    return;
  }
  // A prior of the Python SDK stays the cold figure until there is a cold sample of our own.
  const auto before = target->document;
  target->document = std::move(merged->document);
  if (!target->document->peak && before && before->origin == ProfileOrigin::PythonSdk) {
    target->document->peak = before->peak;
    target->document->origin = before->origin;
  }
  target->print = merged->print;
  target->pending.subtract(pending);
  ++target->writes;
  relearn(*target);
}

void ProfileStore::Core::write_facts(std::unique_lock<std::mutex>& lock) {
  if (facts_pending_.empty()) return;
  facts_leaving_ = std::exchange(facts_pending_, {});
  const profile::Facts pending = facts_leaving_;
  lock.unlock();
  auto merged = merge_facts_on_disk(pending);
  settle_write(merged ? base::Status() : base::Status(merged.error()));
  lock.lock();
  if (!merged) {
    last_write_ = merged.error();
    facts_leaving_.merge(facts_pending_);
    facts_pending_ = std::exchange(facts_leaving_, {});
    return;
  }
  facts_leaving_ = {};
  facts_stored_ = std::move(merged).value();
  relearn_facts();
  facts_print_.reset();  // the next look reads it again
  ++facts_writes_;
}

base::Result<ProfileStore::Core::Written> ProfileStore::Core::merge_on_disk(const ProfileKey& key,
                                                                            const profile::Pending& pending) {
  BASE_TRY(profile::make_folder(folder_));
  CLAMS_CRASH_POINT("profile.before_lock");
  BASE_TRY_ASSIGN(const auto right, profile::FolderLock::acquire(folder_, options_.lock_deadline));
  CLAMS_CRASH_POINT("profile.locked");
  auto read = profile::read_document(folder_, key.hash());
  const bool replaceable = read || is_absent(read.error()) || read.error().code == base::ErrorCode::Corrupt;
  if (!replaceable) return read.error();
  profile::Document document = usable(key, std::move(read)).value_or(profile::Document{});
  document.merge(pending);
  document.parameters = key.text();
  document.app = options_.app;
  const std::string path = profile_path(folder_, key.hash());
  CLAMS_CRASH_POINT("profile.merged");
  BASE_TRY(options_.write_file ? options_.write_file(path, profile::to_text(document))
                               : profile::write_in_folder(folder_, path, profile::to_text(document)));
  CLAMS_CRASH_POINT("profile.written");
  // Still under the lock: after it another process may have replaced the file, and its samples would go unseen.
  const auto print = profile::fingerprint(path);
  return Written{std::move(document), print};
}

base::Result<profile::Facts> ProfileStore::Core::merge_facts_on_disk(const profile::Facts& pending) {
  BASE_TRY(profile::make_folder(folder_));
  BASE_TRY_ASSIGN(const auto right, profile::FolderLock::acquire(folder_, options_.lock_deadline));
  CLAMS_CRASH_POINT("facts.locked");
  auto read = profile::read_facts(folder_);
  const bool replaceable = read || is_absent(read.error()) || read.error().code == base::ErrorCode::Corrupt;
  if (!replaceable) return read.error();
  profile::Facts facts = read ? std::move(read).value() : profile::Facts{};
  facts.merge(pending);
  const std::string path = folder_ + "/" + std::string(profile::kFactsName);
  BASE_TRY(options_.write_file ? options_.write_file(path, profile::to_text(facts))
                               : profile::write_in_folder(folder_, path, profile::to_text(facts)));
  CLAMS_CRASH_POINT("facts.written");
  return facts;
}

void ProfileStore::Core::settle_write(const base::Status& status) {
  if (!status) {
    warn_once("write",
              "what runs need cannot be kept: " + status.error().message + "; the figures stay in memory until this process ends");
    return;
  }
  if (++writes_ % kWritesBetweenPrunes == 0) prune();
}

void ProfileStore::Core::prune() {
  const auto report = profile::prune_folder(folder_, {options_.limits, false, options_.lock_deadline}, clock().wall());
  if (!report) options_.logger.debug("old profiles stay: " + report.error().message);
  if (report && report->files > 0)
    options_.logger.info("removed " + std::to_string(report->files) + " old profiles from '" + folder_ + "'");
}

}  // namespace vram
