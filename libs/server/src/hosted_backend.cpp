#include "hosted_backend.hpp"

#include <algorithm>
#include <utility>

#include "clams/answers.hpp"
#include "clams/metadata_reader.hpp"
#include "hosted_observer.hpp"
#include "mmif/json.hpp"
#include "worker_reclaimer.hpp"

namespace clams::server {
namespace {

using base::Error;
using base::ErrorCode;

}  // namespace

HostedBackend::HostedBackend(HostedOptions options, std::shared_ptr<Observer> observer, std::shared_ptr<WorkerRecords> records)
    : options_(std::move(options)), observer_(std::move(observer)), records_(std::move(records)), most_workers_(options_.workers) {}
HostedBackend::~HostedBackend() {
  tending_.request_stop();
  if (tending_.joinable()) tending_.join();
}

base::Result<std::unique_ptr<HostedBackend>> HostedBackend::start(HostedOptions options) {
  auto records = std::make_shared<WorkerRecords>();
  auto observer = std::make_shared<Observer>(options.name, records, options.models_are_told ? options.cpus : nullptr);
  std::unique_ptr<HostedBackend> backend(new HostedBackend(std::move(options), std::move(observer), std::move(records)));
  BASE_TRY(backend->begin());
  backend->tending_ = std::jthread([self = backend.get()](const std::stop_token& stop) { self->tend_workers(stop); });
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
  pool_is_there_.store(true, std::memory_order_release);
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
  ready_before_ = pool_->status().ready;
}

base::Status HostedBackend::open_gpu() {
  identifier_ = metadata_.identifier;
  version_ = metadata_.app_version;
  GpuMemoryOptions gpu = options_.gpu;
  gpu.log = options_.log;
  gpu.app = identifier_;
  gpu.reclaimer = std::make_shared<WorkerReclaimer>(*this);
  const std::int64_t estimate = metadata_.est_gpu_mem_typ > 0 ? metadata_.est_gpu_mem_typ : metadata_.est_gpu_mem_min;
  gpu.estimate = base::Bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(0, estimate)) << 20);
  BASE_TRY_ASSIGN(gpu_, GpuMemory::open(gpu));
  observer_->use(gpu_, identifier_);
  return {};
}

base::Result<worker::Outcome> HostedBackend::ask(worker::Request request) {
  constexpr std::chrono::milliseconds kPause{100};
  auto outcome = pool_->submit(std::move(request));
  while (outcome.wait_for(kPause) != std::future_status::ready) {
    if (options_.stop_asked && options_.stop_asked()) return Error{ErrorCode::Cancelled, "stopped before the app was ready", 0};
  }
  return outcome.get();
}

base::Status HostedBackend::read_metadata() {
  const auto get = [&](const std::string& query) -> base::Result<std::string> {
    worker::Request request;
    request.kind = "http";
    request.attributes = {{"method", "GET"}, {"path", "/"}, {"query", query}};
    request.deadline = std::chrono::steady_clock::now() + options_.start_timeout;
    BASE_TRY_ASSIGN(const auto outcome, ask(std::move(request)));
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

HostedBackend::Query HostedBackend::query_of(std::string_view text) {
  Query query;
  const RawParameters raw = RawParameters::from_query(text);
  for (const auto& [name, values] : raw) {
    const bool on = is_true_text(values.front());
    if (name == "pretty")
      query.pretty = on;
    else if (name == "includeVRAM" || name == "includeRuntime")
      query.runtime = query.runtime || on;
    else if (name == "self")
      query.for_app = true;
  }
  if (query.for_app) query.runtime = false;
  return query;
}

std::optional<HttpResponse> HostedBackend::describe(const HttpRequest& request) {
  const auto [pretty, runtime, for_app] = query_of(request.query);
  if (for_app) return std::nullopt;
  if (!runtime) {
    HttpResponse response;
    response.body.slices.emplace_back(pretty ? pretty_ : compact_);
    return response;
  }
  auto metadata = mmif::parse_json(compact_);
  metadata->object()->set("runtime", mmif::Object{{"gpu", gpu_->status()}});
  return text_response(200, "application/json", mmif::to_metadata_text(*metadata, pretty));
}

WorkerGauges HostedBackend::workers() const {
  const auto status = pool_->status();
  const auto alive =
      std::count_if(status.workers.begin(), status.workers.end(), [](const auto& w) { return worker::has_process(w.state); });
  return {static_cast<std::size_t>(alive), status.started, status.crashed, status.hung};
}

Readiness HostedBackend::readiness() const {
  const auto status = pool_->status();
  const auto takes = [](const auto& worker) { return worker::takes_requests(worker.state); };
  if (std::any_of(status.workers.begin(), status.workers.end(), takes)) return Readiness::Ready;
  if (status.start_error) return Readiness::CannotStart;
  return status.ready > ready_before_ ? Readiness::Ready : Readiness::Starting;
}

void HostedBackend::reload() {
  ready_at_reload_ = pool_->status().ready;
  pool_->reload();
}

bool HostedBackend::reloaded() const {
  const auto status = pool_->status();
  return status.ready > ready_at_reload_ || status.start_error.has_value();
}

vram::ModelCacheCounters HostedBackend::model_events() { return observer_->model_events(); }

void HostedBackend::drain(std::chrono::milliseconds timeout) { pool_->drain(timeout); }

}  // namespace clams::server
