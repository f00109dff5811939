// What the owner of a pool is told, and asked, about its workers: so that memory is promised before a process starts and counted as
// draining after it died.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "worker/child_process.hpp"
#include "worker/protocol.hpp"
#include "worker/worker_state.hpp"

namespace worker {

// One worker process. `id` is never used twice within a pool; `slot` is the place it fills, from 0, and is used again after its
// death.
struct WorkerRef {
  std::uint64_t id = 0;
  unsigned slot = 0;
  pid_t pid = 0;  // 0 before the process exists
};

// The owner's consent to a start.
struct StartGrant {
  // Handed to the worker as descriptors 5, 6, … in this order (a ledger's life token, for example). Closed here once the process
  // runs.
  std::vector<base::Fd> descriptors;
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> arguments;  // appended to the command's
  // Kept while the process lives; dropped after `died`.
  std::shared_ptr<const void> until_death;
};

// All functions but `before_start` are called on the pool's event thread: they must be quick and must not call back into a function
// of the pool that waits. Default: do nothing, allow all.
class WorkerObserver {
 public:
  virtual ~WorkerObserver() = default;
  // Called on the pool's starter thread, one start after the other; may wait (for memory), with a deadline of
  // its own, and must return soon after `stop` is requested. An error means "not now": it is logged, the queue is told when no
  // other worker is left, and the start is tried again with back-off.
  virtual base::Result<StartGrant> before_start(const WorkerRef& worker, std::stop_token stop);
  virtual void started(const WorkerRef& worker);
  // It can take requests. The report may be empty.
  virtual void ready(const WorkerRef& worker, const MemoryReport& memory);
  // Each report, whatever frame it came with, before the request's completion is called.
  virtual void memory(const WorkerRef& worker, const MemoryReport& report);
  // The whole list; `attributes` as the two ends have agreed.
  virtual void models(const WorkerRef& worker, const std::vector<ResidentModel>& held, const Attributes& attributes);
  // The process has been collected. Its device bytes may take seconds to come back.
  virtual void died(const WorkerRef& worker, const ExitReason& reason);
  virtual void moved(const WorkerRef& worker, WorkerState from, WorkerState to);
};

}  // namespace worker
