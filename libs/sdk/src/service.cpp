#include "clams/service.hpp"

#include <sys/utsname.h>

#include <optional>

#include "base/available_cpus.hpp"
#include "base/text.hpp"
#include "cast.hpp"
#include "clams/answers.hpp"
#include "mmif/json.hpp"
#include "odd_numbers.hpp"
#include "run_state.hpp"
#include "view_signer.hpp"
#include "vram/out_of_memory.hpp"

namespace clams {
namespace {

using mmif::Array;
using mmif::Mmif;
using mmif::Object;
using mmif::View;

std::string value_error(std::string_view text) { return "<class 'ValueError'>: " + std::string(text); }

std::vector<std::string> undefined_parameter_warnings(const AppMetadata& metadata, const RawParameters& raw) {
  std::vector<std::string> warnings;
  for (const auto& [name, values] : raw) {
    if (metadata.find_parameter(name) != nullptr) continue;
    const std::string list = mmif::python_repr(mmif::Value(Array(values.begin(), values.end())));
    warnings.push_back("An undefined parameter \"" + name + "\" (value: \"" + list + "\") is passed");
  }
  return warnings;
}

// The same for people who typed it.
std::string misspelt_parameter(const AppMetadata& metadata, const std::string& name) {
  std::vector<std::string> names;
  for (const Parameter& parameter : metadata.parameters) names.push_back(parameter.name);
  const std::string_view like = base::closest(name, names);
  return "there is no parameter \"" + name + "\"" + (like.empty() ? "" : "; did you mean \"" + std::string(like) + "\"?");
}

bool is_on(const RawParameters& raw, std::string_view name) {
  const auto* values = raw.find(name);
  return values != nullptr && *cast_text(ParameterType::Boolean, values->front())->boolean();
}

std::string cpu_description() {
  utsname machine{};
  ::uname(&machine);
  return std::string(machine.machine) + ", " + std::to_string(base::available_cpus().count) + " cores";
}

Object profiling_of(const Parameters& parameters, std::chrono::steady_clock::duration ran, const GpuMemory& gpu) {
  Object profiling;
  if (parameters.get<bool>("runningTime"))
    profiling.set("runningTime", timedelta_text(std::chrono::duration_cast<std::chrono::microseconds>(ran)));
  if (parameters.get<bool>("hwFetch")) {
    Array gpus;
    for (std::string& line : gpu.describe_devices()) gpus.emplace_back(std::move(line));
    profiling.set("hardware", Object{{"cpu", cpu_description()}, {"cuda", std::move(gpus)}});
  }
  return profiling;
}

// New views without anything in them go. Returns whether any new view is left.
bool remove_empty_views(Mmif& mmif) {
  bool any_left = false;
  for (const View* view : mmif.new_views()) {
    if (view->annotation_count() == 0 && !view->has_error() && !view->has_warnings())
      mmif.remove(*view);
    else
      any_left = true;
  }
  return any_left;
}

std::string empty_output_text(const AppMetadata& metadata) {
  return "App \"" + metadata.identifier +
         "\" produced no annotations for this input; the input may lack expected content, or there may genuinely be nothing to "
         "annotate.";
}

Answer mmif_answer(unsigned status, mmif::Written body) {
  Answer answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

}  // namespace

Answer Answer::text(unsigned status, std::string content_type, std::string body) {
  auto owner = std::make_shared<const std::string>(std::move(body));
  Answer answer;
  answer.status = status;
  answer.content_type = std::move(content_type);
  answer.body = mmif::Written{{std::string_view(*owner)}, owner};
  return answer;
}

base::Result<AppMetadata> metadata_of(const App& app, std::string_view environment_version, std::vector<std::string>& notes) {
  try {
    AppMetadata metadata = app.metadata();
    BASE_TRY(metadata.complete(environment_version, notes));
    return metadata;
  } catch (...) {
    return base::Error{base::ErrorCode::Configuration, "app metadata: metadata() threw " + describe_current_exception()};
  }
}

base::Result<std::unique_ptr<Service>> Service::create(std::unique_ptr<App> app, ServiceOptions options) {
  std::vector<std::string> notes;
  BASE_TRY_ASSIGN(AppMetadata metadata, metadata_of(*app, options.environment_version, notes));
  for (const std::string& note : notes) options.log.warning(note);
  options.gpu.app = metadata.identifier;
  options.gpu.estimate = base::Bytes(
      static_cast<std::uint64_t>(metadata.est_gpu_mem_typ > 0 ? metadata.est_gpu_mem_typ : metadata.est_gpu_mem_min) << 20);
  options.gpu.log = options.log;
  BASE_TRY_ASSIGN(auto gpu, GpuMemory::open(options.gpu));
  return std::unique_ptr<Service>(new Service(std::move(app), std::move(metadata), std::move(options), std::move(gpu)));
}

Service::Service(std::unique_ptr<App> app, AppMetadata metadata, ServiceOptions options, std::shared_ptr<GpuMemory> gpu)
    : app_(std::move(app)),
      metadata_(std::move(metadata)),
      options_(std::move(options)),
      gpu_(std::move(gpu)),
      compact_(mmif::to_metadata_text(metadata_.to_object())),
      pretty_(mmif::to_metadata_text(metadata_.to_object(), true)) {}

Service::~Service() = default;

bool asks_for_runtime(std::string_view query) {
  if (query.empty()) return false;
  const RawParameters raw = RawParameters::from_query(query);
  return is_on(raw, "includeVRAM") || is_on(raw, "includeRuntime");
}

Answer Service::describe(std::string_view query) const {
  bool pretty = false;
  if (!query.empty()) {
    pretty = is_on(RawParameters::from_query(query), "pretty");
    if (asks_for_runtime(query)) {
      Object runtime{{"gpu", gpu_->status()}};
      for (const auto& [name, value] : app_->runtime_facts()) runtime.set(name == "gpu" ? "app_gpu" : name, value);
      Object metadata = metadata_.to_object();
      metadata.set("runtime", std::move(runtime));
      return Answer::text(200, "application/json", mmif::to_metadata_text(metadata, pretty));
    }
  }
  Answer answer;
  answer.body.slices.emplace_back(pretty ? pretty_ : compact_);  // lives as long as the service
  return answer;
}

base::Status Service::check_values(const RawParameters& given) const {
  for (const auto& [name, values] : given) {
    const Parameter* parameter = metadata_.find_parameter(name);
    if (parameter == nullptr) continue;  // told in a warnings view
    const auto value = cast_values(*parameter, values);
    if (!value) return base::Error{base::ErrorCode::InvalidArgument, "--" + name + ": " + value.error().message};
    if (is_allowed(*parameter, *value)) continue;
    return base::Error{base::ErrorCode::InvalidArgument,
                       "--" + name + " must be one of " + mmif::python_repr(mmif::Value(Array(parameter->choices)))};
  }
  return {};
}

Answer Service::input_error(std::string_view detail) const {
  Answer answer = Answer::text(options_.python_status_codes ? 500 : 400, "text/plain; charset=utf-8",
                               "Invalid input data. See below for validation error.\n\n" + std::string(detail));
  answer.failure = "invalid input data: " + std::string(detail);
  return answer;
}

Answer Service::refused(const vram::Refusal& refusal, const RequestContext& context) const {
  gpu_->count_refusal(refusal);
  // That memory ran out is logged with what the app said.
  if (refusal.reason != vram::Refusal::Reason::Allocation && !context.caller_reports_failure) context.log.warning(refusal.message());
  Answer answer = refusal_answer(refusal, options_.vram_error_status);
  answer.failure = refusal.message();
  return answer;
}

Answer Service::app_failure(const Mmif& mmif, const RawParameters& raw, const std::string& message) const {
  const std::unique_ptr<Mmif> input = mmif.pristine();
  View& view = input->new_view();
  sign_with_request(view, metadata_, raw, std::chrono::system_clock::now());
  view.edit_metadata().set("error",
                           Object{{"message", message}, {"stackTrace", "  in annotate of " + metadata_.identifier + "\n"}});
  Answer answer = mmif_answer(500, input->write(true));
  answer.failure = message;
  return answer;
}

// One call of the app, admitted and over.
struct Service::Attempt {
  std::optional<vram::Refusal> refusal;  // it did not run, or ran out of memory
  std::optional<std::string> failure;    // what the app threw
  bool out_of_memory = false;
  std::unique_ptr<GpuRequest> gpu;
  std::unique_ptr<RunState> run;
  std::chrono::steady_clock::time_point began;
};

namespace {

bool means_out_of_memory(const App& app, std::exception_ptr error) noexcept {
  try {
    return app.is_out_of_gpu_memory(std::move(error));
  } catch (...) {
    return false;  // it is busy failing already; the first exception is the one to tell
  }
}

}  // namespace

Service::Attempt Service::run_app(Mmif& mmif, const Parameters& parameters, const RequestContext& context) {
  Attempt attempt;
  // The one place where exceptions of an app are caught: admission asks it for its requirement.
  try {
    if (context.assignment) {
      attempt.gpu = gpu_->assume(*context.assignment);
    } else {
      auto admitted = gpu_->admit(*app_, parameters);
      if (auto* refusal = std::get_if<vram::Refusal>(&admitted)) {
        attempt.refusal = std::move(*refusal);
        return attempt;
      }
      attempt.gpu = std::get<std::unique_ptr<GpuRequest>>(std::move(admitted));
    }
    attempt.run = std::make_unique<RunState>(mmif, metadata_, parameters, context, *attempt.gpu);
    attempt.began = std::chrono::steady_clock::now();
    app_->annotate(mmif, parameters, *attempt.run);
    mmif.write_document_properties([&]() -> View& { return attempt.run->new_view(); });
    attempt.gpu->finished();
  } catch (const vram::OutOfMemory&) {
    attempt.failure = describe_current_exception();
    attempt.out_of_memory = true;
  } catch (...) {
    attempt.failure = describe_current_exception();
    attempt.out_of_memory = means_out_of_memory(*app_, std::current_exception());
  }
  if (context.after_run && attempt.gpu) context.after_run(*attempt.gpu, attempt.out_of_memory);
  if (!context.assignment && attempt.out_of_memory && attempt.gpu && !attempt.gpu->grant().device.empty()) {
    context.log.warning("the app ran out of GPU memory although " + base::to_string(attempt.gpu->grant().bytes) +
                        " were reserved for it: " + *attempt.failure);
    attempt.refusal = attempt.gpu->ran_out();
  }
  return attempt;
}

Answer Service::annotate(std::string body, RawParameters given, const RequestContext& context) {
  auto envelope = mmif::parse_envelope(std::move(body));
  if (!envelope) {
    context.log.info("refused the input: " + envelope.error().message);
    return input_error(envelope.error().message);
  }
  std::unique_ptr<Mmif> mmif = std::move(envelope->mmif);
  RawParameters raw = RawParameters::from_envelope(envelope->parameters);
  raw.merge(given);
  std::vector<std::string> warnings = undefined_parameter_warnings(metadata_, raw);
  if (context.on_warning) {
    for (const auto& [name, values] : raw) {
      if (metadata_.find_parameter(name) == nullptr) context.on_warning(misspelt_parameter(metadata_, name));
    }
  }

  auto refined = refine(metadata_, raw);
  if (!refined) {
    context.log.info("refused the parameters: " + refined.error().message);
    return app_failure(*mmif, raw, value_error(refined.error().message));
  }
  Attempt attempt = run_app(*mmif, *refined, context);
  if (attempt.out_of_memory && attempt.refusal && app_->may_rerun() && !context.stop.stop_requested()) {
    attempt = Attempt();  // gives its charge back before the next is decided
    mmif = mmif->pristine();
    attempt = run_app(*mmif, *refined, context);
  }
  if (attempt.failure && context.stop.stop_requested()) {
    const bool overdue = context.overdue != nullptr && context.overdue->load();
    const Object told = overdue ? Object{{"error", "the request ran longer than its time limit"}, {"code", "REQUEST_TIMEOUT"}}
                                : Object{{"error", "The request was stopped before it was finished."}, {"code", "CANCELLED"}};
    Answer answer = Answer::text(overdue ? 504 : 503, "application/json", mmif::to_mmif_text(told) + "\n");
    if (!overdue) answer.headers.emplace_back("Retry-After", "5");  // for a successor of this server
    return answer;
  }
  if (attempt.refusal) return refused(*attempt.refusal, context);
  if (attempt.failure) {
    if (!context.caller_reports_failure) context.log.error("the app failed: " + *attempt.failure);
    return app_failure(*mmif, raw, *attempt.failure);
  }
  return finish(*mmif, raw, *refined, context, attempt, std::move(warnings));
}

Answer Service::finish(Mmif& mmif, const RawParameters& raw, const Parameters& parameters, const RequestContext& context,
                       Attempt& attempt, std::vector<std::string> warnings) {
  RunState& run = *attempt.run;
  const bool any_left = remove_empty_views(mmif);
  warnings.insert(warnings.end(), run.warnings().begin(), run.warnings().end());
  if (!any_left) {
    warnings.push_back(warning_record(empty_output_text(metadata_), "EmptyOutputWarning", CodePlace::here()));
    if (context.on_warning) context.on_warning(empty_output_text(metadata_));
  }
  // Not in the document: on the wire it stays what the Python SDK makes of it.
  if (const auto odd = odd_numbers(mmif)) {
    if (context.on_warning)
      context.on_warning(*odd);
    else
      context.log.warning(*odd);
  }
  if (!warnings.empty()) {
    View& view = run.new_view();
    view.edit_metadata().set("warnings", Array(warnings.begin(), warnings.end()));
  }
  const Object profiling = profiling_of(parameters, std::chrono::steady_clock::now() - attempt.began, *gpu_);
  const std::string timestamp = local_timestamp(std::chrono::system_clock::now());
  for (View* view : mmif.new_views()) {
    if (view->app() == metadata_.identifier) finish_signature(*view, profiling, timestamp);
  }
  if (const auto fine = mmif.check_new_views(); !fine) {
    if (!context.caller_reports_failure) context.log.error("the app made invalid MMIF: " + fine.error().message);
    return app_failure(mmif, raw, value_error("the app made invalid MMIF: " + fine.error().message));
  }
  return mmif_answer(200, mmif.write(parameters.pretty()));
}

}  // namespace clams
