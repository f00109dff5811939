#include "url.hpp"

#include <algorithm>
#include <cctype>

#include "base/text.hpp"

namespace clams {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

}  // namespace

std::optional<std::string> normalise_http_url(std::string_view text) {
  text = base::trim(text);
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string scheme = lower(text.substr(0, colon));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  const std::string_view rest = text.substr(colon + 3);
  const std::size_t slash = rest.find_first_of("/?#");
  const std::string_view host = rest.substr(0, slash);
  if (host.empty() || host.find_first_of(" \t\"<>") != std::string_view::npos) return std::nullopt;
  std::string out = scheme + "://" + lower(host);
  if (slash == std::string_view::npos) return out + "/";
  if (rest[slash] != '/') out += '/';
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : rest.substr(slash)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7F && std::string_view("\"<>`").find(c) == std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

}  // namespace clams
