// What stands behind the HTTP face: an app in this process, or one in worker processes.
#pragma once
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "clams/gpu_memory.hpp"
#include "clams/server/http.hpp"
#include "clams/service.hpp"

namespace clams::server {

struct WorkerGauges {
  std::size_t alive = 0;
  std::uint64_t started = 0, crashed = 0, hung = 0;
};

// Whether a request that comes now is run.
enum class Readiness {
  Ready,        // by a worker process, by one that is started when needed, or in this process
  Starting,     // once the first worker process is ready
  CannotStart,  // not before the reason why no worker process starts has passed; the log has it
};

// Thread-safe.
class AppBackend {
 public:
  virtual ~AppBackend() = default;
  virtual const std::string& identifier() const noexcept = 0;
  virtual const std::string& version() const noexcept = 0;
  virtual GpuMemory& gpu() noexcept = 0;
  // Whether `describe` takes a moment to answer this, because it reads the GPU; then it is not called on an I/O thread.
  virtual bool reads_gpu(const HttpRequest& request) const = 0;
  // GET /; must not block otherwise. nullopt: `annotate` answers it, on a request thread.
  virtual std::optional<HttpResponse> describe(const HttpRequest& request) = 0;
  // Whether `annotate` wants large bodies in shared memory (HttpServerOptions::shared_bodies); else every body is text.
  virtual bool wants_shared_bodies() const noexcept { return false; }
  // POST and PUT /.
  virtual HttpResponse annotate(HttpRequest request, std::stop_token stop) = 0;
  virtual WorkerGauges workers() const { return {}; }
  // Must not block.
  virtual Readiness readiness() const { return Readiness::Ready; }
  // New worker processes take over from the old ones; where there are none nothing happens. `reloaded`: a new one serves, or it is
  // clear that none can be started.
  virtual void reload() {}
  virtual bool reloaded() const { return true; }
  virtual vram::ModelCacheCounters model_events() { return gpu().model_counters(); }
};

HttpResponse to_response(Answer answer);
HttpResponse text_response(unsigned status, std::string content_type, std::string text);

}  // namespace clams::server
