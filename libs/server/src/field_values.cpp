#include "field_values.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/text.hpp"

namespace clams::server {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_unreserved(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || std::strchr("-._~", c) != nullptr;
}
bool is_sub_delimiter(char c) { return std::strchr("!$&'()*+,;=", c) != nullptr; }

// strchr finds the NUL at the end of its text.
bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

bool is_registered_name(std::string_view name) {
  if (name.empty() || has_nul(name)) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '%') {
      if (i + 2 >= name.size() || !is_hex(name[i + 1]) || !is_hex(name[i + 2])) return false;
      i += 2;
    } else if (!is_unreserved(name[i]) && !is_sub_delimiter(name[i])) {
      return false;
    }
  }
  return true;
}

// What stands between the brackets: an IPv6 address, with or without a zone ("fe80::1%25eth0"), or a literal of the future
// ("v1.x").
bool is_ip_literal(std::string_view text) {
  if (text.empty() || has_nul(text)) return false;
  if (text.front() == 'v' || text.front() == 'V') {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos || dot == 1 || dot + 1 == text.size()) return false;
    const auto rest = text.substr(dot + 1);
    const auto version = text.substr(1, dot - 1);
    return std::all_of(version.begin(), version.end(), is_hex) &&
           std::all_of(rest.begin(), rest.end(), [](char c) { return is_unreserved(c) || is_sub_delimiter(c) || c == ':'; });
  }
  const std::size_t zone = text.find('%');
  if (zone != std::string_view::npos) {
    const auto name = text.substr(zone);
    if (!name.starts_with("%25") || name.size() == 3 || !is_registered_name(name.substr(3))) return false;
  }
  std::array<char, INET6_ADDRSTRLEN> address{};
  const auto numbers = text.substr(0, zone);
  if (numbers.size() >= address.size()) return false;
  numbers.copy(address.data(), numbers.size());
  in6_addr parsed{};
  return ::inet_pton(AF_INET6, address.data(), &parsed) == 1;
}

// With its colon; empty: none. RFC 3986 lets the digits be missing.
bool is_port(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() != ':') return false;
  text.remove_prefix(1);
  if (!std::all_of(text.begin(), text.end(), is_digit)) return false;
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return text.empty() || (error == std::errc() && port <= 65535);
}

bool is_identity(std::string_view word) {
  constexpr std::string_view kIdentity = "identity";
  return std::equal(word.begin(), word.end(), kIdentity.begin(), kIdentity.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
}

}  // namespace

bool is_host_value(std::string_view value) noexcept {
  if (value.starts_with('[')) {
    const std::size_t end = value.find(']');
    return end != std::string_view::npos && is_ip_literal(value.substr(1, end - 1)) && is_port(value.substr(end + 1));
  }
  const std::size_t colon = value.find(':');
  return is_registered_name(value.substr(0, colon)) &&
         is_port(colon == std::string_view::npos ? std::string_view() : value.substr(colon));
}

bool is_identity_coding(std::string_view value) noexcept {
  while (true) {
    const std::size_t comma = value.find(',');
    const auto word = base::trim(value.substr(0, comma));
    if (!word.empty() && !is_identity(word)) return false;
    if (comma == std::string_view::npos) return true;
    value.remove_prefix(comma + 1);
  }
}

}  // namespace clams::server
