#include "hosted_backend.hpp"

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <utility>

#include "clams/answers.hpp"
#include "clams/metadata_reader.hpp"
#include "hosted_observer.hpp"
#include "mmif/json.hpp"
#include "mmif/mmif.hpp"

namespace clams::server {
namespace {

using base::Error;
using base::ErrorCode;
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

// "parameters" of an envelope, if the body is one; `valid` tells what was found valid: "document" (the body), "envelope" (the MMIF
// in it), or nothing. The body is not copied.
std::optional<mmif::Object> envelope_parameters(const std::string& body, std::string& valid) {
  static_assert(kBodyPadding >= mmif::kReadPadding);
  auto envelope = mmif::look_into_envelope(body);
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

// What is larger than a frame may be leaves this process's heap at once, also while the request still waits for a worker.
worker::Document document_of(std::string body, const base::Logger& log) {
  auto document = worker::Document::of(std::move(body));
  if (document.size() <= worker::kMaxInlineBody) return document;
  auto outside = document.as_memfd();
  if (outside) return *outside;
  log.warning("the document stays in memory: " + outside.error().message);
  return document;
}

}  // namespace

// Unloading, for models that live in workers: an idle worker is ended.
class HostedBackend::IdleWorkers final : public vram::Reclaimer {
 public:
  explicit IdleWorkers(HostedBackend& backend) : backend_(backend) {}
  vram::Bytes give_back_caches(const vram::DeviceUuid&) override { return {}; }  // workers empty theirs after each request
  std::vector<vram::IdleModel> idle_models(const vram::DeviceUuid& device) override {
    std::vector<vram::IdleModel> idle;
    const auto slots = backend_.observer_->slots();
    for (const auto& worker : backend_.pool_->status().workers) {
      const auto at = slots.find(worker.worker.id);
      if (worker.state != worker::WorkerState::Ready || at == slots.end()) continue;
      const base::Bytes held = backend_.gpu_->held_by(*at->second, device);
      if (held > base::Bytes()) idle.push_back({std::to_string(worker.worker.id), held, std::chrono::seconds(10)});
    }
    return idle;
  }
  vram::Bytes unload(const vram::DeviceUuid&, const vram::IdleModel& model, std::chrono::milliseconds deadline) override {
    auto retired = backend_.pool_->retire_idle(std::strtoull(model.model.c_str(), nullptr, 10));
    return retired.wait_for(deadline) == std::future_status::ready && retired.get() ? model.bytes : vram::Bytes();
  }

 private:
  HostedBackend& backend_;
};

HostedBackend::HostedBackend(HostedOptions options, std::shared_ptr<Observer> observer)
    : options_(std::move(options)), observer_(std::move(observer)) {}
HostedBackend::~HostedBackend() = default;

base::Result<std::unique_ptr<HostedBackend>> HostedBackend::start(HostedOptions options) {
  auto observer = std::make_shared<Observer>(options.name);
  std::unique_ptr<HostedBackend> backend(new HostedBackend(std::move(options), std::move(observer)));
  BASE_TRY(backend->begin());
  return backend;
}

base::Status HostedBackend::begin() {
  worker::PoolOptions pool;
  pool.name = options_.name;
  pool.command = options_.command;
  pool.workers = options_.workers;
  pool.per_worker = options_.per_worker;
  pool.start_timeout = options_.start_timeout;
  pool.max_host_growth = pool.max_device_growth = options_.worker_growth;
  pool.max_queued = 4096;  // bounded by the HTTP layer's request threads
  const bool known = options_.metadata.has_value();
  if (known) {
    metadata_ = *options_.metadata;
    compact_ = mmif::to_metadata_text(metadata_.to_object());
    pretty_ = mmif::to_metadata_text(metadata_.to_object(), true);
    BASE_TRY(open_gpu());
  }
  BASE_TRY_ASSIGN(pool_, worker::WorkerPool::start(pool, observer_, options_.log));
  if (known) return {};
  BASE_TRY(read_metadata());
  BASE_TRY(open_gpu());
  if (gpu_->has_gpu()) replace_first_worker();
  return {};
}

// The worker that told the metadata has no line in the ledger, and no request may run where nobody accounts for it. It goes before
// its successor comes, since it may hold a model.
void HostedBackend::replace_first_worker() {
  bool gone = true;
  for (const auto& worker : pool_->status().workers) {
    if (!worker::has_process(worker.state)) continue;
    auto retired = pool_->retire_idle(worker.worker.id);
    gone = retired.wait_for(std::chrono::seconds(15)) == std::future_status::ready && retired.get() && gone;
  }
  if (!gone) pool_->reload();
}

base::Status HostedBackend::open_gpu() {
  identifier_ = metadata_.identifier;
  version_ = metadata_.app_version;
  GpuMemoryOptions gpu = options_.gpu;
  gpu.log = options_.log;
  gpu.app = identifier_;
  gpu.reclaimer = std::make_shared<IdleWorkers>(*this);
  const std::int64_t estimate = metadata_.est_gpu_mem_typ > 0 ? metadata_.est_gpu_mem_typ : metadata_.est_gpu_mem_min;
  gpu.estimate = base::Bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(0, estimate)) << 20);
  BASE_TRY_ASSIGN(gpu_, GpuMemory::open(gpu));
  observer_->use(gpu_, identifier_);
  return {};
}

worker::Outcome HostedBackend::ask(worker::Request request) { return pool_->submit(std::move(request)).get(); }

base::Status HostedBackend::read_metadata() {
  const auto get = [&](const std::string& query) -> base::Result<std::string> {
    worker::Request request;
    request.kind = "http";
    request.attributes = {{"method", "GET"}, {"path", "/"}, {"query", query}};
    request.deadline = std::chrono::steady_clock::now() + options_.start_timeout;
    const auto outcome = ask(std::move(request));
    const std::string* status = worker::find_attribute(outcome.attributes, "status");
    if (outcome.ending != worker::Ending::Answered || status == nullptr || *status != "200") {
      return Error{ErrorCode::Configuration,
                   "the app did not start: " +
                       (outcome.error.message.empty() ? "GET / was answered with status " + (status ? *status : "none")
                                                      : outcome.error.message) +
                       "; the lines above are what it printed"};
    }
    return std::string(outcome.document.view());
  };
  BASE_TRY_ASSIGN(compact_, get(""));
  BASE_TRY_ASSIGN(pretty_, get("pretty=1"));
  auto metadata = read_app_metadata(compact_);
  if (!metadata) return Error{ErrorCode::Configuration, "the app's metadata cannot be read: " + metadata.error().message};
  metadata_ = std::move(*metadata);
  return {};
}

std::optional<HttpResponse> HostedBackend::describe(const HttpRequest& request) {
  bool pretty = false, runtime = false;
  const RawParameters raw = RawParameters::from_query(request.query);
  for (const auto& [name, values] : raw) {
    const bool on = is_true_text(values.front());
    if (name == "pretty")
      pretty = on;
    else if (name == "includeVRAM" || name == "includeRuntime")
      runtime = runtime || on;
    else if (name == "self")
      return std::nullopt;  // the one name that an app's SDK may stumble over
  }
  if (!runtime) {
    HttpResponse response;
    response.body.slices.emplace_back(pretty ? pretty_ : compact_);
    return response;
  }
  auto metadata = mmif::parse_json(compact_);
  metadata->object()->set("runtime", mmif::Object{{"gpu", gpu_->status()}});
  return text_response(200, "application/json", mmif::to_metadata_text(*metadata, pretty));
}

// One request on its way to a worker, or to a second one.
struct HostedBackend::Work {
  HttpRequest request;  // without its body, which is `document`
  worker::Document document;
  std::optional<mmif::Object> envelope;  // its parameters
  std::string valid;                     // see envelope_parameters
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::stop_token stop;
  base::Logger log;
  bool may_rerun = false;
  unsigned unread = 0;                                                // workers that died before they read it
  std::optional<std::chrono::steady_clock::time_point> ended_worker;  // to make room for this request
};

GpuNeed HostedBackend::need_of(const Work& work, const worker::Seat& seat) {
  GpuNeed need;
  if (!gpu_->has_gpu()) return need;
  RawParameters raw;
  need.models_are_told = options_.models_are_told;
  if (work.envelope) raw = RawParameters::from_envelope(*work.envelope);
  raw.merge(RawParameters::from_query(work.request.query));
  // Parameters that are wrong for the app have no profile: the app will say so by itself.
  if (const auto refined = refine_parameters(metadata_, raw)) need.parameters = mmif::to_plain_text(refined->typed());
  worker::Request question;
  question.kind = "requirement";
  question.attributes = {{"query", work.request.query}, {"envelope", work.envelope ? mmif::to_plain_text(*work.envelope) : ""}};
  question.context = work.request.request_id;
  question.stop = work.stop;
  question.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  if (work.deadline) question.deadline = std::min(*question.deadline, *work.deadline);
  const auto outcome = pool_->submit(seat, std::move(question)).get();
  if (const std::string* size = worker::find_attribute(outcome.attributes, "size_bytes");
      size != nullptr && outcome.ending == worker::Ending::Answered) {
    const std::string* name = worker::find_attribute(outcome.attributes, "name");
    need.declared =
        ModelRequirement{.bytes = base::Bytes(std::strtoull(size->c_str(), nullptr, 10)), .name = name != nullptr ? *name : ""};
    if (const std::string* increment = worker::find_attribute(outcome.attributes, "increment_bytes"))
      need.declared->increment = base::Bytes(std::strtoull(increment->c_str(), nullptr, 10));
    if (const std::string* device = worker::find_attribute(outcome.attributes, "device")) need.declared->device = *device;
  }
  const std::lock_guard lock(ran_mutex_);
  if (const auto at = ran_.find(seat.worker().id); at != ran_.end() && at->second.holds && !need.parameters.empty()) {
    const auto key = vram::ProfileKey::from_json(need.parameters);
    const auto kept = key ? at->second.kept.find(key->hash()) : at->second.kept.end();
    need.held = kept != at->second.kept.end();
    if (need.held) need.kept = kept->second;
  }
  return need;
}

HttpResponse HostedBackend::no_seat(const base::Error& error, const base::Logger& log) const {
  const bool for_memory = error.code == base::ErrorCode::InsufficientMemory || error.code == base::ErrorCode::ImpossibleMemory;
  if (const auto refusal = observer_->start_refusal(); refusal && for_memory) return refused(*refusal, log);
  const unsigned status = static_cast<unsigned>(base::traits_of(error.code).http_status);
  HttpResponse response = error_response(status, "UNAVAILABLE", error.message);
  if (status == 503 || status == 429) response.headers.emplace_back("Retry-After", "5");
  return response;
}

HttpResponse HostedBackend::annotate(HttpRequest request, std::stop_token stop, unsigned) {
  Work work;
  work.log = options_.log.with_context(request.request_id);
  work.deadline =
      options_.request_timeout ? std::optional(std::chrono::steady_clock::now() + *options_.request_timeout) : std::nullopt;
  work.stop = std::move(stop);
  work.envelope = envelope_parameters(request.body, work.valid);
  work.document = document_of(std::move(request.body), work.log);
  work.request = std::move(request);
  work.may_rerun = options_.rerun;
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

// Empty: it is to be tried once more, in another worker.
std::optional<HttpResponse> HostedBackend::attempt(Work& work) {
  if (!gpu_->has_gpu()) return attempt_without_gpu(work);
  const base::Logger& log = work.log;
  worker::Request wish;
  wish.context = work.request.request_id;
  wish.deadline = work.deadline;
  wish.stop = work.stop;
  auto seat = pool_->acquire(std::move(wish)).get();
  if (!seat) return no_seat(seat.error(), log);
  const GpuNeed need = need_of(work, *seat);
  auto admitted = admit(work, *seat, need);
  if (const auto* refusal = std::get_if<vram::Refusal>(&admitted)) {
    if (end_for_room(work, *seat, *refusal)) return std::nullopt;
    return refused(*refusal, log);
  }
  const auto gpu = std::get<std::shared_ptr<GpuRequest>>(std::move(admitted));

  worker::Request job = job_of(work);
  const GpuGrant& grant = gpu->grant();
  if (!grant.device.empty()) {
    job.attributes.insert(job.attributes.end(), {{"gpu.device", grant.device},
                                                 {"gpu.source", grant.source},
                                                 {"gpu.bytes", std::to_string(grant.bytes.count())},
                                                 {"gpu.granted_at_ns", std::to_string(grant.granted_at.count())}});
    if (need.declared && need.declared->increment)
      job.attributes.emplace_back("gpu.resident_bytes", std::to_string((need.declared->bytes - *need.declared->increment).count()));
  }
  const auto running = observer_->runs(seat->worker().id, gpu);
  job.until_over = gpu;  // the charge stays until no worker runs the request any more
  return answer_or_rerun(work, pool_->submit(*seat, std::move(job)).get(), *gpu);
}

// Nobody needs to know beforehand which worker it will be: one way to the workers and back instead of two.
std::optional<HttpResponse> HostedBackend::attempt_without_gpu(Work& work) {
  auto uncharged = gpu_->admit(GpuNeed(), nullptr);
  if (const auto* refusal = std::get_if<vram::Refusal>(&uncharged))
    return refused(*refusal, work.log);  // a GPU has turned up meanwhile
  auto outcome = pool_->submit(job_of(work)).get();
  if (outcome.ending == worker::Ending::Refused) return no_seat(outcome.error, work.log);
  return answer_or_rerun(work, std::move(outcome), *std::get<std::unique_ptr<GpuRequest>>(uncharged));
}

worker::Request HostedBackend::job_of(const Work& work) const {
  worker::Request job;
  job.kind = "http";
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
    forget_runs_of(outcome.worker.id);
    // Not a rerun: no worker has begun it.
    if (outcome.attempts == 0 && ++work.unread < 5) return std::nullopt;
    if (std::exchange(work.may_rerun, false)) {
      work.log.warning("the request's worker died, the request runs once more: " + outcome.error.message);
      return std::nullopt;
    }
  }
  return answer(std::move(outcome), gpu, work.log);
}

void HostedBackend::forget_runs_of(std::uint64_t worker_id) {
  const std::lock_guard lock(ran_mutex_);
  ran_.erase(worker_id);
}

HttpResponse HostedBackend::answer(worker::Outcome outcome, GpuRequest& gpu, const base::Logger& log) {
  switch (outcome.ending) {
    case worker::Ending::Answered:
    case worker::Ending::Failed: break;
    case worker::Ending::WorkerDied:
      log.error("the request's worker died: " + outcome.error.message);
      return error_response(500, "WORKER_DIED", outcome.error.message);
    case worker::Ending::TimedOut: return error_response(504, "REQUEST_TIMEOUT", outcome.error.message);
    case worker::Ending::Cancelled: return error_response(503, "CANCELLED", "The request was stopped before it was finished.");
    case worker::Ending::Refused: return error_response(503, "UNAVAILABLE", outcome.error.message);
  }
  const auto reports = outcome.memory ? reports_of(*outcome.memory) : std::vector<WorkerDeviceReport>();
  if (outcome.code == worker::WorkerCode::OutOfMemory) {
    log.warning("the app ran out of GPU memory although it was promised");
    return refused(gpu.ran_out(), log);
  }
  if (outcome.ending == worker::Ending::Failed) return error_response(500, "APP_FAILED", outcome.error.message);
  gpu.finished(reports);
  const bool holds = std::any_of(reports.begin(), reports.end(),
                                 [](const auto& r) { return r.held_after.value_or(base::Bytes()) > base::Bytes(); });
  if (const std::string profile = gpu.profile(); !profile.empty()) {
    const std::lock_guard lock(ran_mutex_);
    Ran& ran = ran_[outcome.worker.id];
    ran.holds = holds;
    if (ran.kept.size() > 4096) ran.kept.clear();
    ran.kept.emplace(profile, kept_by(reports));
  }
  return response_of(outcome);
}

HttpResponse HostedBackend::refused(const vram::Refusal& refusal, const base::Logger& log) const {
  log.warning(refusal.message());
  return to_response(refusal_answer(refusal, options_.vram_error_status));
}

WorkerGauges HostedBackend::workers() const {
  const auto status = pool_->status();
  const auto alive =
      std::count_if(status.workers.begin(), status.workers.end(), [](const auto& w) { return worker::has_process(w.state); });
  return {static_cast<std::size_t>(alive), status.started, status.crashed, status.hung};
}

void HostedBackend::drain(std::chrono::milliseconds timeout) { pool_->drain(timeout); }

}  // namespace clams::server
