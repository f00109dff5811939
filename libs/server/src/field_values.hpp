// What single header fields may hold. Pure functions; no state.
#pragma once
#include <string_view>

namespace clams::server {

// Whether `value` is uri-host [":" port] (RFC 9112 section 3.2, RFC 3986 section 3.2.2): a name, an IPv4 address or a bracketed IP
// literal. An empty host is none: every request to this server has an authority. User names are refused.
bool is_host_value(std::string_view value) noexcept;

// Whether a Content-Encoding leaves the body as it is: empty, or nothing but "identity" (in any case, however often).
bool is_identity_coding(std::string_view value) noexcept;

}  // namespace clams::server
