#include "hosted_observer.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "model_events.hpp"

namespace clams::server {

namespace {

void add_to(vram::ModelCacheCounters& sum, const vram::ModelCacheCounters& more) {
  for (const auto& event : kModelEvents) sum.*event.count += more.*event.count;
}

vram::ModelCacheCounters events_of(const worker::Attributes& attributes) {
  vram::ModelCacheCounters events;
  for (const auto& event : kModelEvents) {
    const std::string* count = worker::find_attribute(attributes, event.name);
    if (count != nullptr) events.*event.count = std::strtoull(count->c_str(), nullptr, 10);
  }
  return events;
}

}  // namespace

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
  if (!first_start_.empty()) gpu_->learn_start(first_start_, {});
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

base::Result<worker::StartGrant> HostedBackend::Observer::before_start(const worker::WorkerRef& worker, std::stop_token stop) {
  worker::StartGrant grant;
  BASE_TRY(promise_memory(worker, stop, grant));
  if (cpus_ == nullptr) return grant;
  // Without it a worker shares the CPUs among its own requests.
  if (auto share = cpus_->descriptor()) {
    const auto number = static_cast<std::size_t>(worker::kLifeLineFd) + 1 + grant.descriptors.size();
    grant.environment.emplace_back(kCpuShareVariable, std::to_string(number));
    grant.descriptors.push_back(std::move(*share));
  }
  return grant;
}

base::Status HostedBackend::Observer::promise_memory(const worker::WorkerRef& worker, const std::stop_token& stop,
                                                     worker::StartGrant& grant) {
  const auto memory = gpu();
  if (memory == nullptr || !memory->has_gpu()) return {};
  std::string devices;
  for (const std::string& uuid : memory->device_uuids()) devices += (devices.empty() ? "" : ",") + uuid;
  if (!devices.empty()) grant.environment.emplace_back("CUDA_VISIBLE_DEVICES", devices);
  auto prepared = memory->prepare_worker(app_);
  if (!prepared) return {};  // without a ledger the policy for unknown decides each request
  auto admitted = memory->admit_start(prepared->slot, stop);
  if (const auto* refusal = std::get_if<vram::Refusal>(&admitted)) {
    const std::lock_guard lock(mutex_);
    start_refusal_ = *refusal;
    return refusal->error();
  }
  // The pool closes its copy once the process runs: from then on the token lives exactly as long as the worker.
  const int copy = ::fcntl(prepared->token->fd(), F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return base::error_from_errno("cannot hand a worker its life token", errno);
  grant.descriptors.emplace_back(copy);
  grant.until_death = prepared->slot;
  const std::lock_guard lock(mutex_);
  slots_[worker.id] = prepared->slot;
  starts_[worker.id] = {std::chrono::steady_clock::now(), std::get<std::unique_ptr<GpuRequest>>(std::move(admitted))};
  start_refusal_.reset();
  return {};
}

std::optional<vram::Refusal> HostedBackend::Observer::start_refusal() const {
  const std::lock_guard lock(mutex_);
  return start_refusal_;
}

base::Bytes HostedBackend::Observer::held_at_start(std::uint64_t worker_id) const {
  const std::lock_guard lock(mutex_);
  const auto at = held_at_start_.find(worker_id);
  return at == held_at_start_.end() ? base::Bytes() : at->second;
}

void HostedBackend::Observer::ready(const worker::WorkerRef& worker, const worker::MemoryReport& report) {
  const auto memory = gpu();
  const auto reports = reports_of(report);
  Start start;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& r : reports)
      held_at_start_[worker.id] = std::max(held_at_start_[worker.id], r.held_after.value_or(base::Bytes()));
    if (memory == nullptr) first_start_ = reports;
    if (const auto at = starts_.find(worker.id); at != starts_.end()) {
      start = std::move(at->second);
      starts_.erase(at);
    }
  }
  if (memory == nullptr) return;
  if (start.began != std::chrono::steady_clock::time_point()) {
    memory->learn_start(reports,
                        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start.began));
  }
  memory->worker_ready(slot_of(worker.id), reports, std::move(start.promised));
}

void HostedBackend::Observer::started(const worker::WorkerRef& worker) {
  records_->born(worker.id);
  {
    const std::lock_guard lock(mutex_);
    told_.try_emplace(worker.id);
  }
  if (const auto slot = slot_of(worker.id)) slot->describe_process(worker.pid);
}

void HostedBackend::Observer::memory(const worker::WorkerRef& worker, const worker::MemoryReport& report) {
  if (const auto memory = gpu()) memory->worker_holds(slot_of(worker.id), reports_of(report));
}

std::shared_ptr<const void> HostedBackend::Observer::runs(std::uint64_t worker_id, std::shared_ptr<GpuRequest> request) {
  const GpuRequest* key = request.get();
  const std::lock_guard lock(mutex_);
  running_[worker_id].push_back(std::move(request));
  return std::shared_ptr<const void>(key, [this, worker_id](const void* ended) {
    const std::lock_guard inner(mutex_);
    auto& list = running_[worker_id];
    std::erase_if(list, [&](const auto& candidate) { return candidate.get() == ended; });
    if (list.empty()) running_.erase(worker_id);
  });
}

void HostedBackend::Observer::models(const worker::WorkerRef& worker, const std::vector<worker::ResidentModel>& held,
                                     const worker::Attributes& attributes) {
  std::map<std::string, base::Bytes> now, before;
  for (const auto& model : held) now.emplace(model.name, model.bytes);
  {
    const std::lock_guard lock(mutex_);
    const auto told = told_.find(worker.id);
    if (told == told_.end()) return;
    told->second.events = events_of(attributes);
    before = std::exchange(told->second.held, now);
  }
  if (before != now) charge_models(worker, held, before, attributes);
  const std::string* asked = worker::find_attribute(attributes, kUnloadAnswer);
  if (asked == nullptr) return;
  // Last, so that who waits for the answer finds the ledger as the list says.
  const std::lock_guard lock(mutex_);
  if (const auto told = told_.find(worker.id); told != told_.end()) ++told->second.unload_answers[*asked];
  answered_.notify_all();
}

void HostedBackend::Observer::charge_models(const worker::WorkerRef& worker, const std::vector<worker::ResidentModel>& held,
                                            const std::map<std::string, base::Bytes>& before,
                                            const worker::Attributes& attributes) {
  const auto memory = gpu();
  const auto slot = slot_of(worker.id);
  if (memory == nullptr || slot == nullptr) return;
  std::vector<std::shared_ptr<GpuRequest>> running;
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = running_.find(worker.id); at != running_.end()) running = at->second;
  }
  for (const auto& model : held) {
    const std::string* loader = worker::find_attribute(attributes, loader_attribute(model.name));
    const auto loads = std::find_if(running.begin(), running.end(), [&](const auto& request) {
      return loader != nullptr && std::to_string(request->number()) == *loader;
    });
    GpuRequest* loading = loads == running.end() ? nullptr : loads->get();
    if (!running.empty())
      memory->worker_loaded(slot, (loading != nullptr ? *loading : *running.front()).grant().device, model.name, model.bytes,
                            loading);
  }
  for (const auto& gone : before) {
    if (std::any_of(held.begin(), held.end(), [&](const auto& model) { return model.name == gone.first; })) continue;
    memory->worker_unloaded(slot, gone.first);
    records_->unloaded(worker.id, gone.first);
  }
}

std::uint64_t HostedBackend::Observer::unload_answers(std::uint64_t worker_id, const std::string& model) const {
  const std::lock_guard lock(mutex_);
  const auto told = told_.find(worker_id);
  if (told == told_.end()) return 0;
  const auto answers = told->second.unload_answers.find(model);
  return answers == told->second.unload_answers.end() ? 0 : answers->second;
}

bool HostedBackend::Observer::wait_for_answer(std::uint64_t worker_id, const std::string& model, std::uint64_t before,
                                              std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  bool answered = false;
  answered_.wait_until(lock, deadline, [&] {
    const auto told = told_.find(worker_id);
    if (told == told_.end()) return true;
    const auto answers = told->second.unload_answers.find(model);
    answered = answers != told->second.unload_answers.end() && answers->second > before;
    return answered;
  });
  return answered;
}

bool HostedBackend::Observer::holds(std::uint64_t worker_id, const std::string& model) const {
  const std::lock_guard lock(mutex_);
  const auto told = told_.find(worker_id);
  return told != told_.end() && told->second.held.contains(model);
}

vram::ModelCacheCounters HostedBackend::Observer::model_events() const {
  const std::lock_guard lock(mutex_);
  vram::ModelCacheCounters sum = past_events_;
  for (const auto& [id, told] : told_) add_to(sum, told.events);
  return sum;
}

void HostedBackend::Observer::died(const worker::WorkerRef& worker, const worker::ExitReason&) {
  if (const auto memory = gpu()) memory->worker_ended(worker.pid);
  forget(worker.id);
}

// A process that could not even be executed has no death.
void HostedBackend::Observer::moved(const worker::WorkerRef& worker, worker::WorkerState, worker::WorkerState to) {
  if (to == worker::WorkerState::Dead) forget(worker.id);
}

void HostedBackend::Observer::forget(std::uint64_t worker_id) {
  records_->died(worker_id);
  std::shared_ptr<vram::ProcessSlot> slot;
  Start start;  // one that was never ready gives its promise back
  {
    const std::lock_guard lock(mutex_);
    if (const auto told = told_.find(worker_id); told != told_.end()) {
      add_to(past_events_, told->second.events);
      told_.erase(told);
    }
    answered_.notify_all();
    held_at_start_.erase(worker_id);
    if (const auto began = starts_.find(worker_id); began != starts_.end()) {
      start = std::move(began->second);
      starts_.erase(began);
    }
    const auto at = slots_.find(worker_id);
    if (at == slots_.end()) return;
    slot = std::move(at->second);
    slots_.erase(at);
  }
  slot->mark_ended();
}

}  // namespace clams::server
