// The inside of a ModelCache, shared with its handles.
//
// Invariants: a model is in `models_` from Loading to Unloading and nowhere else. `uses` > 0 exactly in InUse. `object` is set
// exactly in InUse and Idle (the unloading thread takes it out under the lock). The loader, the charge, destructors and hooks run
// outside the lock.
#pragma once
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "vram/model_cache.hpp"

namespace vram {

class ModelCache::Core : public std::enable_shared_from_this<Core> {
 public:
  explicit Core(ModelCacheOptions options);
  void start();
  void close();

  base::Result<std::shared_ptr<void>> acquire(const ModelRequest& request, std::exception_ptr* thrown);
  std::shared_ptr<void> pin(std::string_view key, const std::type_index* type);
  UnloadedBytes unload_idle(Bytes needed);
  UnloadedBytes unload_all_idle(UnloadReason reason);
  bool unload(std::string_view key, UnloadReason reason);
  UnloadedBytes expire(std::chrono::nanoseconds now);
  std::optional<std::chrono::nanoseconds> next_expiry() const;
  Bytes bytes(bool idle_only) const;
  std::vector<ModelInfo> models() const;
  std::optional<ModelState> state(std::string_view key) const;
  ModelCacheCounters counters() const;
  void check_invariants() const;

 private:
  struct Model {
    explicit Model(const ModelRequest& request);
    std::string key;
    std::type_index type;
    ModelState state = ModelState::Absent;
    Bytes bytes;
    bool measured = false;
    std::chrono::milliseconds load_time{};
    std::chrono::milliseconds idle_timeout{};
    std::size_t uses = 0;
    std::size_t waiting = 0;
    std::chrono::nanoseconds idle_since{};
    std::thread::id loading_thread;
    std::shared_ptr<void> object;
    std::unique_ptr<ResidentCharge> charge;
    base::Status outcome;  // of the load, for those who waited
    std::exception_ptr thrown;
  };
  using ModelPtr = std::shared_ptr<Model>;
  struct Leaving {
    ModelPtr model;
    std::shared_ptr<void> object;
    std::unique_ptr<ResidentCharge> charge;
  };
  struct Use {  // one handle
    std::shared_ptr<Core> core;
    ModelPtr model;
    Use(std::shared_ptr<Core> c, ModelPtr m) : core(std::move(c)), model(std::move(m)) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { core->release(model); }
  };
  using Lock = std::unique_lock<std::mutex>;

  static void move(Model& model, ModelState to);
  std::shared_ptr<void> handle(const ModelPtr& model);
  base::Result<std::shared_ptr<void>> load(Lock& lock, const ModelRequest& request, std::exception_ptr* thrown);
  static base::Status run_loader(const ModelRequest& request, Model& model, const base::Clock& clock);
  base::Result<std::shared_ptr<void>> join_load(Lock& lock, const ModelPtr& model, const ModelRequest& request,
                                                std::exception_ptr* thrown);
  template <class Done>
  base::Status wait(Lock& lock, const ModelRequest& request, Done done);
  void release(const ModelPtr& model);

  Leaving take_out(const ModelPtr& model);
  UnloadedBytes finish(std::vector<Leaving> leaving, UnloadReason reason);
  std::vector<ModelPtr> cheapest(Bytes needed) const;
  std::optional<std::chrono::nanoseconds> expiry(const Model& model) const;
  std::optional<std::chrono::nanoseconds> next_expiry_locked() const;
  void run_timer();

  ModelCacheOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable_any moved_;  // some model changed its state
  std::condition_variable timer_wake_;
  std::map<std::string, ModelPtr, std::less<>> models_;
  ModelCacheCounters counters_;
  bool closed_ = false;
  std::thread timer_;
};

}  // namespace vram
