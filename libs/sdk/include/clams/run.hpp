// What an app has at hand while it works on one request.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <typeindex>

#include "base/log.hpp"
#include "clams/code_place.hpp"
#include "clams/exceptions.hpp"
#include "clams/gpu_memory.hpp"
#include "clams/parameters.hpp"
#include "mmif/mmif.hpp"

namespace clams {

// Belongs to the thread that runs `annotate`; `log`, `progress`, `cancelled`, `stop_token` and `cpu_threads` may be used from
// threads that the app starts.
class Run {
 public:
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  virtual ~Run() = default;

  // A new view, signed with the app's identifier, the parameters of the request and the time.
  virtual mmif::View& new_view() = 0;
  // Signs a view that the app made with Mmif::new_view, or signs again with parameters that the app has resolved.
  virtual void sign(mmif::View& view) = 0;
  virtual void sign(mmif::View& view, const Parameters& parameters) = 0;

  // A note for the client, in a warnings view. The same text from the same place is told once.
  virtual void warn(std::string_view message, std::string_view category = "UserWarning", CodePlace where = CodePlace::here()) = 0;

  virtual const base::Logger& log() const noexcept = 0;
  // 0 to 1; shown on a terminal in one-shot mode, logged at debug level otherwise.
  virtual void progress(double fraction, std::string_view what = {}) const = 0;

  // The client has gone, the deadline passed or the server is going down: stop soon; the answer will not be used.
  virtual std::stop_token stop_token() const noexcept = 0;
  bool cancelled() const noexcept { return stop_token().stop_requested(); }
  // Throws Cancelled.
  void throw_if_cancelled() const {
    if (cancelled()) throw Cancelled("the request was cancelled");
  }

  // CPU threads this request may use now, >= 1. While n requests run on c CPUs (those that the process may use, in all worker
  // processes of the server together) each gets max(1, c / n), so that the sum is never above max(c, n). The figure changes when
  // other requests start and end: ask before each piece of work, from any thread, and hand the answer to the engine. What an engine
  // was given it uses until it is given another.
  virtual unsigned cpu_threads() const noexcept = 0;
  virtual std::string_view request_id() const noexcept = 0;

  // GPU memory that this request was promised; device and source are empty without a GPU.
  virtual GpuRequest& gpu() noexcept = 0;

  // A model that stays: loaded by `load` (std::shared_ptr<T> or std::unique_ptr<T>, may throw) when it is not held, shared by all
  // requests, unloaded when it was idle for a while or room is needed. However many requests ask at once, it is loaded once. `key`
  // tells models apart; where `model_requirement` names the same key, a request for a held model is charged its increment only.
  // Exceptions of `load` come out here, in every request that waited; throws Cancelled when the request is stopped while it waits.
  template <class T, class Load>
  std::shared_ptr<T> model(const std::string& key, Load load, std::optional<std::chrono::milliseconds> idle = std::nullopt) {
    return std::static_pointer_cast<T>(model_of(
        key, typeid(T),
        [load = std::move(load)]() mutable -> base::Result<vram::LoadedModel> {
          std::shared_ptr<T> object = load();
          return vram::LoadedModel{std::move(object), std::nullopt};
        },
        idle));
  }

 protected:
  Run() = default;
  virtual std::shared_ptr<void> model_of(const std::string& key, std::type_index type, vram::ModelLoader loader,
                                         std::optional<std::chrono::milliseconds> idle) = 0;
};

}  // namespace clams
