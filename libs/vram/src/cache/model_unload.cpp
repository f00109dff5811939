// Letting go of models: handles, idle time, room for others; and what the cache tells about itself.
#include <algorithm>
#include <cstdlib>

#include "cache/cache_core.hpp"

namespace vram {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kLongest = std::chrono::hours(24 * 3650);
constexpr milliseconds kTimerNap = std::chrono::minutes(1);

// Milliseconds of loading for each byte that comes free. A model of unknown size goes last.
double reload_cost(Bytes bytes, milliseconds load_time) {
  if (bytes == Bytes()) return 1e300;
  return static_cast<double>(std::max(load_time, milliseconds(1)).count()) / static_cast<double>(bytes.count());
}

}  // namespace

void ModelCache::Core::start() {
  if (options_.timer) timer_ = std::thread([this] { run_timer(); });
}

void ModelCache::Core::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    timer_wake_.notify_all();
  }
  if (timer_.joinable()) timer_.join();
  unload_all_idle(UnloadReason::CacheClosed);
}

void ModelCache::Core::release(const ModelPtr& model) {
  std::vector<Leaving> leaving;
  UnloadReason reason = UnloadReason::IdleTimeout;
  {
    const std::lock_guard lock(mutex_);
    if (model->uses == 0) std::abort();
    if (--model->uses > 0) return;
    move(*model, ModelState::Idle);
    model->idle_since = options_.clock->monotonic();
    if (closed_) reason = UnloadReason::CacheClosed;
    if (closed_ || model->idle_timeout == milliseconds(0)) leaving.push_back(take_out(model));
    moved_.notify_all();
    timer_wake_.notify_one();
  }
  finish(std::move(leaving), reason);
}

ModelCache::Core::Leaving ModelCache::Core::take_out(const ModelPtr& model) {
  move(*model, ModelState::Unloading);
  return {model, std::move(model->object), std::move(model->charge)};
}

UnloadedBytes ModelCache::Core::finish(std::vector<Leaving> leaving, UnloadReason reason) {
  UnloadedBytes freed;
  for (Leaving& one : leaving) {
    if (one.charge) one.charge->before_unload();
    one.object.reset();
    one.charge.reset();
    {
      const std::lock_guard lock(mutex_);
      move(*one.model, ModelState::Absent);
      models_.erase(one.model->key);
      ++(reason == UnloadReason::IdleTimeout  ? counters_.unloads_idle
         : reason == UnloadReason::RoomNeeded ? counters_.unloads_for_room
                                              : counters_.unloads_other);
      moved_.notify_all();
    }
    ++freed.models;
    freed.bytes += one.model->bytes;
    if (options_.on_unload) options_.on_unload({one.model->key, one.model->bytes, reason});
  }
  return freed;
}

std::vector<ModelCache::Core::ModelPtr> ModelCache::Core::cheapest(Bytes needed) const {
  std::vector<ModelPtr> idle;
  for (const auto& [key, model] : models_) {
    if (model->state == ModelState::Idle) idle.push_back(model);
  }
  std::sort(idle.begin(), idle.end(), [](const ModelPtr& a, const ModelPtr& b) {
    return std::pair(reload_cost(a->bytes, a->load_time), a->idle_since) <
           std::pair(reload_cost(b->bytes, b->load_time), b->idle_since);
  });
  std::vector<ModelPtr> chosen;
  Bytes freed;
  for (const ModelPtr& model : idle) {
    if (freed >= needed) break;
    chosen.push_back(model);
    freed += model->bytes;
  }
  // A large one taken last can make the small ones before it needless; the costliest of these stay.
  for (std::size_t i = chosen.size(); i-- > 0 && freed > needed;) {
    if (freed - chosen[i]->bytes < needed) continue;
    freed -= chosen[i]->bytes;
    chosen.erase(chosen.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return chosen;
}

UnloadedBytes ModelCache::Core::unload_idle(Bytes needed) {
  std::vector<Leaving> leaving;
  {
    const std::lock_guard lock(mutex_);
    for (const ModelPtr& model : cheapest(needed)) leaving.push_back(take_out(model));
  }
  return finish(std::move(leaving), UnloadReason::RoomNeeded);
}

UnloadedBytes ModelCache::Core::unload_all_idle(UnloadReason reason) {
  std::vector<Leaving> leaving;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, model] : models_) {
      if (model->state == ModelState::Idle) leaving.push_back(take_out(model));
    }
  }
  return finish(std::move(leaving), reason);
}

bool ModelCache::Core::unload(std::string_view key, UnloadReason reason) {
  std::vector<Leaving> leaving;
  {
    const std::lock_guard lock(mutex_);
    const auto at = models_.find(key);
    if (at == models_.end() || at->second->state != ModelState::Idle) return false;
    leaving.push_back(take_out(at->second));
  }
  finish(std::move(leaving), reason);
  return true;
}

std::optional<nanoseconds> ModelCache::Core::expiry(const Model& model) const {
  if (model.state != ModelState::Idle || model.idle_timeout < milliseconds(0)) return std::nullopt;
  return model.idle_since + std::min(model.idle_timeout, kLongest);
}

std::optional<nanoseconds> ModelCache::Core::next_expiry_locked() const {
  std::optional<nanoseconds> next;
  for (const auto& [key, model] : models_) {
    const auto at = expiry(*model);
    if (at && (!next || *at < *next)) next = at;
  }
  return next;
}

std::optional<nanoseconds> ModelCache::Core::next_expiry() const {
  const std::lock_guard lock(mutex_);
  return next_expiry_locked();
}

UnloadedBytes ModelCache::Core::expire(nanoseconds now) {
  std::vector<Leaving> leaving;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, model] : models_) {
      const auto at = expiry(*model);
      if (at && *at <= now) leaving.push_back(take_out(model));
    }
  }
  return finish(std::move(leaving), UnloadReason::IdleTimeout);
}

void ModelCache::Core::run_timer() {
  Lock lock(mutex_);
  while (!closed_) {
    const auto next = next_expiry_locked();
    const auto now = options_.clock->monotonic();
    if (next && *next <= now) {
      lock.unlock();
      expire(now);
      lock.lock();
    } else if (next) {
      timer_wake_.wait_for(lock, std::min<nanoseconds>(*next - now, kTimerNap));
    } else {
      timer_wake_.wait(lock);
    }
  }
}

Bytes ModelCache::Core::bytes(bool idle_only) const {
  const std::lock_guard lock(mutex_);
  Bytes sum;
  for (const auto& [key, model] : models_) {
    if (!idle_only || model->state == ModelState::Idle) sum += model->bytes;
  }
  return sum;
}

std::vector<ModelInfo> ModelCache::Core::models() const {
  const std::lock_guard lock(mutex_);
  const auto now = options_.clock->monotonic();
  std::vector<ModelInfo> result;
  for (const auto& [key, model] : models_) {
    const auto idle =
        model->state == ModelState::Idle ? std::chrono::duration_cast<milliseconds>(now - model->idle_since) : milliseconds(0);
    result.push_back({key, model->state, model->bytes, model->uses, model->waiting, model->load_time, idle});
  }
  return result;
}

std::optional<ModelState> ModelCache::Core::state(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto at = models_.find(key);
  return at == models_.end() ? std::nullopt : std::optional<ModelState>(at->second->state);
}

ModelCacheCounters ModelCache::Core::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void ModelCache::Core::check_invariants() const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, model] : models_) {
    const ModelState state = model->state;
    const bool held = state == ModelState::InUse || state == ModelState::Idle;
    const bool good = key == model->key && state != ModelState::Absent && state != ModelState::Failed &&
                      (model->uses > 0) == (state == ModelState::InUse) && (model->object != nullptr) == held &&
                      (model->waiting == 0 || state == ModelState::Loading) && (held || !model->charge);
    if (!good) std::abort();
  }
}

}  // namespace vram
