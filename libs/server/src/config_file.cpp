#include "config_file.hpp"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "base/fd.hpp"

namespace clams::server {

using base::Error;
using base::ErrorCode;

base::Result<std::vector<std::pair<std::string, std::string>>> read_config_file(const std::string& path) {
  const auto text = base::read_file(path, 1 << 20);
  if (!text) return Error{ErrorCode::Configuration, "configuration file: " + text.error().message};
  const toml::parse_result parsed = toml::parse(*text, path);
  if (!parsed) {
    return Error{ErrorCode::Configuration, "configuration file '" + path + "' line " +
                                               std::to_string(parsed.error().source().begin.line) + ": " +
                                               std::string(parsed.error().description())};
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [key, node] : parsed.table()) {
    std::string value;
    if (const auto* s = node.as_string())
      value = s->get();
    else if (const auto* i = node.as_integer())
      value = std::to_string(i->get());
    else if (const auto* b = node.as_boolean())
      value = b->get() ? "true" : "false";
    else if (const auto* f = node.as_floating_point())
      value = std::to_string(f->get());
    else
      return Error{ErrorCode::Configuration, "configuration file '" + path + "': the value of '" + std::string(key.str()) +
                                                 "' must be a text, a number or true/false"};
    pairs.emplace_back(std::string(key.str()), std::move(value));
  }
  return pairs;
}

}  // namespace clams::server
