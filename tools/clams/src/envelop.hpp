// clams envelop: parameters and an MMIF in one JSON text that can be posted to an app.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "parser.hpp"

namespace clams::tool {

// {"parameters": …, "mmif": …} on one line with an LF. Numbers and strings of the MMIF keep their spelling; only white space
// between them changes. Error InvalidDocument when either is not JSON or the parameters are not an object; it says which one.
base::Result<std::string> envelope(std::string_view parameters, std::string_view mmif);

Action declare_envelop(Parser& parser);

}  // namespace clams::tool
