#include "flags.hpp"

#include <algorithm>

#include "settings.hpp"

namespace clams::server {
namespace {

Takes taken_by(const Parameter& parameter) {
  if (parameter.type == ParameterType::Boolean) return Takes::Truth;
  return parameter.multivalued || parameter.type == ParameterType::Map ? Takes::Several : Takes::One;
}

}  // namespace

bool names_apps(const ProgramInfo& program) {
  return !program.hosts && (program.apps.size() > 1 || (!program.apps.empty() && !program.apps.front().empty()));
}

std::string list_of_apps(const ProgramInfo& program) {
  std::string list;
  for (const std::string& name : program.apps) list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::vector<Flag> flags_of(const ProgramInfo& program, const AppFacts* facts) {
  std::vector<Flag> flags{{"-h", Takes::Nothing, FlagKind::Help},
                          {"--help", Takes::Nothing, FlagKind::Help},
                          {"--version", Takes::Nothing, FlagKind::Version},
                          {"--config", Takes::One, FlagKind::Config}};
  if (names_apps(program)) flags.push_back({"--app", Takes::One, FlagKind::App});
  flags.push_back(program.hosts ? Flag{"--python", Takes::One, FlagKind::Python} : Flag{"--param", Takes::One, FlagKind::Param});
  for (const Setting& setting : settings())
    flags.push_back({setting.flag(), setting.value.empty() ? Takes::Nothing : Takes::One, FlagKind::Setting});
  if (facts == nullptr) return flags;
  for (const Parameter& parameter : facts->parameters) {
    const std::string word = "--" + parameter.name;
    const bool taken = std::any_of(flags.begin(), flags.end(), [&](const Flag& flag) { return flag.word == word; });
    if (!taken && !parameter.name.empty()) flags.push_back({word, taken_by(parameter), FlagKind::Parameter});
  }
  return flags;
}

}  // namespace clams::server
