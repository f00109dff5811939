// Runs of apps in an MMIF, and the names under which workflows are stored.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mmif/mmif.hpp"

namespace clams::tool {

// A run of an app: its views, in the order of the document. Never empty.
using Execution = std::vector<const mmif::View*>;

// Views that have the same app and timestamp, sorted by timestamp and app as texts. Views that lack either are in none.
std::vector<Execution> executions(const mmif::Mmif& document);

// MD5, as 32 hexadecimal digits, of "key=value" texts sorted by code point and joined by commas; values as Python's str() writes
// them. Error Unsupported when the host's crypto policy forbids MD5.
std::string parameter_hash(const mmif::Object& parameters);

struct AppName {
  std::string name;     // "swt-detection"; "unknown" if the URI has none
  std::string version;  // "v8.9"; "unversioned" if it has none or it is "unresolvable"
};
// Of a URI like http://apps.clams.ai/swt-detection/v8.9.
AppName split_app_uri(std::string_view uri);

// "TextDocument-1-VideoDocument-1/<app>/<version>/<hash of what the user gave>/…" over the runs whose first view has neither error
// nor warnings.
base::Result<std::string> workflow_id(const mmif::Mmif& document);

}  // namespace clams::tool
