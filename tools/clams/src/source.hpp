// clams source: a new MMIF that lists documents.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "mmif/mmif.hpp"
#include "parser.hpp"

namespace clams::tool {

struct SourceOptions {
  std::vector<std::string> documents;  // "video/mp4:/data/a.mp4"; blank ones are left out but take their number
  std::optional<std::string> prefix;   // absolute; then the paths are relative
  std::optional<std::string> scheme;   // of locations without one; "file" if none
  std::optional<std::string> output;
};

// Error InvalidArgument in the words of the Python command.
base::Result<std::unique_ptr<mmif::Mmif>> source_mmif(const SourceOptions& options);

Action declare_source(Parser& parser);

}  // namespace clams::tool
