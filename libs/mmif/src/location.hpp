// Locations of documents: paths to URIs and back.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mmif {

// An absolute path becomes file:// + percent-encoded path; a text with a scheme, and anything else, is kept.
std::string location_uri(std::string_view location);

struct LocalPath {
  std::string decoded;  // %20 -> blank
  std::string literal;  // as it stands in the URI
};
// Path part of a file URI or of a bare path, without host, query and fragment. Error Unsupported for other schemes.
base::Result<LocalPath> local_path(std::string_view uri);

}  // namespace mmif
