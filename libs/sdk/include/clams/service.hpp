// One app, ready to answer: from bytes in to bytes out, without HTTP. Server, one-shot command and worker processes all go through
// here.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "clams/app.hpp"
#include "clams/parameters.hpp"
#include "mmif/mmif.hpp"

namespace clams {

// The app's metadata, checked and completed (AppMetadata::complete). Whatever metadata() throws is error Configuration, too.
base::Result<AppMetadata> metadata_of(const App& app, std::string_view environment_version, std::vector<std::string>& notes);

struct ServiceOptions {
  std::string environment_version;   // $CLAMS_APP_VERSION, empty if unset
  bool python_status_codes = false;  // input errors are 500 instead of 400
  base::Logger log;
  GpuMemoryOptions gpu{.gpu = "none"};  // `app` and `estimate` are filled in from the metadata
  unsigned vram_error_status = 503;     // of a temporary refusal: 503, or 500 as the Python SDK
};

// What belongs to one request.
struct RequestContext {
  std::string request_id;
  std::stop_token stop;
  std::shared_ptr<const std::atomic<bool>> overdue = {};  // true when `stop` was requested for a time limit; may be null
  base::Logger log;
  unsigned cpu_threads = 1;                                // what Run::cpu_threads says,
  std::function<unsigned()> cpu_share = {};                // unless this is set: asked each time, from any thread, >= 1
  std::function<void(double, std::string_view)> progress;  // may be empty; may be called from any thread
  // What ends up in a warnings view, and what else somebody should know of the document, in words for people. Empty: the latter is
  // logged.
  std::function<void(std::string_view)> on_warning = {};
  // The caller reports Answer::failure by itself, so that the log does not say it a second time.
  bool caller_reports_failure = false;
  std::optional<GpuAssignment> assignment = {};            // in a worker process: GPU memory was decided by the front
  // In a worker process: what the request took, before the answer goes out.
  std::function<void(const GpuRequest&, bool ran_out)> after_run = {};
};

struct Answer {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  mmif::Written body;
  std::string failure = {};  // one line for people: why the status is not 200

  static Answer text(unsigned status, std::string content_type, std::string body);
};

// Whether the query has includeVRAM or includeRuntime, and neither is switched off there.
bool asks_for_runtime(std::string_view query);

// Thread-safe: requests run at once. The app's exceptions end here.
class Service {
 public:
  // Error Configuration when the app's metadata is not in order, or as GpuMemory::open.
  static base::Result<std::unique_ptr<Service>> create(std::unique_ptr<App> app, ServiceOptions options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  const AppMetadata& metadata() const noexcept { return metadata_; }
  App& app() noexcept { return *app_; }

  GpuMemory& gpu() noexcept { return *gpu_; }

  // GET /: the metadata, with "runtime" when the query asks for it (asks_for_runtime); `query` as it stands in the URL. Blocks only
  // then: see GpuMemory::status.
  Answer describe(std::string_view query) const;
  // Whether values that were typed for a run fit their parameters. Error InvalidArgument.
  base::Status check_values(const RawParameters& given) const;
  // POST / and PUT /: 200 with MMIF; 400 text for a malformed body; 500 with an error view when parameters are wrong, the app
  // failed or what it made is no valid MMIF; 503 when it was stopped or GPU memory is not there now; 507 when it never will be.
  Answer annotate(std::string body, RawParameters given, const RequestContext& context);

 private:
  Service(std::unique_ptr<App> app, AppMetadata metadata, ServiceOptions options, std::shared_ptr<GpuMemory> gpu);
  struct Attempt;
  Attempt run_app(mmif::Mmif& mmif, const Parameters& parameters, const RequestContext& context);
  Answer finish(mmif::Mmif& mmif, const RawParameters& raw, const Parameters& parameters, const RequestContext& context,
                Attempt& attempt, std::vector<std::string> warnings);
  Answer input_error(std::string_view detail) const;
  Answer refused(const vram::Refusal& refusal, const RequestContext& context) const;
  Answer app_failure(const mmif::Mmif& mmif, const RawParameters& raw, const std::string& message) const;

  std::unique_ptr<App> app_;
  AppMetadata metadata_;
  ServiceOptions options_;
  std::shared_ptr<GpuMemory> gpu_;
  std::string compact_, pretty_;  // the metadata's two text forms
};

}  // namespace clams
