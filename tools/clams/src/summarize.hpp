// clams summarize: what an MMIF holds, for people and pages that show it.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "mmif/mmif.hpp"
#include "parser.hpp"

namespace clams::tool {

struct Summary {
  mmif::Object data;
  std::vector<std::string> notes;  // what could not be used, one sentence each
};

// `size`: bytes of the file. Error InvalidDocument for more than one VideoDocument.
base::Result<Summary> summarize(const mmif::Mmif& document, std::size_t size);

Action declare_summarize(Parser& parser);

}  // namespace clams::tool
