// Ties the life of worker processes to their lines in the ledger.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "clams/gpu_memory.hpp"
#include "hosted_backend.hpp"
#include "worker/observer.hpp"

namespace clams::server {

std::vector<WorkerDeviceReport> reports_of(const worker::MemoryReport& report);

// A worker gets its life token as descriptor 5 and the devices as UUIDs. Thread-safe.
class HostedBackend::Observer final : public worker::WorkerObserver {
 public:
  explicit Observer(std::string app) : app_(std::move(app)) {}
  // The first worker starts before the metadata is known, and with it the GPU memory.
  void use(std::shared_ptr<GpuMemory> gpu, std::string app);
  std::shared_ptr<vram::ProcessSlot> slot_of(std::uint64_t worker_id) const;
  std::map<std::uint64_t, std::shared_ptr<vram::ProcessSlot>> slots() const;

  // While the answer is held, models that this worker begins to hold come out of this request's charge.
  std::shared_ptr<const void> runs(std::uint64_t worker_id, std::shared_ptr<GpuRequest> request);

  // What the worker held on any device when it became ready.
  base::Bytes held_at_start(std::uint64_t worker_id) const;
  // Why there is no room for a worker; empty once there was.
  std::optional<vram::Refusal> start_refusal() const;

  base::Result<worker::StartGrant> before_start(const worker::WorkerRef& worker, std::stop_token stop) override;
  void started(const worker::WorkerRef& worker) override;
  void ready(const worker::WorkerRef& worker, const worker::MemoryReport& report) override;
  void memory(const worker::WorkerRef& worker, const worker::MemoryReport& report) override;
  void models(const worker::WorkerRef& worker, const std::vector<worker::ResidentModel>& held) override;
  void died(const worker::WorkerRef& worker, const worker::ExitReason& reason) override;
  void moved(const worker::WorkerRef& worker, worker::WorkerState from, worker::WorkerState to) override;

 private:
  struct Start {
    std::chrono::steady_clock::time_point began;
    std::unique_ptr<GpuRequest> promised;
  };
  std::shared_ptr<GpuMemory> gpu() const;
  void forget(std::uint64_t worker_id);
  mutable std::mutex mutex_;
  std::shared_ptr<GpuMemory> gpu_;
  std::string app_;
  std::map<std::uint64_t, std::shared_ptr<vram::ProcessSlot>> slots_;
  std::map<std::uint64_t, Start> starts_;        // workers that are not ready yet
  std::vector<WorkerDeviceReport> first_start_;  // of the worker that started before the GPU memory was known
  std::map<std::uint64_t, base::Bytes> held_at_start_;
  std::optional<vram::Refusal> start_refusal_;
  std::map<std::uint64_t, std::vector<std::shared_ptr<GpuRequest>>> running_;
  std::map<std::uint64_t, std::set<std::string>> held_;  // models, by worker
};

}  // namespace clams::server
