#include "worker/observer.hpp"

namespace worker {

base::Result<StartGrant> WorkerObserver::before_start(const WorkerRef&, std::stop_token) { return StartGrant{}; }
void WorkerObserver::started(const WorkerRef&) {}
void WorkerObserver::ready(const WorkerRef&, const MemoryReport&) {}
void WorkerObserver::memory(const WorkerRef&, const MemoryReport&) {}
void WorkerObserver::models(const WorkerRef&, const std::vector<ResidentModel>&, const Attributes&) {}
void WorkerObserver::died(const WorkerRef&, const ExitReason&) {}
void WorkerObserver::moved(const WorkerRef&, WorkerState, WorkerState) {}

}  // namespace worker
