// The worker's side of the protocol for programs in C++: takes requests from the front and runs a handler, several at once if it
// may.
#pragma once
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "worker/document.hpp"
#include "worker/protocol.hpp"
#include "worker/worker_pool.hpp"

namespace worker {

struct ServedRequest {
  std::string kind;
  Attributes attributes;
  Document document;
};

struct ServedAnswer {
  Attributes attributes;
  Document document;
  WorkerCode code = WorkerCode::None;
  std::string error;  // not empty: the request failed (frame `error`); the document is not sent
  std::optional<MemoryReport> memory;
};

// What a handler may tell the front while it runs. Thread-safe; failures are ignored, since a front that is gone ends this process
// anyway.
class WorkerReports {
 public:
  virtual ~WorkerReports() = default;
  virtual void progress(std::uint64_t request, double fraction, std::string_view text) = 0;
  virtual void log(std::uint64_t request, base::LogLevel level, std::string_view line) = 0;
  virtual void memory(const MemoryReport& report) = 0;
  virtual void models(const std::vector<ResidentModel>& held, const Attributes& attributes = {}) = 0;
};

class WorkerHandler {
 public:
  virtual ~WorkerHandler() = default;
  // On one of `concurrency` threads. `stop` is requested when nobody waits any more. Must not throw.
  virtual ServedAnswer handle(std::uint64_t id, ServedRequest request, std::stop_token stop, WorkerReports& reports) = 0;
  // On the thread of `serve`: give this model back if no request uses it, and report the models in any case. Must not wait for
  // requests.
  virtual void unload(std::string_view model, WorkerReports& reports);
};

class WorkerServer {
 public:
  // Takes over the descriptors (kChannelFd, kLifeLineFd in a pool's worker), holds the life line and says hello. Call it before
  // anything slow. Errors: InvalidArgument (not started by a pool), Io.
  static base::Result<std::unique_ptr<WorkerServer>> open(int channel_fd, int life_line_fd, std::string program);
  virtual ~WorkerServer() = default;
  virtual WorkerReports& reports() = 0;
  // Says ready, then serves until the front says shutdown or closes. Running requests are finished first. Waits.
  virtual base::Status serve(WorkerHandler& handler, unsigned concurrency, const MemoryReport& memory) = 0;
};

}  // namespace worker
