#include "location.hpp"

#include <algorithm>
#include <iterator>

namespace mmif {
namespace {

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "file" of "file:///x", empty if the text has no scheme (RFC 3986 section 3.1).
std::string_view scheme_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_alpha(text[0])) return {};
  const std::string_view scheme = text.substr(0, colon);
  const bool fine = std::all_of(scheme.begin(), scheme.end(),
                                [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
  return fine ? scheme : std::string_view();
}

int hex(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::string location_uri(std::string_view location) {
  if (!location.starts_with('/') || !scheme_of(location).empty()) return std::string(location);
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out = "file://";
  for (const char c : location) {  // what Python's urllib.parse.quote keeps
    if (is_alpha(c) || is_digit(c) || std::string_view("/_.-~").find(c) != std::string_view::npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

base::Result<LocalPath> local_path(std::string_view uri) {
  const std::string_view scheme = scheme_of(uri);
  const bool is_file = std::equal(scheme.begin(), scheme.end(), std::begin("file"), std::end("file") - 1,
                                  [](char a, char b) { return (a | 0x20) == b; });
  if (!scheme.empty() && !is_file) {
    return base::Error{base::ErrorCode::Unsupported, "cannot open location '" + std::string(uri) + "': the scheme '" +
                                                         std::string(scheme) +
                                                         "' is not supported; fetch the file first and give its path"};
  }
  std::string_view rest = scheme.empty() ? uri : uri.substr(scheme.size() + 1);
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const std::size_t path = rest.find_first_of("/?#");
    rest = path == std::string_view::npos ? std::string_view() : rest.substr(path);
  }
  rest = rest.substr(0, rest.find_first_of("?#"));
  if (rest.empty()) return base::Error{base::ErrorCode::NotFound, "location '" + std::string(uri) + "' has no path"};
  std::string decoded = percent_decoded(rest);
  if (decoded.find('\0') != std::string::npos)
    return base::Error{base::ErrorCode::NotFound,
                       "location '" + std::string(uri) + "' has a NUL byte in its path; no file can have that name"};
  return LocalPath{std::move(decoded), std::string(rest)};
}

}  // namespace mmif
