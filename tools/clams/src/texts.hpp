// Texts that apps wrote, in the order in which a person would read them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "summary_graph.hpp"

namespace clams::tool {

struct TimedText {
  std::string text;
  std::optional<double> start;  // milliseconds, of the TimePoint or TimeFrame that the text is aligned with
};

// The TextDocuments of one view (`view`), or, without a name, of all views of the last run of an app that wrote any. Files that a
// text names are read. Errors: NotFound (a view that does not exist or has no texts), InvalidDocument (no view has a text).
base::Result<std::vector<TimedText>> texts_of(const mmif::Mmif& document, const SummaryGraph& graph,
                                              const std::optional<std::string>& view);

}  // namespace clams::tool
