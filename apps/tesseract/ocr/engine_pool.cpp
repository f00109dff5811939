#include "ocr/engine_pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <new>

namespace ocr {
namespace {

using base::Error;
using base::ErrorCode;

std::string key_of(const EngineOptions& options) {
  std::string key = options.data_directory;
  for (const auto& language : options.languages) key += '\n' + language;
  return key;
}

struct Idle {
  std::string key;
  std::unique_ptr<Engine> engine;
};

}  // namespace

// Invariants: idle.size() <= loaded <= limit; idle is ordered by when its engines came back, longest ago first. `loaded` counts
// lent and idle engines and those being loaded.
struct EnginePool::State {
  explicit State(std::size_t most) : limit(std::max<std::size_t>(most, 1)) {}
  const std::size_t limit;
  std::mutex mutex;
  std::condition_variable_any changed;
  std::list<Idle> idle;
  std::size_t loaded = 0;

  bool can_serve() const { return !idle.empty() || loaded < limit; }

  // An idle engine with that key, else room for a new one (null engine), made by taking `out` the engine unused for longest.
  // REQUIRES: can_serve(), the lock.
  std::unique_ptr<Engine> take(const std::string& key, std::unique_ptr<Engine>& out) {
    const auto found = std::find_if(idle.rbegin(), idle.rend(), [&](const Idle& entry) { return entry.key == key; });
    if (found != idle.rend()) {
      auto engine = std::move(found->engine);
      idle.erase(std::next(found).base());
      return engine;
    }
    if (loaded < limit) {
      ++loaded;
    } else {
      out = std::move(idle.front().engine);
      idle.pop_front();
    }
    return nullptr;
  }
};

namespace {

// The place of an engine that is being loaded, given up again unless the engine was lent. Loading may throw (no memory), and a
// place lost each time would leave a pool in which every request waits for ever.
template <class State>
class Place {
 public:
  explicit Place(State& state) : state_(&state) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (state_ == nullptr) return;
    const std::lock_guard lock(state_->mutex);
    --state_->loaded;
    state_->changed.notify_one();
  }
  void keep() noexcept { state_ = nullptr; }

 private:
  State* state_;
};

}  // namespace

EnginePool::EnginePool(std::size_t limit, Loader load) : state_(std::make_shared<State>(limit)), load_(std::move(load)) {}

base::Result<EnginePool::Lease> EnginePool::acquire(const EngineOptions& options, const Limits& limits) {
  const std::string key = key_of(options);
  std::unique_ptr<Engine> engine, displaced;
  {
    std::unique_lock lock(state_->mutex);
    const auto ready = [this] { return state_->can_serve(); };
    const bool served = limits.deadline ? state_->changed.wait_until(lock, limits.stop, *limits.deadline, ready)
                                        : state_->changed.wait(lock, limits.stop, ready);
    if (!served && limits.stop.stop_requested()) return Error{ErrorCode::Cancelled, "waiting for a text recogniser was cancelled"};
    if (!served)
      return Error{ErrorCode::Timeout,
                   "no text recogniser became free before the deadline: all " + std::to_string(state_->limit) + " are in use"};
    engine = state_->take(key, displaced);
  }
  displaced.reset();  // outside the lock, and before its successor takes memory
  if (engine) return Lease(state_, key, std::move(engine));

  Place place(*state_);
  auto loaded = load_(options);
  if (!loaded) return std::move(loaded).error();
  engine = std::make_unique<Engine>(std::move(loaded).value());
  Lease lease(state_, key, std::move(engine));
  place.keep();
  return lease;
}

std::size_t EnginePool::idle() const {
  const std::lock_guard lock(state_->mutex);
  return state_->idle.size();
}

std::size_t EnginePool::loaded() const {
  const std::lock_guard lock(state_->mutex);
  return state_->loaded;
}

EnginePool::Lease& EnginePool::Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  state_ = std::move(other.state_);
  key_ = std::move(other.key_);
  engine_ = std::move(other.engine_);
  return *this;
}

EnginePool::Lease::~Lease() { give_back(); }

void EnginePool::Lease::give_back() noexcept {
  if (!engine_) return;
  const std::lock_guard lock(state_->mutex);
  try {
    state_->idle.push_back(Idle{std::move(key_), std::move(engine_)});
  } catch (const std::bad_alloc&) {  // then it is loaded anew when it is wanted
    --state_->loaded;
  }
  state_->changed.notify_one();
}

}  // namespace ocr
