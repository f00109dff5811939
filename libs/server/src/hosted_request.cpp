// The way of one request to a worker and back.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <thread>
#include <utility>

#include "body_buffer.hpp"
#include "clams/answers.hpp"
#include "clams/metadata_reader.hpp"
#include "hosted_backend.hpp"
#include "hosted_observer.hpp"
#include "mmif/json.hpp"
#include "mmif/mmif.hpp"
#include "retry_after.hpp"

namespace clams::server {
namespace {

constexpr unsigned kMostUnread = 5;               // workers that die before they read a request
constexpr std::chrono::seconds kMemoryReturn{7};  // within which a dead process's bytes are back

// What a client sends beyond the body; hop-by-hop headers concern the front alone.
worker::Attributes attributes_of(const HttpRequest& request) {
  worker::Attributes attributes{
      {"method", request.method}, {"path", request.path}, {"query", request.query}, {"remote", request.remote}};
  for (const auto& [name, value] : request.headers) attributes.emplace_back("header." + name, value);
  return attributes;
}

HttpResponse response_of(const worker::Outcome& outcome) {
  HttpResponse response;
  response.content_type.clear();
  for (const auto& [name, value] : outcome.attributes) {
    if (name == "status") {
      response.status = static_cast<unsigned>(std::strtoul(value.c_str(), nullptr, 10));
    } else if (name == "header.Content-Type") {
      response.content_type = value;
    } else if (name.starts_with("header.") && name != "header.Content-Length" && name != "header.Connection" &&
               name != "header.Server" && name != "header.Date") {
      response.headers.emplace_back(name.substr(7), value);
    }
  }
  auto owner = std::make_shared<const worker::Document>(outcome.document);
  response.body = BodySlices{{owner->view()}, owner};
  return response;
}

HttpResponse error_response(unsigned status, std::string_view code, const std::string& message) {
  return text_response(status, "application/json", mmif::to_plain_text(mmif::Object{{"error", message}, {"code", code}}) + "\n");
}

HttpResponse unavailable(std::string_view code, const std::string& message, const char* retry_after) {
  HttpResponse response = error_response(503, code, message);
  response.headers.emplace_back("Retry-After", retry_after);
  return response;
}

// "parameters" of an envelope, if the body is one; `valid` tells what was found valid: "document" (the body), "envelope" (the MMIF
// in it), or nothing. The body is not copied.
std::optional<mmif::Object> envelope_parameters(const worker::Document& body, std::string& valid) {
  static_assert(worker::Document::kReadPadding >= mmif::kReadPadding);
  auto envelope = mmif::look_into_envelope(body.view());
  if (envelope) valid = envelope->is_envelope ? "envelope" : "document";
  if (!envelope || !envelope->is_envelope) return std::nullopt;
  return std::move(envelope->parameters);
}

// How much more than before it the worker holds after a run, on the device where that is most.
base::Bytes kept_by(const std::vector<WorkerDeviceReport>& reports) {
  base::Bytes most;
  for (const auto& r : reports) most = std::max(most, r.held_after.value_or(base::Bytes()) - r.held_before.value_or(base::Bytes()));
  return most;
}

// A short name for a long text.
std::string short_name_of(const std::string& text) { return std::to_string(std::hash<std::string>()(text)); }

}  // namespace

// One request on its way to a worker, or to a second one.
struct HostedBackend::Work {
  HttpRequest request;  // without its body, which is `document`
  worker::Document document;
  std::optional<mmif::Object> envelope;  // its parameters
  std::string valid;                     // see envelope_parameters
  std::string parameters;                // JSON text of the refined parameters, on a GPU; empty: they are wrong for the app
  std::string kin;                       // tells requests that need the same; empty where there is nothing to choose
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::stop_token stop;
  base::Logger log;
  bool may_rerun = false;
  unsigned unread = 0;      // workers that died before they read it
  bool sought = false;      // the worker that holds its model has been looked for
  bool only_there = false;  // it waits for that worker
  unsigned waits = 0;
  bool cold = false;                                                  // the worker held nothing for it
  std::optional<std::chrono::steady_clock::time_point> ended_worker;  // to make room for this request
};

// What a request holds while a worker runs it.
struct HostedBackend::Charge {
  explicit Charge(std::shared_ptr<CpuBudget> cpus) : cpu(std::move(cpus)) {}
  const CpuBudget::Share cpu;
  std::shared_ptr<const void> pin, running;
  std::shared_ptr<GpuRequest> gpu;
};

// Empty: the worker is dead.
std::optional<GpuNeed> HostedBackend::need_of(const Work& work, const worker::Seat& seat) {
  GpuNeed need;
  if (!gpu_->has_gpu()) return need;
  need.models_are_told = options_.models_are_told;
  need.parameters = work.parameters;
  worker::Request question;
  question.kind = "requirement";
  question.attributes = {{"query", work.request.query}, {"envelope", work.envelope ? mmif::to_plain_text(*work.envelope) : ""}};
  question.context = work.request.request_id;
  question.stop = work.stop;
  question.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  if (work.deadline) question.deadline = std::min(*question.deadline, *work.deadline);
  const auto outcome = pool_->submit(seat, std::move(question)).get();
  if (outcome.ending == worker::Ending::WorkerDied) return std::nullopt;
  if (const std::string* size = worker::find_attribute(outcome.attributes, "size_bytes");
      size != nullptr && outcome.ending == worker::Ending::Answered) {
    const std::string* name = worker::find_attribute(outcome.attributes, "name");
    need.declared =
        ModelRequirement{.bytes = base::Bytes(std::strtoull(size->c_str(), nullptr, 10)), .name = name != nullptr ? *name : ""};
    if (const std::string* increment = worker::find_attribute(outcome.attributes, "increment_bytes"))
      need.declared->increment = base::Bytes(std::strtoull(increment->c_str(), nullptr, 10));
    if (const std::string* device = worker::find_attribute(outcome.attributes, "device")) need.declared->device = *device;
  }
  if (!need.declared) need.model = model_of_kin(work.kin);
  if (!need.parameters.empty()) {
    const auto key = vram::ProfileKey::from_json(need.parameters);
    const auto kept = key ? records_->kept(seat.worker().id, key->hash()) : std::nullopt;
    need.held = kept.has_value();
    if (kept) need.kept = *kept;
  }
  return need;
}

HttpResponse HostedBackend::no_seat(const base::Error& error, const base::Logger& log) const {
  const bool for_memory = error.code == base::ErrorCode::InsufficientMemory || error.code == base::ErrorCode::ImpossibleMemory;
  if (const auto refusal = observer_->start_refusal(); refusal && for_memory) return refused(*refusal, log);
  const auto status = static_cast<unsigned>(base::traits_of(error.code).http_status);
  HttpResponse response = error_response(status, "UNAVAILABLE", error.message);
  if (status == 503) response.headers.emplace_back("Retry-After", kRetryAfterRestart);
  if (status == 429) response.headers.emplace_back("Retry-After", kRetryAfterMoment);
  return response;
}

// What tells this request's needs from others'.
void HostedBackend::describe_needs(Work& work) const {
  if (gpu_->has_gpu()) {
    RawParameters raw;
    if (work.envelope) raw = RawParameters::from_envelope(*work.envelope);
    raw.merge(RawParameters::from_query(work.request.query));
    // Parameters that are wrong for the app have no profile: the app will say so by itself.
    if (const auto refined = refine_parameters(metadata_, raw)) work.parameters = mmif::to_plain_text(refined->typed());
    work.kin = short_name_of(work.parameters);
  } else if (most_workers_ > 1) {
    work.kin = short_name_of(work.request.query + "\n" + (work.envelope ? mmif::to_plain_text(*work.envelope) : ""));
  }
}

HttpResponse HostedBackend::annotate(HttpRequest request, std::stop_token stop) {
  Work work;
  work.log = options_.log.with_context(request.request_id);
  work.deadline =
      options_.request_timeout ? std::optional(std::chrono::steady_clock::now() + *options_.request_timeout) : std::nullopt;
  work.stop = std::move(stop);
  auto document = std::move(request.body).take_document();
  if (!document) {
    work.log.error("no memory for a request body: " + document.error().message);
    return unavailable("UNAVAILABLE", std::string(kNoBodyMemory), kRetryAfterMoment);
  }
  work.document = std::move(*document);
  work.envelope = envelope_parameters(work.document, work.valid);
  work.request = std::move(request);
  work.may_rerun = options_.rerun || options_.app_may_rerun;
  describe_needs(work);
  auto response = attempt(work);
  while (!response) response = attempt(work);
  return std::move(*response);
}

// While the memory of the worker that was ended for this request comes back, it is asked for again.
std::variant<std::shared_ptr<GpuRequest>, vram::Refusal> HostedBackend::admit(Work& work, const worker::Seat& seat,
                                                                              const GpuNeed& need) {
  for (;;) {
    auto admitted = gpu_->admit(need, observer_->slot_of(seat.worker().id));
    if (auto* granted = std::get_if<std::unique_ptr<GpuRequest>>(&admitted))
      return std::shared_ptr<GpuRequest>(std::move(*granted));
    auto& refusal = std::get<vram::Refusal>(admitted);
    const bool comes_back = work.ended_worker && std::chrono::steady_clock::now() - *work.ended_worker < kMemoryReturn &&
                            refusal.kind == vram::Refusal::Kind::Temporary;
    if (!comes_back || work.stop.stop_requested()) return std::move(refusal);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

// A worker that cannot unload keeps what other parameters needed. When that is what is missing, and only this request has a seat
// there, a new one takes its place.
bool HostedBackend::end_for_room(Work& work, worker::Seat& seat, const vram::Refusal& refusal) {
  const std::uint64_t id = seat.worker().id;
  const auto slot = observer_->slot_of(id);
  if (work.ended_worker || options_.models_are_told || slot == nullptr || refusal.kind != vram::Refusal::Kind::Temporary)
    return false;
  const base::Bytes kept = gpu_->held_by(*slot, refusal.device) - observer_->held_at_start(id);
  if (kept == base::Bytes() || refusal.available + kept < refusal.required) return false;
  seat.release();
  if (!pool_->retire_idle(id).get()) return false;
  work.ended_worker = std::chrono::steady_clock::now();
  return true;
}

base::Result<worker::Seat> HostedBackend::seat_for(Work& work) {
  worker::Request wish;
  wish.model = model_of_kin(work.kin);
  wish.kin = work.kin;
  wish.only_there = std::exchange(work.only_there, false);
  wish.context = work.request.request_id;
  wish.deadline = work.deadline;
  wish.stop = work.stop;
  return pool_->acquire(std::move(wish)).get();
}

// With a free place for it.
bool HostedBackend::held_by_another(const std::string& model, std::uint64_t worker_id) const {
  const auto status = pool_->status();
  return std::any_of(status.workers.begin(), status.workers.end(), [&](const worker::WorkerStatus& worker) {
    return worker.worker.id != worker_id && worker.state == worker::WorkerState::Ready && worker.models.contains(model);
  });
}

// A request that does not fit, although another worker holds or loads what it needs and serves one request after the other, waits
// for that worker: then no second copy is needed.
bool HostedBackend::wait_for_warm_worker(Work& work, worker::Seat& seat, const std::string& key, const vram::Refusal& refusal) {
  constexpr unsigned kMostWaits = 8;
  if (!options_.workers_follow_memory || refusal.kind != vram::Refusal::Kind::Temporary || work.waits >= kMostWaits) return false;
  if (!records_->elsewhere(seat.worker().id, key, std::chrono::steady_clock::now() + kMemoryReturn)) return false;
  ++work.waits;
  work.only_there = true;
  seat.release();
  return true;
}

// Empty: it is to be tried once more, in another worker.
std::optional<HttpResponse> HostedBackend::attempt(Work& work) {
  if (!gpu_->has_gpu()) return attempt_without_gpu(work);
  const base::Logger& log = work.log;
  auto seat = seat_for(work);
  if (!seat) return no_seat(seat.error(), log);
  const std::uint64_t worker_id = seat->worker().id;
  const auto known = need_of(work, *seat);
  if (!known && ++work.unread < kMostUnread) return std::nullopt;
  const GpuNeed need = known.value_or(GpuNeed());
  const std::string model = need.declared ? need.declared->name : need.model;
  const std::string key = model.empty() ? work.kin : model;
  remember_model(work.kin, model);
  const bool holds = !model.empty() && seat->models().contains(model);
  if (!holds && !model.empty() && !std::exchange(work.sought, true) && held_by_another(model, worker_id)) return std::nullopt;
  work.cold = options_.models_are_told ? !holds : !need.held;

  const auto charge = std::make_shared<Charge>(options_.cpus);
  if (options_.models_are_told && !model.empty())
    charge->pin = records_->pin(worker_id, model, std::chrono::steady_clock::now() + kMemoryReturn);
  records_->deciding(worker_id, key);
  auto admitted = admit(work, *seat, need);
  if (const auto* refusal = std::get_if<vram::Refusal>(&admitted)) {
    records_->refused(worker_id, key);
    if (wait_for_warm_worker(work, *seat, key, *refusal) || end_for_room(work, *seat, *refusal)) return std::nullopt;
    return refused(*refusal, log);
  }
  records_->admitted(worker_id, key);
  charge->gpu = std::get<std::shared_ptr<GpuRequest>>(std::move(admitted));
  charge->running = observer_->runs(worker_id, charge->gpu);

  worker::Request job = job_of(work);
  job.model = model;
  const GpuGrant& grant = charge->gpu->grant();
  if (!grant.device.empty()) {
    job.attributes.insert(job.attributes.end(), {{"gpu.device", grant.device},
                                                 {"gpu.source", grant.source},
                                                 {"gpu.bytes", std::to_string(grant.bytes.count())},
                                                 {"gpu.request", std::to_string(charge->gpu->number())},
                                                 {"gpu.granted_at_ns", std::to_string(grant.granted_at.count())}});
    if (need.declared && need.declared->increment)
      job.attributes.emplace_back("gpu.resident_bytes", std::to_string((need.declared->bytes - *need.declared->increment).count()));
  }
  const auto gpu = charge->gpu;
  job.until_over = charge;  // the charge stays until no worker runs the request any more
  auto outcome = pool_->submit(*seat, std::move(job)).get();
  if (outcome.ending == worker::Ending::Answered) {
    if (work.cold && succeeded(outcome)) learn_cold(need, outcome, *gpu);
    const std::string* used = worker::find_attribute(outcome.attributes, "gpu.model");
    if (options_.models_are_told) {
      gpu->worker_used(used != nullptr ? *used : "", worker::find_attribute(outcome.attributes, "gpu.loaded") != nullptr,
                       worker::find_attribute(outcome.attributes, "gpu.waited_in_vain") != nullptr);
    }
    if (!need.declared && used != nullptr) remember_model(work.kin, *used);
  }
  return answer_or_rerun(work, std::move(outcome), *gpu);
}

// A run that failed half-way tells nothing of what a whole one needs.
bool HostedBackend::succeeded(const worker::Outcome& outcome) const {
  if (options_.models_are_told) return worker::find_attribute(outcome.attributes, "gpu.failed") == nullptr;
  const std::string* status = worker::find_attribute(outcome.attributes, "status");
  return status != nullptr && *status == "200";
}

// For the number of workers: what one more of them would need.
void HostedBackend::learn_cold(const GpuNeed& need, const worker::Outcome& outcome, const GpuRequest& gpu) {
  base::Bytes bytes = gpu.grant().bytes;
  if (need.declared) {
    bytes = need.declared->bytes;
  } else if (outcome.memory) {
    base::Bytes took;
    for (const auto& device : outcome.memory->devices) {
      const base::Bytes most =
          std::max(device.peak_reserved.value_or(base::Bytes()), device.peak_allocated.value_or(base::Bytes()));
      took = std::max(took, most - device.held_before.value_or(base::Bytes()));
    }
    if (took > base::Bytes())
      bytes = base::Bytes(static_cast<std::uint64_t>(static_cast<double>(took.count()) * options_.gpu.admission.margin));
  }
  cold_bytes_ = bytes.count();
}

std::string HostedBackend::model_of_kin(const std::string& kin) const {
  const std::lock_guard lock(models_mutex_);
  const auto known = model_of_kin_.find(kin);
  return known == model_of_kin_.end() ? "" : known->second;
}

void HostedBackend::remember_model(const std::string& kin, const std::string& model) {
  constexpr std::size_t kMostKin = 4096;
  if (kin.empty() || model.empty()) return;
  const std::lock_guard lock(models_mutex_);
  if (model_of_kin_.size() >= kMostKin) model_of_kin_.clear();
  model_of_kin_[kin] = model;
}

// Nobody needs to know beforehand which worker it will be: one way to the workers and back instead of two.
std::optional<HttpResponse> HostedBackend::attempt_without_gpu(Work& work) {
  auto uncharged = gpu_->admit(GpuNeed(), nullptr);
  if (const auto* refusal = std::get_if<vram::Refusal>(&uncharged))
    return refused(*refusal, work.log);  // a GPU has turned up meanwhile
  worker::Request job = job_of(work);
  job.until_over = std::make_shared<const CpuBudget::Share>(options_.cpus);
  auto outcome = pool_->submit(std::move(job)).get();
  if (outcome.ending == worker::Ending::Refused) return no_seat(outcome.error, work.log);
  return answer_or_rerun(work, std::move(outcome), *std::get<std::unique_ptr<GpuRequest>>(uncharged));
}

worker::Request HostedBackend::job_of(const Work& work) const {
  worker::Request job;
  job.kind = "http";
  job.kin = work.kin;
  job.attributes = attributes_of(work.request);
  if (!work.valid.empty()) job.attributes.emplace_back("valid", work.valid);
  job.document = work.document;
  job.context = work.request.request_id;
  job.deadline = work.deadline;
  job.stop = work.stop;
  return job;
}

std::optional<HttpResponse> HostedBackend::answer_or_rerun(Work& work, worker::Outcome outcome, GpuRequest& gpu) {
  if (outcome.ending == worker::Ending::WorkerDied) {
    // Not a rerun: no worker has begun it.
    if (outcome.attempts == 0 && ++work.unread < kMostUnread) return std::nullopt;
    if (std::exchange(work.may_rerun, false)) {
      work.log.warning("the request's worker died, the request runs once more: " + outcome.error.message);
      return std::nullopt;
    }
  }
  if (outcome.code == worker::WorkerCode::OutOfMemory && options_.app_may_rerun && std::exchange(work.may_rerun, false)) {
    work.log.warning("the app ran out of GPU memory although it was reserved, the request runs once more");
    gpu.ran_out();  // raises the figure, so that the second run is promised more
    return std::nullopt;
  }
  return answer(std::move(outcome), gpu, work.log);
}

HttpResponse HostedBackend::answer(worker::Outcome outcome, GpuRequest& gpu, const base::Logger& log) {
  switch (outcome.ending) {
    case worker::Ending::Answered:
    case worker::Ending::Failed: break;
    case worker::Ending::WorkerDied:
      log.error("the request's worker died: " + outcome.error.message);
      return error_response(500, "WORKER_DIED", outcome.error.message);
    case worker::Ending::TimedOut: return error_response(504, "REQUEST_TIMEOUT", outcome.error.message);
    case worker::Ending::Cancelled:
      return unavailable("CANCELLED", "The request was stopped before it was finished.", kRetryAfterRestart);
    case worker::Ending::Refused: return unavailable("UNAVAILABLE", outcome.error.message, kRetryAfterRestart);
  }
  auto reports = outcome.memory ? reports_of(*outcome.memory) : std::vector<WorkerDeviceReport>();
  if (outcome.code == worker::WorkerCode::OutOfMemory) { return refused(gpu.ran_out(), log); }
  if (outcome.ending == worker::Ending::Failed) return error_response(500, "APP_FAILED", outcome.error.message);
  const std::size_t told = reports.size();
  reports = gpu.finished(std::move(reports), succeeded(outcome));
  if (reports.size() > told) gpu_->worker_holds(observer_->slot_of(outcome.worker.id), {reports.back()});
  const bool holds = std::any_of(reports.begin(), reports.end(),
                                 [](const auto& r) { return r.held_after.value_or(base::Bytes()) > base::Bytes(); });
  if (const std::string profile = gpu.profile(); !profile.empty())
    records_->ran(outcome.worker.id, profile, holds, kept_by(reports));
  return response_of(outcome);
}

HttpResponse HostedBackend::refused(const vram::Refusal& refusal, const base::Logger& log) const {
  gpu_->count_refusal(refusal);
  log.warning(refusal.message());
  return to_response(refusal_answer(refusal, options_.vram_error_status));
}

}  // namespace clams::server
