#include "describe.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "running_time.hpp"
#include "workflow.hpp"

namespace clams::tool {
namespace {

constexpr std::string_view kUnassigned = "http://apps.clams.ai/non-existing-app/v1";

mmif::Array array_of(const std::vector<std::string>& texts) { return mmif::Array(texts.begin(), texts.end()); }

TypeCounts count_types(const mmif::View& view) {
  TypeCounts counts;
  for (const auto& annotation : view.annotations()) add_counts(counts, {{annotation->type(), 1}});
  return counts;
}

const mmif::Value* running_time_text(const mmif::View& view) {
  const mmif::Value* profiling = view.metadata().find("appProfiling");
  const mmif::Value* found =
      profiling != nullptr && profiling->object() != nullptr ? profiling->object()->find("runningTime") : nullptr;
  if (found == nullptr) found = view.metadata().find("appRunningTime");  // before clams-python 1.3
  return found == nullptr || found->is_null() ? nullptr : found;
}

base::Result<std::optional<std::chrono::milliseconds>> running_time(const mmif::View& view) {
  const mmif::Value* text = running_time_text(view);
  if (text == nullptr) return std::optional<std::chrono::milliseconds>();
  auto time = text->string() == nullptr ? std::nullopt : parse_running_time(*text->string());
  if (!time) {
    return base::Error{base::ErrorCode::InvalidDocument,
                       "view " + view.id() + " has the running time " + mmif::python_repr(*text) +
                           ", which is not of the form H:MM:SS.ffffff; correct it or remove the view"};
  }
  return time;
}

mmif::Object configuration_of(const mmif::View& view) {
  const mmif::Value* configuration = view.metadata().find("appConfiguration");
  return configuration != nullptr && configuration->object() != nullptr ? *configuration->object() : mmif::Object();
}

base::Result<AppRun> describe_run(const Execution& views, std::vector<std::string>& empty_views) {
  AppRun run;
  const mmif::View& first = *views.front();
  run.app = first.app();
  for (const mmif::View* view : views) {
    run.view_ids.push_back(view->id());
    if (view->annotation_count() == 0) empty_views.push_back(view->id());
    add_counts(run.counts, count_types(*view));
  }
  run.configuration = configuration_of(first);
  BASE_TRY_ASSIGN(run.running_time, running_time(first));
  return run;
}

mmif::Object run_object(const AppRun& run) {
  return mmif::Object{
      {"app", run.app},
      {"viewIds", array_of(run.view_ids)},
      {"appConfiguration", run.configuration},
      {"appProfiling", mmif::Object{{"runningTimeMS", run.running_time ? mmif::Value(run.running_time->count()) : mmif::Value()}}},
      {"annotationCountByType", counts_object(run.counts)}};
}

bool failed(const mmif::View& view) { return view.has_error() || view.has_warnings(); }

}  // namespace

void add_counts(TypeCounts& to, const TypeCounts& more) {
  for (const auto& [type, count] : more) {
    const auto at = std::find_if(to.begin(), to.end(), [&name = type](const auto& entry) { return entry.first == name; });
    if (at == to.end())
      to.emplace_back(type, count);
    else
      at->second += count;
  }
}

mmif::Object counts_object(const TypeCounts& counts) {
  mmif::Object out;
  std::int64_t total = 0;
  for (const auto& [type, count] : counts) {
    out.append(type, count);
    total += count;
  }
  if (total > 0) out.set("total", total);
  return out;
}

base::Result<Description> describe(const mmif::Mmif& document) {
  Description out;
  std::set<const mmif::View*> described;
  for (const Execution& views : executions(document)) {
    if (failed(*views.front())) continue;
    // What an app had to warn about, or failed with, shares app and timestamp with its results, and is none.
    Execution results;
    std::copy_if(views.begin(), views.end(), std::back_inserter(results), [](const mmif::View* view) { return !failed(*view); });
    described.insert(results.begin(), results.end());
    BASE_TRY_ASSIGN(AppRun run, describe_run(results, out.empty_views));
    add_counts(out.counts, run.counts);
    out.runs.push_back(std::move(run));
  }
  for (const auto& view : document.views()) {
    if (described.contains(view.get())) continue;
    if (view->has_error()) {
      out.error_views.push_back(view->id());
    } else if (view->has_warnings()) {
      out.warning_views.push_back(view->id());
    } else {
      if (view->annotation_count() == 0) out.empty_views.push_back(view->id());
      out.unassigned_views.push_back(view->id());
    }
  }
  std::sort(out.unassigned_views.begin(), out.unassigned_views.end());
  BASE_TRY_ASSIGN(out.workflow_id, workflow_id(document));
  return out;
}

mmif::Object Description::to_object() const {
  mmif::Array apps;
  for (const AppRun& run : runs) apps.emplace_back(run_object(run));
  if (!unassigned_views.empty()) apps.emplace_back(run_object(AppRun{std::string(kUnassigned), unassigned_views, {}, {}, {}}));
  return mmif::Object{{"workflowId", workflow_id},
                      {"stats", mmif::Object{{"appCount", runs.size()},
                                             {"errorViews", array_of(error_views)},
                                             {"warningViews", array_of(warning_views)},
                                             {"emptyViews", array_of(empty_views)},
                                             {"annotationCountByType", counts_object(counts)}}},
                      {"apps", std::move(apps)}};
}

}  // namespace clams::tool
