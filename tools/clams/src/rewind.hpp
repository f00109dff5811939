// clams rewind: an MMIF without its last views.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "mmif/mmif.hpp"
#include "parser.hpp"

namespace clams::tool {

enum class RewindUnit { Views, Apps };

// Removes the last `number` views, or all views of the last `number` runs of apps (workflow.hpp says what a run is); more than
// there are: all. Views that stay leave byte for byte as they came. Error InvalidArgument unless number > 0.
base::Status rewind(mmif::Mmif& document, std::int64_t number, RewindUnit unit);

// What is shown to somebody who does not know yet how far to go back: views from the last to the first.
std::string rewind_table(const mmif::Mmif& document);

Action declare_rewind(Parser& parser);

}  // namespace clams::tool
