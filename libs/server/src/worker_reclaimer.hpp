// Gives memory back that worker processes hold and do not use.
#pragma once
#include <string>
#include <vector>

#include "hosted_backend.hpp"
#include "vram/admission.hpp"

namespace clams::server {

// Workers that tell their models are asked to unload one; of others an idle one is ended. Thread-safe; must not outlive `backend`.
class HostedBackend::WorkerReclaimer final : public vram::Reclaimer {
 public:
  explicit WorkerReclaimer(HostedBackend& backend) : backend_(backend) {}
  vram::Bytes give_back_caches(const vram::DeviceUuid&) override { return {}; }  // workers empty theirs after each request
  std::vector<vram::IdleModel> idle_models(const vram::DeviceUuid& device) override;
  vram::Bytes unload(const vram::DeviceUuid& device, const vram::IdleModel& model, std::chrono::milliseconds deadline) override;

 private:
  void add_models(const worker::WorkerStatus& worker, const vram::ProcessSlot& slot, const vram::DeviceUuid& device,
                  std::vector<vram::IdleModel>& idle) const;
  HostedBackend& backend_;
};

}  // namespace clams::server
