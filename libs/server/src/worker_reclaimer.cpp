#include "worker_reclaimer.hpp"

#include "hosted_observer.hpp"

namespace clams::server {
namespace {

// Of a model whose load nobody has timed, and of a process that loads what it held.
constexpr std::chrono::seconds kReloadCost{10};

}  // namespace

std::vector<vram::IdleModel> HostedBackend::WorkerReclaimer::idle_models(const vram::DeviceUuid& device) {
  std::vector<vram::IdleModel> idle;
  if (!backend_.pool_is_there_.load(std::memory_order_acquire)) return idle;  // no worker, no model
  const auto slots = backend_.observer_->slots();
  for (const auto& worker : backend_.pool_->status().workers) {
    const auto slot = slots.find(worker.worker.id);
    if (slot == slots.end() || !worker::takes_requests(worker.state)) continue;
    if (backend_.options_.models_are_told) {
      add_models(worker, *slot->second, device, idle);
    } else if (worker.state == worker::WorkerState::Ready) {
      const base::Bytes held = backend_.gpu_->held_by(*slot->second, device);
      if (held > base::Bytes())
        idle.push_back({"models of worker " + std::to_string(worker.worker.id), held, kReloadCost, worker.worker.id});
    }
  }
  return idle;
}

void HostedBackend::WorkerReclaimer::add_models(const worker::WorkerStatus& worker, const vram::ProcessSlot& slot,
                                                const vram::DeviceUuid& device, std::vector<vram::IdleModel>& idle) const {
  for (const std::string& model : worker.models) {
    const base::Bytes held = backend_.gpu_->held_by(slot, device, model);
    // What a request counts on would only be loaded again.
    if (held > base::Bytes() && !backend_.records_->pinned(worker.worker.id, model) && !slot.is_counted_on(model))
      idle.push_back({model, held, kReloadCost, worker.worker.id});
  }
}

vram::Bytes HostedBackend::WorkerReclaimer::unload(const vram::DeviceUuid&, const vram::IdleModel& model,
                                                   std::chrono::milliseconds deadline) {
  if (!backend_.options_.models_are_told) {
    auto retired = backend_.pool_->retire_idle(model.holder);
    return retired.wait_for(deadline) == std::future_status::ready && retired.get() ? model.bytes : vram::Bytes();
  }
  if (!backend_.records_->begin_unload(model.holder, model.model)) return {};
  const auto until = std::chrono::steady_clock::now() + deadline;
  const std::uint64_t before = backend_.observer_->unload_answers(model.holder, model.model);
  backend_.pool_->unload_model(model.holder, model.model);
  const bool gone = backend_.observer_->wait_for_answer(model.holder, model.model, before, until) &&
                    !backend_.observer_->holds(model.holder, model.model);
  backend_.records_->end_unload(model.holder, model.model);
  return gone ? model.bytes : vram::Bytes();
}

}  // namespace clams::server
