// How many worker processes there are: as many as fit, and none that only holds what nobody wants.
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "hosted_backend.hpp"
#include "hosted_observer.hpp"
#include "worker_plan.hpp"

namespace clams::server {
namespace {

constexpr std::chrono::milliseconds kOften{50}, kUsual{500};
constexpr std::chrono::seconds kRetirePatience{1};

bool stays(const worker::WorkerStatus& worker) {
  return worker.state == worker::WorkerState::Starting || worker::takes_requests(worker.state);
}

unsigned count_staying(const worker::PoolStatus& status) {
  return static_cast<unsigned>(std::count_if(status.workers.begin(), status.workers.end(), stays));
}

}  // namespace

void HostedBackend::resize(unsigned workers) {
  most_workers_ = workers;
  pool_->resize(workers, options_.per_worker);
}

std::chrono::milliseconds HostedBackend::tending_interval() const {
  const auto idle = options_.gpu.model_idle;
  return idle.count() < 0 ? kUsual : std::clamp(idle / 4, kOften, kUsual);
}

void HostedBackend::tend_workers(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  while (!stopped.wait_for(lock, stop, tending_interval(), [&] { return stop.stop_requested(); })) {
    options_.cpus->refresh();
    plan_workers();
    end_idle_workers();
  }
}

bool HostedBackend::holds_memory(std::uint64_t worker_id) const {
  const auto slot = observer_->slot_of(worker_id);
  const auto gauges = gpu_->gauges();
  return slot != nullptr && std::any_of(gauges.begin(), gauges.end(), [&](const auto& device) {
           return gpu_->held_by(*slot, vram::DeviceUuid(device.uuid)) > observer_->held_at_start(worker_id);
         });
}

void HostedBackend::plan_workers() {
  if (!options_.workers_follow_memory || !gpu_->has_gpu()) return;
  WorkerNeeds needs;
  if (const base::Bytes cold(cold_bytes_.load()); cold > base::Bytes()) needs.one_more = cold + gpu_->start_bytes();
  for (const auto& device : gpu_->gauges()) {
    if (!device.known) return;  // then the policy for unknown decides each request
    needs.available.push_back(device.available);
  }
  const auto status = pool_->status();
  std::vector<std::uint64_t> cold_and_idle;
  for (const auto& worker : status.workers) {
    if (!worker::takes_requests(worker.state)) continue;
    if (worker.running > 0 || !worker.models.empty() || holds_memory(worker.worker.id))
      ++needs.warm;
    else
      cold_and_idle.push_back(worker.worker.id);
  }
  const unsigned planned = planned_workers(needs, most_workers_);
  unsigned staying = count_staying(status);
  // Those that hold nothing go; one that does is never ended for the plan's sake.
  for (const std::uint64_t id : cold_and_idle) {
    if (staying <= planned) break;
    auto retired = pool_->retire_idle(id);
    if (retired.wait_for(kRetirePatience) == std::future_status::ready && retired.get()) --staying;
  }
  // Before anything was learned there is nothing to say.
  if (std::exchange(planned_workers_, planned) != planned && needs.one_more > base::Bytes()) {
    options_.log.info("at most " + std::to_string(planned) + (planned == 1 ? " worker process" : " worker processes") +
                      " for now: another one needs " + to_string(needs.one_more) + " of GPU memory");
  }
  pool_->resize(std::max(planned, staying), options_.per_worker);
}

void HostedBackend::end_idle_workers() {
  const auto limit = options_.gpu.model_idle;
  if (limit.count() < 0) return;
  const auto status = pool_->status();
  unsigned staying = count_staying(status);
  for (const auto& worker : status.workers) {
    if (worker.state != worker::WorkerState::Ready || std::chrono::steady_clock::now() - worker.idle_since < limit) continue;
    const bool surplus = staying > 1;
    // One that tells its models unloads them by itself.
    const bool keeps = !options_.models_are_told && holds_memory(worker.worker.id);
    if (!surplus && !keeps) continue;
    auto retired = pool_->retire_idle(worker.worker.id);
    if (retired.wait_for(kRetirePatience) == std::future_status::ready && retired.get()) --staying;
  }
}

}  // namespace clams::server
