// Models that stay: each loaded once for a process however many requests ask at once, kept while it is used and for a while after.
//
// A model is known by a key and is a type-erased object. Who holds a handle uses it; a used model is never unloaded, an idle one
// always can be. Loading and unloading run outside every lock, so that a slow model holds up nobody but those who want that model.
#pragma once
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <typeindex>
#include <vector>

#include "base/bytes.hpp"
#include "base/duration.hpp"
#include "base/result.hpp"

namespace vram {

using base::Bytes;

enum class ModelState {
  Absent,     // not held
  Loading,    // one request runs the loader, others may wait for it
  InUse,      // somebody holds a handle
  Idle,       // held, used by nobody
  Unloading,  // being destroyed; who wants it waits and loads it anew
  Failed,     // the loader failed: those who waited are told, then it is Absent; never remembered
};
inline constexpr int kModelStateCount = static_cast<int>(ModelState::Failed) + 1;
std::string_view name_of(ModelState state) noexcept;  // "absent", "loading", "in-use", "idle", "unloading", "failed"
// The table of legal moves; everything else is a bug and ends the process.
bool is_legal_move(ModelState from, ModelState to) noexcept;

enum class UnloadReason { IdleTimeout, RoomNeeded, Asked, CacheClosed };
std::string_view name_of(UnloadReason reason) noexcept;  // "idle-timeout", "room-needed", "asked", "cache-closed"

inline constexpr std::chrono::milliseconds kNeverUnload{-1};

// What a model is expected to cost: declared, or learned by earlier loads (ProfileStore::model_facts).
struct ModelEstimate {
  Bytes bytes;                            // held while it is resident
  std::chrono::milliseconds load_time{};  // 0: unknown
};

// The promise of a model's resident bytes, made before the loader runs and given back (destroyed) after the object is gone.
class ResidentCharge {
 public:
  virtual ~ResidentCharge() = default;
  // The load is over and holds so many bytes (the estimate where nothing was measured). Called once, before anybody uses the model.
  virtual void settle(Bytes bytes) noexcept = 0;
  // The object is about to be destroyed: lower what is stated as materialised, before memory is freed.
  virtual void before_unload() noexcept = 0;
};

struct LoadedModel {
  std::shared_ptr<void> object;   // not null, the only owner; its deleter frees the memory and must not throw
  std::optional<Bytes> measured;  // bytes the load was seen to take
};
using ModelLoader = std::function<base::Result<LoadedModel>()>;

struct ModelRequest {
  std::string key;
  std::type_index type = typeid(void);  // a key asked for with another type than it was loaded with is an error
  ModelEstimate estimate;
  ModelLoader loader;  // runs in the caller's thread, at most once
  // Called before the loader, outside every lock. An error is told to all who wait. Empty: nothing is charged.
  std::function<base::Result<std::unique_ptr<ResidentCharge>>(Bytes estimate)> charge;
  // Bytes this process holds on the device now, by an instrument that others cannot disturb; asked before and after the loader
  // where the loader measures nothing itself. Empty function or empty answer: unknown, the estimate counts.
  std::function<std::optional<Bytes>()> held_now;
  std::optional<std::chrono::milliseconds> idle_timeout;  // of this model, as it was loaded; else the cache's
  std::stop_token stop;                                   // ends a wait for somebody else's load; the load goes on
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();  // likewise
};

struct ModelLoadReport {
  std::string key;
  Bytes bytes;  // measured, else the estimate
  bool measured = false;
  std::chrono::milliseconds load_time{};
};
struct ModelUnloadReport {
  std::string key;
  Bytes bytes;
  UnloadReason reason;
};

struct ModelCacheOptions {
  std::chrono::milliseconds idle_timeout{300'000};  // 0: unloaded as soon as nobody uses it, -1 (kNeverUnload): never by time
  bool timer = true;                                // a thread of the cache unloads at the right time; else somebody calls expire()
  const base::Clock* clock = nullptr;               // must outlive the cache and its handles; null: the system's
  // Outside every lock, in the thread that loaded or unloaded; must not throw.
  std::function<void(const ModelLoadReport&)> on_load;
  std::function<void(const ModelUnloadReport&)> on_unload;
};

struct ModelInfo {
  std::string key;
  ModelState state = ModelState::Absent;
  Bytes bytes;
  std::size_t uses = 0;     // handles
  std::size_t waiting = 0;  // requests that wait for its load
  std::chrono::milliseconds load_time{};
  std::chrono::milliseconds idle_for{};
};
struct ModelCacheCounters {
  std::uint64_t hits = 0;  // asked for and held, or loaded by somebody else meanwhile
  std::uint64_t loads = 0;
  std::uint64_t load_failures = 0;
  std::uint64_t left = 0;  // gave up waiting: cancelled or too late
  std::uint64_t unloads_idle = 0;
  std::uint64_t unloads_for_room = 0;
  std::uint64_t unloads_other = 0;
};
struct UnloadedBytes {
  std::size_t models = 0;
  Bytes bytes;
};

// Thread-safe. Handles may outlive the cache: the last one then unloads the model.
class ModelCache {
 public:
  explicit ModelCache(ModelCacheOptions options = {});
  ModelCache(const ModelCache&) = delete;
  ModelCache& operator=(const ModelCache&) = delete;
  ~ModelCache();  // unloads what is idle; what is used goes with its last handle

  // The model, loaded by this call if nobody has; the handle counts as a use until its last copy is gone.
  // Errors: what the loader or `charge` returned; Cancelled or Timeout for a wait that ended; InvalidArgument for a key held with
  // another type; Internal for a loader that asks for its own key or gives nothing. A loader that threw: error Internal with what()
  // in it, and the exception itself in `*thrown`, for each of those who waited.
  base::Result<std::shared_ptr<void>> acquire(const ModelRequest& request, std::exception_ptr* thrown = nullptr);

  // A use of a model that is held now, without loading; null if it is not held (typed form: or held with another type). Who charges
  // a request as warm takes one before deciding and keeps it, so that the model cannot go in between.
  std::shared_ptr<void> pin(std::string_view key);
  template <class T>
  std::shared_ptr<T> pin(std::string_view key);

  // Typed form. `load` returns std::shared_ptr<T> or std::unique_ptr<T>, and may throw; the exception comes out again here, in
  // every request that waited.
  template <class T, class Load>
  base::Result<std::shared_ptr<T>> get(ModelRequest request, Load load);

  // Unloads idle models, cheapest reload per byte first, until `needed` bytes are free; none that turns out not to be needed for
  // that. Returns when they are destroyed.
  UnloadedBytes unload_idle(Bytes needed);
  UnloadedBytes unload_all_idle(UnloadReason reason = UnloadReason::Asked);
  bool unload(std::string_view key, UnloadReason reason = UnloadReason::Asked);  // false: not held, or used
  // What unload_idle could free now.
  Bytes idle_bytes() const;
  Bytes resident_bytes() const;  // of all models held, also while they are loaded or unloaded

  // Unloads what has been idle for too long at this time of the clock (monotonic). For programs without the timer thread, and for
  // tests.
  UnloadedBytes expire(std::chrono::nanoseconds now);
  // When expire() would next find something.
  std::optional<std::chrono::nanoseconds> next_expiry() const;

  std::vector<ModelInfo> models() const;  // by key
  std::optional<ModelState> state(std::string_view key) const;
  ModelCacheCounters counters() const;
  // Aborts when an invariant of the cache does not hold. For tests.
  void check_invariants() const;

 private:
  class Core;
  std::shared_ptr<void> pin_typed(std::string_view key, std::type_index type);
  std::shared_ptr<Core> core_;
};

template <class T>
std::shared_ptr<T> ModelCache::pin(std::string_view key) {
  return std::static_pointer_cast<T>(pin_typed(key, typeid(T)));
}

template <class T, class Load>
base::Result<std::shared_ptr<T>> ModelCache::get(ModelRequest request, Load load) {
  request.type = typeid(T);
  request.loader = [load = std::move(load)]() mutable -> base::Result<LoadedModel> {
    std::shared_ptr<T> object = load();
    return LoadedModel{std::move(object), std::nullopt};
  };
  std::exception_ptr thrown;
  auto handle = acquire(request, &thrown);
  if (thrown) std::rethrow_exception(thrown);
  if (!handle) return std::move(handle).error();
  return std::static_pointer_cast<T>(std::move(handle).value());
}

}  // namespace vram
