#include <algorithm>
#include <cmath>

#include "base/fd.hpp"
#include "base/files.hpp"
#include "describe.hpp"

namespace clams::tool {
namespace {

struct AppStatistics {
  mmif::Object configuration;  // the first that is not empty
  std::vector<std::int64_t> times;
};

struct Workflow {
  std::vector<std::string> files;
  std::map<std::string, AppStatistics> apps;
};

struct Directory {
  std::int64_t total = 0, successful = 0, with_errors = 0, with_warnings = 0, invalid = 0;
  std::map<std::string, Workflow> workflows;
  TypeCounts counts;
};

base::Result<Description> describe_file(const std::string& path) {
  BASE_TRY_ASSIGN(std::string text, base::read_file(path));
  BASE_TRY_ASSIGN(const auto document, mmif::Mmif::parse(std::move(text)));
  return describe(*document);
}

void add_file(Directory& directory, const std::string& name, const base::Result<Description>& description) {
  ++directory.total;
  if (!description) {
    ++directory.invalid;
    return;
  }
  if (!description->error_views.empty()) {
    ++directory.with_errors;
    return;
  }
  ++directory.successful;
  if (!description->warning_views.empty()) ++directory.with_warnings;
  Workflow& workflow = directory.workflows[description->workflow_id];
  workflow.files.push_back(name);
  add_counts(directory.counts, description->counts);
  for (const AppRun& run : description->runs) {
    AppStatistics& app = workflow.apps[run.app];
    if (run.running_time) app.times.push_back(run.running_time->count());
    if (app.configuration.empty()) app.configuration = run.configuration;
  }
}

// Mean and sample standard deviation. Sums are exact in long double up to 2^63 of ms²: two-pass, around the mean.
mmif::Object time_statistics(const std::vector<std::int64_t>& times) {
  if (times.empty()) {
    return mmif::Object{{"avgRunningTimeMS", nullptr},
                        {"minRunningTimeMS", nullptr},
                        {"maxRunningTimeMS", nullptr},
                        {"stdevRunningTimeMS", nullptr}};
  }
  const auto count = static_cast<long double>(times.size());
  long double sum = 0;
  for (const std::int64_t time : times) sum += static_cast<long double>(time);
  const long double mean = sum / count;
  long double squares = 0;
  for (const std::int64_t time : times)
    squares += (static_cast<long double>(time) - mean) * (static_cast<long double>(time) - mean);
  const long double deviation = times.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
  const auto [least, most] = std::minmax_element(times.begin(), times.end());
  return mmif::Object{{"avgRunningTimeMS", static_cast<double>(mean)},
                      {"minRunningTimeMS", static_cast<double>(*least)},
                      {"maxRunningTimeMS", static_cast<double>(*most)},
                      {"stdevRunningTimeMS", static_cast<double>(deviation)}};
}

mmif::Object workflow_object(const std::string& id, const Workflow& workflow) {
  mmif::Array apps;
  for (const auto& [uri, app] : workflow.apps) {
    apps.emplace_back(
        mmif::Object{{"app", uri}, {"appConfiguration", app.configuration}, {"appProfiling", time_statistics(app.times)}});
  }
  return mmif::Object{{"workflowId", id},
                      {"mmifs", mmif::Array(workflow.files.begin(), workflow.files.end())},
                      {"mmifCount", workflow.files.size()},
                      {"apps", std::move(apps)}};
}

}  // namespace

base::Result<mmif::Object> describe_directory(const std::string& directory) {
  BASE_TRY_ASSIGN(const auto names, base::list_directory(directory));
  Directory all;
  for (const std::string& name : names) {
    if (name.ends_with(".mmif")) add_file(all, name, describe_file(directory + "/" + name));
  }
  mmif::Array workflows;
  for (const auto& [id, workflow] : all.workflows) workflows.emplace_back(workflow_object(id, workflow));
  return mmif::Object{{"mmifCountByStatus", mmif::Object{{"total", all.total},
                                                         {"successful", all.successful},
                                                         {"withErrors", all.with_errors},
                                                         {"withWarnings", all.with_warnings},
                                                         {"invalid", all.invalid}}},
                      {"workflows", std::move(workflows)},
                      {"annotationCountByType", counts_object(all.counts)}};
}

}  // namespace clams::tool
