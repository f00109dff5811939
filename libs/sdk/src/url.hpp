// URLs in app metadata.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace clams {

// http(s) URL with lower-case scheme and host, blanks and non-ASCII bytes of the path percent-encoded, a bare host gets "/".
// nullopt if it is none.
std::optional<std::string> normalise_http_url(std::string_view text);

}  // namespace clams
