#include "hosted_observer.hpp"

#include <fcntl.h>

#include <cerrno>

namespace clams::server {

std::vector<WorkerDeviceReport> reports_of(const worker::MemoryReport& report) {
  std::vector<WorkerDeviceReport> list;
  for (const auto& d : report.devices) {
    list.push_back({d.device, d.held_before, d.held_after, d.peak_allocated, d.peak_reserved, d.materialised, d.context});
  }
  return list;
}

void HostedBackend::Observer::use(std::shared_ptr<GpuMemory> gpu, std::string app) {
  const std::lock_guard lock(mutex_);
  gpu_ = std::move(gpu);
  app_ = std::move(app);
}

std::shared_ptr<GpuMemory> HostedBackend::Observer::gpu() const {
  const std::lock_guard lock(mutex_);
  return gpu_;
}

std::shared_ptr<vram::ProcessSlot> HostedBackend::Observer::slot_of(std::uint64_t worker_id) const {
  const std::lock_guard lock(mutex_);
  const auto at = slots_.find(worker_id);
  return at == slots_.end() ? nullptr : at->second;
}

std::map<std::uint64_t, std::shared_ptr<vram::ProcessSlot>> HostedBackend::Observer::slots() const {
  const std::lock_guard lock(mutex_);
  return slots_;
}

base::Result<worker::StartGrant> HostedBackend::Observer::before_start(const worker::WorkerRef& worker, std::stop_token) {
  worker::StartGrant grant;
  const auto memory = gpu();
  if (memory == nullptr || !memory->has_gpu()) return grant;
  std::string devices;
  for (const std::string& uuid : memory->device_uuids()) devices += (devices.empty() ? "" : ",") + uuid;
  if (!devices.empty()) grant.environment.emplace_back("CUDA_VISIBLE_DEVICES", devices);
  auto prepared = memory->prepare_worker(app_);
  if (!prepared) return grant;  // without a ledger the policy for unknown decides each request
  // The pool closes its copy once the process runs: from then on the token lives exactly as long as the worker.
  const int copy = ::fcntl(prepared->token->fd(), F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return base::error_from_errno("cannot hand a worker its life token", errno);
  grant.descriptors.emplace_back(copy);
  grant.until_death = prepared->slot;
  const std::lock_guard lock(mutex_);
  slots_[worker.id] = prepared->slot;
  return grant;
}

void HostedBackend::Observer::started(const worker::WorkerRef& worker) {
  if (const auto slot = slot_of(worker.id)) slot->describe_process(worker.pid);
}

void HostedBackend::Observer::memory(const worker::WorkerRef& worker, const worker::MemoryReport& report) {
  if (const auto memory = gpu()) memory->worker_holds(slot_of(worker.id), reports_of(report));
}

void HostedBackend::Observer::died(const worker::WorkerRef& worker, const worker::ExitReason&) {
  std::shared_ptr<vram::ProcessSlot> slot;
  {
    const std::lock_guard lock(mutex_);
    const auto at = slots_.find(worker.id);
    if (at == slots_.end()) return;
    slot = std::move(at->second);
    slots_.erase(at);
  }
  slot->mark_ended();
}

}  // namespace clams::server
