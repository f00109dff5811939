// Ties the life of worker processes to their lines in the ledger.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "clams/gpu_memory.hpp"
#include "hosted_backend.hpp"
#include "worker/observer.hpp"
#include "worker_records.hpp"

namespace clams::server {

std::vector<WorkerDeviceReport> reports_of(const worker::MemoryReport& report);

// A worker gets its life token as descriptor 5 and the devices as UUIDs. Thread-safe.
class HostedBackend::Observer final : public worker::WorkerObserver {
 public:
  // With `cpus` the workers get the budget's descriptor; null: they know nothing of it.
  Observer(std::string app, std::shared_ptr<WorkerRecords> records, std::shared_ptr<const CpuBudget> cpus)
      : app_(std::move(app)), records_(std::move(records)), cpus_(std::move(cpus)) {}
  // The first worker starts before the metadata is known, and with it the GPU memory.
  void use(std::shared_ptr<GpuMemory> gpu, std::string app);
  std::shared_ptr<vram::ProcessSlot> slot_of(std::uint64_t worker_id) const;
  std::map<std::uint64_t, std::shared_ptr<vram::ProcessSlot>> slots() const;

  // While the answer is held, models that this worker begins to hold come out of this request's charge.
  std::shared_ptr<const void> runs(std::uint64_t worker_id, std::shared_ptr<GpuRequest> request);

  // How often the worker has answered that it was asked to unload this model.
  std::uint64_t unload_answers(std::uint64_t worker_id, const std::string& model) const;
  // Until it has answered more often than `before`; false: it has not by `deadline`, or it is dead.
  bool wait_for_answer(std::uint64_t worker_id, const std::string& model, std::uint64_t before,
                       std::chrono::steady_clock::time_point deadline) const;
  bool holds(std::uint64_t worker_id, const std::string& model) const;
  // Of all workers, the dead included.
  vram::ModelCacheCounters model_events() const;

  // What the worker held on any device when it became ready.
  base::Bytes held_at_start(std::uint64_t worker_id) const;
  // Why there is no room for a worker; empty once there was.
  std::optional<vram::Refusal> start_refusal() const;

  base::Result<worker::StartGrant> before_start(const worker::WorkerRef& worker, std::stop_token stop) override;
  void started(const worker::WorkerRef& worker) override;
  void ready(const worker::WorkerRef& worker, const worker::MemoryReport& report) override;
  void memory(const worker::WorkerRef& worker, const worker::MemoryReport& report) override;
  void models(const worker::WorkerRef& worker, const std::vector<worker::ResidentModel>& held,
              const worker::Attributes& attributes) override;
  void died(const worker::WorkerRef& worker, const worker::ExitReason& reason) override;
  void moved(const worker::WorkerRef& worker, worker::WorkerState from, worker::WorkerState to) override;

 private:
  struct Start {
    std::chrono::steady_clock::time_point began;
    std::unique_ptr<GpuRequest> promised;
  };
  std::shared_ptr<GpuMemory> gpu() const;
  base::Status promise_memory(const worker::WorkerRef& worker, const std::stop_token& stop, worker::StartGrant& grant);
  void charge_models(const worker::WorkerRef& worker, const std::vector<worker::ResidentModel>& held,
                     const std::map<std::string, base::Bytes>& before, const worker::Attributes& attributes);
  void forget(std::uint64_t worker_id);
  mutable std::mutex mutex_;
  mutable std::condition_variable answered_;
  std::shared_ptr<GpuMemory> gpu_;
  std::string app_;
  const std::shared_ptr<WorkerRecords> records_;
  const std::shared_ptr<const CpuBudget> cpus_;
  std::map<std::uint64_t, std::shared_ptr<vram::ProcessSlot>> slots_;
  std::map<std::uint64_t, Start> starts_;        // workers that are not ready yet
  std::vector<WorkerDeviceReport> first_start_;  // of the worker that started before the GPU memory was known
  std::map<std::uint64_t, base::Bytes> held_at_start_;
  std::optional<vram::Refusal> start_refusal_;
  std::map<std::uint64_t, std::vector<std::shared_ptr<GpuRequest>>> running_;
  struct Told {
    std::map<std::string, std::uint64_t> unload_answers;  // by model
    std::map<std::string, base::Bytes> held;
    vram::ModelCacheCounters events;
  };
  std::map<std::uint64_t, Told> told_;    // by worker
  vram::ModelCacheCounters past_events_;  // of the dead
};

}  // namespace clams::server
