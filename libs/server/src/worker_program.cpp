#include "worker_program.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>

#include "base/fd.hpp"
#include "clams/metadata_reader.hpp"
#include "clams/service.hpp"
#include "cpu_budget.hpp"
#include "hosted_options.hpp"
#include "mmif/mmif.hpp"
#include "model_events.hpp"
#include "program.hpp"
#include "worker/worker_server.hpp"

namespace clams::server {
namespace {

std::uint64_t number_of(const worker::Attributes& attributes, std::string_view name) {
  const std::string* text = worker::find_attribute(attributes, name);
  return text == nullptr ? 0 : std::strtoull(text->c_str(), nullptr, 10);
}
std::string text_of(const worker::Attributes& attributes, std::string_view name) {
  const std::string* text = worker::find_attribute(attributes, name);
  return text == nullptr ? std::string() : *text;
}

// Lines go to the front's log, with the request they are about.
class FrontLog final : public base::LogSink {
 public:
  explicit FrontLog(base::LogLevel level) : level_(level) {}
  void connect(worker::WorkerReports* reports) {
    const std::lock_guard lock(mutex_);
    reports_ = reports;
  }
  bool enabled(base::LogLevel level) const noexcept override { return level >= level_; }
  void write(base::LogLevel level, std::string_view context, std::string_view message) noexcept override {
    try {
      const std::lock_guard lock(mutex_);
      const std::string id(context);
      if (reports_ != nullptr) reports_->log(std::strtoull(id.c_str(), nullptr, 10), level, message);
    } catch (...) {  // a line that cannot be sent must not end the request
    }
  }

 private:
  base::LogLevel level_;
  std::mutex mutex_;
  worker::WorkerReports* reports_ = nullptr;
};

class AppWorker final : public worker::WorkerHandler {
 public:
  AppWorker(Service& service, base::Logger log, worker::WorkerReports& reports, std::unique_ptr<CpuShareView> front_cpus)
      : service_(service), log_(std::move(log)), reports_(reports), front_cpus_(std::move(front_cpus)) {}

  worker::ServedAnswer handle(std::uint64_t id, worker::ServedRequest request, std::stop_token stop,
                              worker::WorkerReports& reports) override {
    if (request.kind == "requirement") return requirement(request.attributes);
    if (request.kind == "http") return http(id, request, std::move(stop), reports);
    return {.attributes = {},
            .document = {},
            .code = worker::WorkerCode::Unsupported,
            .error = "this worker knows no requests of kind '" + request.kind + "'",
            .memory = {}};
  }
  // The front asks for no other reason.
  void unload(std::string_view model, worker::WorkerReports&) override {
    service_.gpu().models().unload(model, vram::UnloadReason::RoomNeeded);
    tell_models({{kUnloadAnswer, std::string(model)}});
  }

  void tell_held(const std::string& device, base::Bytes held) {
    worker::MemoryReport report;
    report.devices.emplace_back().device = device;
    report.devices.back().materialised = held;
    reports_.memory(report);
  }

  // The whole list and the counts, whenever they have changed.
  void tell_models(worker::Attributes attributes = {}) {
    const std::lock_guard lock(telling_);  // a list must not overtake a newer one
    std::vector<worker::ResidentModel> held;
    for (const auto& model : service_.gpu().models().models()) {
      if (model.state == vram::ModelState::InUse || model.state == vram::ModelState::Idle) held.push_back({model.key, model.bytes});
    }
    const auto counts = service_.gpu().models().counters();
    for (const auto& model : held)
      attributes.emplace_back(loader_attribute(model.name), std::to_string(service_.gpu().loader_of(model.name)));
    for (const auto& event : kModelEvents) attributes.emplace_back(event.name, std::to_string(counts.*event.count));
    told_hits_ = counts.hits;
    reports_.models(held, attributes);
  }

 private:
  worker::ServedAnswer requirement(const worker::Attributes& attributes) {
    RawParameters raw;
    if (const std::string envelope = text_of(attributes, "envelope"); !envelope.empty()) {
      if (const auto value = mmif::parse_json(envelope); value && value->object() != nullptr)
        raw = RawParameters::from_envelope(*value->object());
    }
    raw.merge(RawParameters::from_query(text_of(attributes, "query")));
    const auto parameters = refine_parameters(service_.metadata(), std::move(raw));
    worker::ServedAnswer answer;
    if (!parameters) {
      answer.code = worker::WorkerCode::BadRequest;
      answer.error = parameters.error().message;
      return answer;
    }
    try {
      if (const auto need = service_.app().model_requirement(*parameters)) {
        answer.attributes = {{"size_bytes", std::to_string(need->bytes.count())}, {"name", need->name}};
        if (need->increment) answer.attributes.emplace_back("increment_bytes", std::to_string(need->increment->count()));
        if (need->device) answer.attributes.emplace_back("device", *need->device);
      }
    } catch (...) {
      answer.code = worker::WorkerCode::BadRequest;  // the request itself will say so in the app's words
      answer.error = describe_current_exception();
    }
    return answer;
  }

  worker::ServedAnswer http(std::uint64_t id, const worker::ServedRequest& request, std::stop_token stop,
                            worker::WorkerReports& reports) {
    worker::ServedAnswer answer;
    const std::string query = text_of(request.attributes, "query");
    if (text_of(request.attributes, "method") == "GET") return sent(service_.describe(query), std::move(answer));
    const CpuBudget::Share cpu(own_cpus_);
    RequestContext context;
    context.request_id = std::to_string(id);
    context.log = log_.with_context(context.request_id);
    context.stop = std::move(stop);
    context.cpu_share = [this, &cpu] { return front_cpus_ ? front_cpus_->threads() : cpu.threads(); };
    context.progress = [&reports, id](double fraction, std::string_view text) { reports.progress(id, fraction, text); };
    GpuAssignment assignment;
    assignment.grant.device = text_of(request.attributes, "gpu.device");
    assignment.grant.source = text_of(request.attributes, "gpu.source");
    assignment.grant.bytes = base::Bytes(number_of(request.attributes, "gpu.bytes"));
    assignment.grant.granted_at = std::chrono::nanoseconds(number_of(request.attributes, "gpu.granted_at_ns"));
    assignment.resident = base::Bytes(number_of(request.attributes, "gpu.resident_bytes"));
    assignment.number = number_of(request.attributes, "gpu.request");
    context.assignment = std::move(assignment);
    std::string used_model;
    bool loaded = false, waited_in_vain = false, succeeded = false;
    context.after_run = [&](const GpuRequest& gpu, bool ran_out) {
      if (ran_out) answer.code = worker::WorkerCode::OutOfMemory;
      used_model = gpu.used_model();
      loaded = gpu.loaded_model();
      waited_in_vain = gpu.waited_in_vain();
      succeeded = gpu.succeeded();
      if (const auto took = gpu.report()) {
        worker::DeviceMemory device;
        device.device = took->device;
        device.held_before = took->held_before;
        device.peak_allocated = took->peak_allocated;
        device.peak_reserved = took->peak_reserved;
        answer.memory = worker::MemoryReport{{device}, std::nullopt};
      }
    };
    Answer made = service_.annotate(std::string(request.document.view()), RawParameters::from_query(query), context);
    if (service_.gpu().models().counters().hits != told_hits_) tell_models();
    answer = sent(std::move(made), std::move(answer));
    if (!used_model.empty()) answer.attributes.emplace_back("gpu.model", used_model);
    if (loaded) answer.attributes.emplace_back("gpu.loaded", "1");
    if (waited_in_vain) answer.attributes.emplace_back("gpu.waited_in_vain", "1");
    if (!succeeded) answer.attributes.emplace_back("gpu.failed", "1");
    return answer;
  }

  static worker::ServedAnswer sent(Answer made, worker::ServedAnswer answer) {
    answer.attributes = {{"status", std::to_string(made.status)}, {"header.Content-Type", made.content_type}};
    for (const auto& [name, value] : made.headers) answer.attributes.emplace_back("header." + name, value);
    // Large answers go straight into a memfd: the slices are not joined in this process's heap.
    auto writer = worker::DocumentWriter::create();
    bool written = writer.has_value();
    for (const std::string_view slice : made.body.slices) written = written && writer->append(slice).has_value();
    auto document = written ? std::move(*writer).finish()
                            : base::Result<worker::Document>(base::Error{base::ErrorCode::Io, "no memory for the answer", 0});
    if (document)
      answer.document = std::move(*document);
    else
      answer.error = document.error().message;
    return answer;
  }

  Service& service_;
  base::Logger log_;
  worker::WorkerReports& reports_;
  const std::unique_ptr<CpuShareView> front_cpus_;  // null: the front has none to give
  const std::shared_ptr<CpuBudget> own_cpus_ = std::make_shared<CpuBudget>();
  std::mutex telling_;
  std::atomic<std::uint64_t> told_hits_ = 0;
};

// The budget of the front, which covers its other workers too.
std::unique_ptr<CpuShareView> front_cpus(const base::Logger& log) {
  const auto text = environment(kCpuShareVariable);
  if (!text) return nullptr;
  auto view = CpuShareView::open(base::Fd(std::atoi(text->c_str())));
  if (view) return std::move(*view);
  log.warning("the CPUs are shared among this worker's requests alone: " + view.error().message);
  return nullptr;
}

}  // namespace

worker::ChildCommand worker_command(int argc, char** argv) {
  worker::ChildCommand command;
  command.program = "/proc/self/exe";
  std::array<char, 4096> path{};
  if (const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size()); length > 0)
    command.program.assign(path.data(), static_cast<std::size_t>(length));
  command.arguments = {kWorkerArgument};
  command.arguments.insert(command.arguments.end(), argv + 1, argv + argc);
  return command;
}

int run_worker(const std::string& program, const Config& config, std::unique_ptr<App> app) {
  // First of all: from here on the worker ends with its front.
  auto server = worker::WorkerServer::open(worker::kChannelFd, worker::kLifeLineFd, program);
  if (!server) return exit_with(server.error(), program);
  auto sink = std::make_shared<FrontLog>(config.log_level);
  sink->connect(&(*server)->reports());
  ServiceOptions options;
  options.environment_version = environment("CLAMS_APP_VERSION").value_or("");
  options.python_status_codes = config.python_status_codes;
  options.log = base::Logger(sink);
  options.gpu = gpu_options(config.gpu);
  options.gpu.admission.mode = vram::AdmissionMode::Off;  // the front decides
  // Models come and go on threads that outlive the serving.
  struct Relay {
    std::mutex mutex;
    AppWorker* worker = nullptr;
    void set(AppWorker* to) {
      const std::lock_guard lock(mutex);
      worker = to;
    }
  };
  const auto relay = std::make_shared<Relay>();
  options.gpu.on_models_changed = [relay] {
    const std::lock_guard lock(relay->mutex);
    if (relay->worker != nullptr) relay->worker->tell_models();
  };
  options.gpu.on_held = [relay](const std::string& device, base::Bytes held) {
    const std::lock_guard lock(relay->mutex);
    if (relay->worker != nullptr) relay->worker->tell_held(device, held);
  };
  auto service = Service::create(std::move(app), std::move(options));
  if (!service) return exit_with(service.error(), program);
  AppWorker worker(**service, base::Logger(sink), (*server)->reports(), front_cpus(base::Logger(sink)));
  relay->set(&worker);
  const auto served =
      (*server)->serve(worker, config.threads != 0 ? config.threads : usual_requests(true, base::available_cpus().count), {});
  relay->set(nullptr);
  sink->connect(nullptr);
  if (!served) return exit_with(served.error(), program);
  return 0;
}

}  // namespace clams::server
