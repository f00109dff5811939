// Starts of worker processes whose constructors load a model: their memory is promised before they run, once it is known.
#include <algorithm>

#include "gpu_request.hpp"
#include "gpu_state.hpp"

namespace clams {
namespace {

// Name of the figure among the app's model facts.
constexpr std::string_view kStart = "(start of a worker)";

base::Bytes most_of(const WorkerDeviceReport& report) {
  return std::max({report.held_after.value_or(base::Bytes()), report.peak_reserved.value_or(base::Bytes()),
                   report.peak_allocated.value_or(base::Bytes())});
}

}  // namespace

base::Bytes GpuMemoryState::held_from_start() const {
  const auto facts = profiles ? profiles->model_facts(kStart) : std::nullopt;
  if (!facts || facts->bytes == base::Bytes()) return {};
  return facts->bytes + options.admission.context;  // which the driver shows, and nobody can tell from the rest
}

std::variant<std::unique_ptr<GpuRequest>, vram::Refusal> GpuMemory::admit_start(const std::shared_ptr<vram::ProcessSlot>& slot,
                                                                                std::stop_token stop) {
  auto& s = *state_;
  const auto facts = s.profiles ? s.profiles->model_facts(kStart) : std::nullopt;
  if (slot == nullptr || !facts || facts->bytes == base::Bytes()) return std::unique_ptr<GpuRequest>();
  auto request = std::make_unique<GpuRequestState>(s);
  vram::Requirement& need = request->requirement;
  need.model = s.options.app;
  need.source = vram::RequirementSource::Learned;
  need.bytes = facts->bytes;
  need.profile_key = std::string(kStart);  // a figure that is too large for the card is measured again by a probe run
  need.expected_duration = facts->load_time;
  need.stop = std::move(stop);
  auto outcome = s.admission->admit(need, slot);
  if (auto* refusal = std::get_if<vram::Refusal>(&outcome)) return std::move(*refusal);
  request->lease = std::get<vram::Lease>(std::move(outcome));
  request->admitted = true;
  auto admitted = std::unique_ptr<GpuRequest>(new GpuRequest(std::move(request)));
  admitted->state_->begin(admitted->grant_);
  return admitted;
}

base::Bytes GpuMemory::start_bytes() const {
  const auto facts = state_->profiles ? state_->profiles->model_facts(kStart) : std::nullopt;
  return (facts ? facts->bytes : base::Bytes()) + state_->options.admission.context;
}

void GpuMemory::learn_start(const std::vector<WorkerDeviceReport>& reports, std::chrono::milliseconds took) {
  auto& s = *state_;
  if (!s.profiles) return;
  base::Bytes most;
  for (const auto& report : reports) most = std::max(most, most_of(report));
  // An app that has stopped to load its model at the start is told apart from one that never did.
  if (most > base::Bytes() || s.profiles->model_facts(kStart)) s.profiles->record_model(kStart, most, took);
}

void GpuMemory::worker_ready(const std::shared_ptr<vram::ProcessSlot>& slot, const std::vector<WorkerDeviceReport>& reports,
                             std::unique_ptr<GpuRequest> start) {
  for (const auto& report : reports) {
    const base::Bytes held = report.held_after.value_or(base::Bytes());
    if (start && held > base::Bytes()) worker_loaded(slot, report.device, state_->options.app, held, start.get());
  }
  start.reset();
  worker_holds(slot, reports);
}

}  // namespace clams
