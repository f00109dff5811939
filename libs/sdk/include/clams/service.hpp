// One app, ready to answer: from bytes in to bytes out, without HTTP. Server, one-shot command and worker processes all go through here.
#pragma once
#include <functional>
#include <memory>
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

struct ServiceOptions {
  std::string environment_version;       // $CLAMS_APP_VERSION, empty if unset
  bool python_status_codes = false;      // input errors are 500 instead of 400
  base::Logger log;
  // One line per GPU for `hwFetch`; called only when a client asks for it.
  std::function<std::vector<std::string>()> describe_gpus;
};

// What belongs to one request.
struct RequestContext {
  std::string request_id;
  std::stop_token stop;
  base::Logger log;
  unsigned cpu_threads = 1;
  std::function<void(double, std::string_view)> progress;  // may be empty; may be called from any thread
};

struct Answer {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  mmif::Written body;

  static Answer text(unsigned status, std::string content_type, std::string body);
};

// Thread-safe: requests run at once. The app's exceptions end here.
class Service {
 public:
  // Error Configuration when the app's metadata is not in order.
  static base::Result<std::unique_ptr<Service>> create(std::unique_ptr<App> app, ServiceOptions options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  const AppMetadata& metadata() const noexcept { return metadata_; }
  App& app() noexcept { return *app_; }

  // GET /: the metadata; `query` as it stands in the URL. Never blocks.
  Answer describe(std::string_view query) const;
  // Whether values that were typed for a run fit their parameters. Error InvalidArgument.
  base::Status check_values(const RawParameters& given) const;
  // POST / and PUT /: 200 with MMIF; 400 text for a malformed body; 500 with an error view when parameters are wrong or the app failed; 503 when it was stopped.
  Answer annotate(std::string body, RawParameters given, const RequestContext& context);

 private:
  Service(std::unique_ptr<App> app, AppMetadata metadata, ServiceOptions options);
  Answer input_error(std::string_view detail) const;
  Answer app_failure(const mmif::Mmif& mmif, const RawParameters& raw, const std::string& message) const;

  std::unique_ptr<App> app_;
  AppMetadata metadata_;
  ServiceOptions options_;
  std::string compact_, pretty_;  // the metadata's two text forms
};

}  // namespace clams
