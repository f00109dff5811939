// clams describe: which apps made an MMIF, or a directory of them.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "mmif/mmif.hpp"
#include "parser.hpp"

namespace clams::tool {

// Counts by type in the order in which the types came up.
using TypeCounts = std::vector<std::pair<std::string, std::int64_t>>;
void add_counts(TypeCounts& to, const TypeCounts& more);
// With a last key "total", unless nothing was counted.
mmif::Object counts_object(const TypeCounts& counts);

struct AppRun {
  std::string app;
  std::vector<std::string> view_ids;
  mmif::Object configuration;
  std::optional<std::chrono::milliseconds> running_time;
  TypeCounts counts;
};

struct Description {
  std::string workflow_id;
  std::vector<AppRun> runs;
  std::vector<std::string> unassigned_views;  // without app or timestamp, or beside the view with which a run failed
  std::vector<std::string> error_views, warning_views, empty_views;
  TypeCounts counts;
  mmif::Object to_object() const;
};

// Error InvalidDocument for a running time that cannot be read; it names the view.
base::Result<Description> describe(const mmif::Mmif& document);

// All *.mmif files of a directory together; files that cannot be read or described are counted as invalid. Error when the directory
// cannot be listed.
base::Result<mmif::Object> describe_directory(const std::string& directory);

// JSON schema of the output: "mmif-file" or "mmif-dir".
std::string_view description_schema(std::string_view name);

Action declare_describe(Parser& parser);

}  // namespace clams::tool
