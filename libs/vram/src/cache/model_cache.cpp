// Getting models: who loads, who waits, who uses. Letting go of them is in model_unload.cpp.
#include "vram/model_cache.hpp"

#include <algorithm>
#include <cstdlib>

#include "cache/cache_core.hpp"

namespace vram {

using base::Error;
using base::ErrorCode;
using base::Result;
using base::Status;

ModelCache::Core::Core(ModelCacheOptions options) : options_(std::move(options)) {
  if (options_.clock == nullptr) options_.clock = &base::system_clock();
}

ModelCache::Core::Model::Model(const ModelRequest& request)
    : key(request.key),
      type(request.type),
      bytes(request.estimate.bytes),
      load_time(request.estimate.load_time),
      loading_thread(std::this_thread::get_id()) {}

void ModelCache::Core::move(Model& model, ModelState to) {
  if (!is_legal_move(model.state, to)) std::abort();
  model.state = to;
}

std::shared_ptr<void> ModelCache::Core::handle(const ModelPtr& model) {
  void* const object = model->object.get();
  return {std::make_shared<Use>(shared_from_this(), model), object};
}

Result<std::shared_ptr<void>> ModelCache::Core::acquire(const ModelRequest& request, std::exception_ptr* thrown) {
  Lock lock(mutex_);
  for (;;) {
    const auto at = models_.find(request.key);
    if (at == models_.end()) return load(lock, request, thrown);
    const ModelPtr model = at->second;
    if (model->type != request.type) {
      return Error{ErrorCode::InvalidArgument,
                   "model '" + request.key + "' is asked for with another type than it was loaded with; use a key of its own"};
    }
    if (model->state == ModelState::Loading) return join_load(lock, model, request, thrown);
    if (model->state != ModelState::Unloading) {
      if (model->state == ModelState::Idle) move(*model, ModelState::InUse);
      ++model->uses;
      ++counters_.hits;
      return handle(model);
    }
    // Both copies would be in memory together if this request loaded now.
    BASE_TRY(wait(lock, request, [&] { return model->state == ModelState::Absent; }));
  }
}

std::shared_ptr<void> ModelCache::Core::pin(std::string_view key, const std::type_index* type) {
  const Lock lock(mutex_);
  const auto at = models_.find(key);
  if (at == models_.end()) return nullptr;
  const ModelPtr& model = at->second;
  const bool held = model->state == ModelState::InUse || model->state == ModelState::Idle;
  if (!held || (type != nullptr && *type != model->type)) return nullptr;
  if (model->state == ModelState::Idle) move(*model, ModelState::InUse);
  ++model->uses;
  return handle(model);
}

template <class Done>
Status ModelCache::Core::wait(Lock& lock, const ModelRequest& request, Done done) {
  if (moved_.wait_until(lock, request.stop, request.deadline, done)) return {};
  ++counters_.left;
  if (request.stop.stop_requested()) return Error{ErrorCode::Cancelled, "the wait for model '" + request.key + "' was cancelled"};
  return Error{ErrorCode::Timeout, "model '" + request.key + "' was not ready before the deadline of the request"};
}

Result<std::shared_ptr<void>> ModelCache::Core::join_load(Lock& lock, const ModelPtr& model, const ModelRequest& request,
                                                          std::exception_ptr* thrown) {
  if (model->loading_thread == std::this_thread::get_id()) {
    return Error{ErrorCode::Internal, "the loader of model '" + request.key + "' asks for that model itself"};
  }
  ++model->waiting;
  if (auto waited = wait(lock, request, [&] { return model->state != ModelState::Loading; }); !waited) {
    --model->waiting;
    return std::move(waited).error();
  }
  // The loading thread has turned this wait into a use already:
  // 1 the load ends, 2 its request is quick and lets go, with an idle time of 0, 3 only now this thread wakes up: without that use
  // it would find the model gone and load it a second time.
  if (model->outcome) {
    ++counters_.hits;
    return handle(model);
  }
  if (thrown != nullptr) *thrown = model->thrown;
  return model->outcome.error();
}

Result<std::shared_ptr<void>> ModelCache::Core::load(Lock& lock, const ModelRequest& request, std::exception_ptr* thrown) {
  const auto model = std::make_shared<Model>(request);
  model->idle_timeout = request.idle_timeout.value_or(options_.idle_timeout);
  move(*model, ModelState::Loading);
  models_.emplace(request.key, model);
  lock.unlock();

  Model loaded(request);  // filled outside the lock, published under it
  const Status outcome = run_loader(request, loaded, *options_.clock);
  if (!outcome) loaded.charge.reset();  // given back before anybody hears of the failure and tries again

  lock.lock();
  model->outcome = outcome;
  model->thrown = loaded.thrown;
  if (!outcome) {
    ++counters_.load_failures;
    move(*model, ModelState::Failed);
    models_.erase(request.key);
    moved_.notify_all();
    move(*model, ModelState::Absent);
    if (thrown != nullptr) *thrown = model->thrown;
    return outcome.error();
  }
  ++counters_.loads;
  model->object = std::move(loaded.object);
  model->charge = std::move(loaded.charge);
  model->bytes = loaded.bytes;
  model->measured = loaded.measured;
  model->load_time = loaded.load_time;
  move(*model, ModelState::InUse);
  model->uses = 1 + std::exchange(model->waiting, 0);
  auto result = handle(model);
  moved_.notify_all();
  lock.unlock();
  if (options_.on_load) options_.on_load({request.key, loaded.bytes, loaded.measured, loaded.load_time});
  return result;
}

Status ModelCache::Core::run_loader(const ModelRequest& request, Model& model, const base::Clock& clock) {
  if (!request.loader) return Error{ErrorCode::Internal, "model '" + request.key + "' has no loader"};
  try {
    if (request.charge) { BASE_TRY_ASSIGN(model.charge, request.charge(request.estimate.bytes)); }
    const auto before = request.held_now ? request.held_now() : std::nullopt;
    const auto start = clock.monotonic();
    BASE_TRY_ASSIGN(LoadedModel result, request.loader());
    model.load_time = std::chrono::duration_cast<std::chrono::milliseconds>(clock.monotonic() - start);
    if (!result.object) return Error{ErrorCode::Internal, "the loader of model '" + request.key + "' gave no model"};
    const auto after = before ? request.held_now() : std::nullopt;
    if (!result.measured && after && *after > *before) result.measured = *after - *before;
    model.object = std::move(result.object);
    model.measured = result.measured.has_value();
    if (result.measured) model.bytes = *result.measured;
    if (model.charge) model.charge->settle(model.bytes);
    return {};
  } catch (const std::exception& reason) {
    model.thrown = std::current_exception();
    return Error{ErrorCode::Internal, "loading model '" + request.key + "' failed: " + reason.what()};
  } catch (...) {
    model.thrown = std::current_exception();
    return Error{ErrorCode::Internal, "loading model '" + request.key + "' failed with an exception that tells no reason"};
  }
}

ModelCache::ModelCache(ModelCacheOptions options) : core_(std::make_shared<Core>(std::move(options))) { core_->start(); }
ModelCache::~ModelCache() { core_->close(); }

Result<std::shared_ptr<void>> ModelCache::acquire(const ModelRequest& request, std::exception_ptr* thrown) {
  return core_->acquire(request, thrown);
}
std::shared_ptr<void> ModelCache::pin(std::string_view key) { return core_->pin(key, nullptr); }
std::shared_ptr<void> ModelCache::pin_typed(std::string_view key, std::type_index type) { return core_->pin(key, &type); }
UnloadedBytes ModelCache::unload_idle(Bytes needed) { return core_->unload_idle(needed); }
UnloadedBytes ModelCache::unload_all_idle(UnloadReason reason) { return core_->unload_all_idle(reason); }
bool ModelCache::unload(std::string_view key, UnloadReason reason) { return core_->unload(key, reason); }
Bytes ModelCache::idle_bytes() const { return core_->bytes(true); }
Bytes ModelCache::resident_bytes() const { return core_->bytes(false); }
UnloadedBytes ModelCache::expire(std::chrono::nanoseconds now) { return core_->expire(now); }
std::optional<std::chrono::nanoseconds> ModelCache::next_expiry() const { return core_->next_expiry(); }
std::vector<ModelInfo> ModelCache::models() const { return core_->models(); }
std::optional<ModelState> ModelCache::state(std::string_view key) const { return core_->state(key); }
ModelCacheCounters ModelCache::counters() const { return core_->counters(); }
void ModelCache::check_invariants() const { core_->check_invariants(); }

}  // namespace vram
