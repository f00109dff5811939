// Engines that are loaded once and lent to one request at a time.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>

#include "base/result.hpp"
#include "ocr/engine.hpp"

namespace ocr {

// Holds at most `limit` engines, lent and idle together; an idle engine of another language makes room, the longest unused first.
// Thread-safe. The pool must outlive nothing: leases keep what they need alive.
class EnginePool {
 private:
  struct State;

 public:
  // A lent engine, given back on destruction.
  class Lease {
   public:
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease();
    Engine& operator*() const noexcept { return *engine_; }
    Engine* operator->() const noexcept { return engine_.get(); }

   private:
    friend class EnginePool;
    Lease(std::shared_ptr<State> state, std::string key, std::unique_ptr<Engine> engine)
        : state_(std::move(state)), key_(std::move(key)), engine_(std::move(engine)) {}
    void give_back() noexcept;
    std::shared_ptr<State> state_;
    std::string key_;
    std::unique_ptr<Engine> engine_;
  };

  using Loader = std::function<base::Result<Engine>(const EngineOptions&)>;
  // limit >= 1. `load` may throw: the place is free again then, and so for an error.
  explicit EnginePool(
      std::size_t limit, Loader load = [](const EngineOptions& options) { return Engine::load(options); });

  // An idle engine with these options, else a new one, else waits until one comes back. Errors: those of Engine::load; Cancelled,
  // Timeout while waiting.
  base::Result<Lease> acquire(const EngineOptions& options, const Limits& limits = {});

  std::size_t idle() const;    // engines not lent
  std::size_t loaded() const;  // lent and idle

 private:
  std::shared_ptr<State> state_;
  Loader load_;
};

}  // namespace ocr
