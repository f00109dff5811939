// The inside of a ProfileStore, shared with its two threads so that a thread stuck in a dead file system can be left behind.
//
// Invariants: `learned` of an entry is always its document with its pending samples merged. A sample is in exactly one of `pending`
// and the file. Only the writing thread replaces files; only the reading thread and the writing thread touch the disk at all.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

#include "profile/document.hpp"
#include "profile/facts.hpp"
#include "profile/folder.hpp"
#include "vram/profile.hpp"

namespace vram {

class ProfileStore::Core {
 public:
  explicit Core(ProfileOptions options);

  std::optional<Learned> lookup(const ProfileKey& key);
  SampleVerdict record(const ProfileKey& key, const Measurement& measurement);
  Bytes raise_after_oom(const ProfileKey& key, const OutOfMemoryEvent& event);
  void record_facts(const profile::Facts& newer);
  // Runs `look` on all facts known, under the lock.
  template <class Look>
  auto facts(Look look) {
    std::unique_lock lock(mutex_);
    await_refresh(lock, facts_state_, std::string());
    return look(std::as_const(facts_view_));
  }
  base::Status flush(std::chrono::milliseconds deadline);
  void stop(std::chrono::milliseconds deadline);

  void start(const std::shared_ptr<Core>& self);
  const std::string& folder() const noexcept { return folder_; }
  const base::Clock& clock() const noexcept { return *options_.clock; }
  std::int64_t wall_ms() const noexcept { return std::chrono::duration_cast<std::chrono::milliseconds>(clock().wall()).count(); }

 private:
  struct Freshness {
    bool loaded = false;
    bool queued = false;
    std::uint64_t refreshes = 0;
    std::chrono::nanoseconds checked{};
  };
  struct Entry {
    explicit Entry(ProfileKey k) : key(std::move(k)) {}
    ProfileKey key;
    std::shared_ptr<Freshness> state = std::make_shared<Freshness>();
    std::uint64_t used = 0;
    std::uint64_t writes = 0;  // a reader whose file was replaced meanwhile drops what it read
    bool writing = false;      // the file may hold samples that are pending still
    std::optional<profile::Fingerprint> print;
    std::optional<profile::Document> document;
    profile::Pending pending;
    std::optional<Learned> learned;
  };
  using EntryPtr = std::shared_ptr<Entry>;

  EntryPtr entry(const ProfileKey& key);
  void make_room();
  void await_refresh(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Freshness>& state, const std::string& hash);
  void changed(Entry& entry);
  static void relearn(Entry& entry);

  void read_loop();
  void refresh(std::unique_lock<std::mutex>& lock, const std::string& hash);
  void refresh_entry(std::unique_lock<std::mutex>& lock, const EntryPtr& entry);
  void refresh_facts(std::unique_lock<std::mutex>& lock);
  void relearn_facts();
  std::optional<profile::Document> read_current(const ProfileKey& key);
  std::optional<profile::Document> usable(const ProfileKey& key, base::Result<profile::Document> read);

  void write_loop();
  void write_entry(std::unique_lock<std::mutex>& lock, const std::string& hash);
  void write_facts(std::unique_lock<std::mutex>& lock);
  struct Written {
    profile::Document document;
    std::optional<profile::Fingerprint> print;
  };
  base::Result<Written> merge_on_disk(const ProfileKey& key, const profile::Pending& pending);
  base::Result<profile::Facts> merge_facts_on_disk(const profile::Facts& pending);
  void settle_write(const base::Status& status);
  void prune();

  void warn_once(const std::string& about, const std::string& message);

  ProfileOptions options_;
  std::string folder_;

  std::mutex mutex_;
  std::condition_variable to_read_;
  std::condition_variable to_write_;
  std::condition_variable done_;
  std::unordered_map<std::string, EntryPtr> entries_;
  std::uint64_t uses_ = 0;
  std::deque<std::string> reads_;  // hashes, each at most once; empty text: app.json
  std::set<std::string> dirty_;    // likewise
  bool writing_ = false;
  bool reader_silent_ = false;  // did not answer in time and has not since: nobody waits for it again
  bool stopping_ = false;
  int running_ = 0;
  base::Status last_write_;
  std::uint64_t writes_ = 0;

  std::shared_ptr<Freshness> facts_state_ = std::make_shared<Freshness>();
  std::optional<profile::Fingerprint> facts_print_;
  profile::Facts facts_stored_;
  profile::Facts facts_leaving_;  // being written: in neither of the others
  profile::Facts facts_pending_;
  profile::Facts facts_view_;
  std::uint64_t facts_writes_ = 0;

  std::mutex warned_mutex_;
  std::set<std::string> warned_;

  profile::PythonIndex python_;  // the reading thread's
  std::thread reader_;
  std::thread writer_;
};

}  // namespace vram
