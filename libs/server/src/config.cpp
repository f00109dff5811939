#include "config.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "clams/server/environment.hpp"
#include "command_line.hpp"
#include "config_file.hpp"
#include "flags.hpp"
#include "help_page.hpp"
#include "mmif/mmif.hpp"
#include "settings.hpp"

namespace clams::server {
namespace {

using base::Error;
using base::ErrorCode;

Error wrong_use(std::string message) { return {ErrorCode::InvalidArgument, std::move(message)}; }

std::string app_of(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    if (words[i] == "--app" && i + 1 < words.size()) return words[i + 1];
    if (words[i].starts_with("--app=")) return words[i].substr(6);
  }
  return {};
}

Error unknown_app(const ProgramInfo& program, const std::string& name) {
  const std::string list = list_of_apps(program);
  if (name.empty()) return wrong_use("say which app to run: --app NAME, with NAME one of " + list);
  const std::string_view like = base::closest(name, program.apps);
  return wrong_use("there is no app '" + name + "' in this program" +
                   (like.empty() ? "" : "; did you mean " + std::string(like) + "?") + "; --app takes one of " + list);
}

base::Status apply(Config& config, const Setting& setting, const std::string& text, const std::string& where, ErrorCode code) {
  const auto status = setting.apply(config, text);
  if (!status) return Error{code, where + ": " + status.error().message};
  return {};
}

base::Status apply_file(Config& config, const std::string& path, std::set<std::string>& settled) {
  BASE_TRY_ASSIGN(const auto pairs, read_config_file(path));
  for (const auto& [key, text] : pairs) {
    const auto& list = settings();
    const auto at =
        std::find_if(list.begin(), list.end(), [&, name = key](const Setting& setting) { return setting.name == name; });
    if (at == list.end()) {
      std::vector<std::string> names;
      for (const Setting& setting : list) names.push_back(setting.name);
      const auto like = base::closest(key, names);
      return Error{ErrorCode::Configuration, "configuration file '" + path + "': there is no setting '" + key + "'" +
                                                 (like.empty() ? "" : "; did you mean " + std::string(like) + "?")};
    }
    if (!settled.insert(key).second) continue;
    BASE_TRY(apply(config, *at, text, "configuration file '" + path + "', " + key, ErrorCode::Configuration));
  }
  return {};
}

base::Status add_explicit(RawParameters& raw, const std::vector<std::string>& list) {
  for (const std::string& text : list) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) return wrong_use("--param " + text + ": write NAME=VALUE");
    raw.add(text.substr(0, equals), text.substr(equals + 1));
  }
  return {};
}

// IN, OUT and the app's parameters.
base::Status settle_run(Config& config, CommandLineWords& line) {
  for (auto& [name, values] : line.parameters) {
    for (std::string& value : values) config.parameters.add(name, std::move(value));
  }
  BASE_TRY(add_explicit(config.parameters, line.params));
  if (line.positionals.size() == 1)
    return wrong_use("a run needs IN and OUT, here is only '" + line.positionals.front() + "'; '-' is standard input or output");
  if (line.positionals.size() == 2) {
    config.input = std::move(line.positionals[0]);
    config.output = std::move(line.positionals[1]);
  } else if (!config.parameters.empty()) {
    return wrong_use("parameters of the app are for a run with IN and OUT; a serving app gets them with each request");
  }
  return {};
}

std::string version_text(const AppFacts* facts) {
  const std::string own = "clams-cpp " + std::string(CLAMS_CPP_VERSION) + " (MMIF " + std::string(mmif::kSpecVersion) + ")\n";
  return facts == nullptr ? own : facts->name + " " + facts->version + "\n" + own;
}

}  // namespace

base::Result<std::variant<Config, HelpText>> parse_config(int argc, const char* const* argv, const EnvironmentLookup& environment,
                                                          const ProgramInfo& program) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc), own_arguments;
  if (program.hosts) {
    const auto mark = std::find(words.begin(), words.end(), "--");
    if (mark != words.end()) own_arguments.assign(mark + 1, words.end());
    words.erase(mark, words.end());
  }
  const std::string app_name = names_apps(program) ? app_of(words) : std::string();
  BASE_TRY_ASSIGN(const auto known, program.facts(app_name));
  const AppFacts* facts = known ? &*known : nullptr;
  auto read = read_command_line(words, {flags_of(program, facts), program.name, program.hosts});
  const bool no_app = facts == nullptr && !program.hosts;
  if (!read) return no_app ? unknown_app(program, app_name) : std::move(read).error();  // without an app its parameters are unknown
  CommandLineWords line = std::move(read).value();
  if (line.help) return std::variant<Config, HelpText>(HelpText{help_page(program, facts, program.columns)});
  if (line.version) return std::variant<Config, HelpText>(HelpText{version_text(facts)});
  if (no_app) return unknown_app(program, app_name);

  Config config;
  config.app = std::move(line.app);
  config.hosted_app = program.hosts ? line.positionals.front() : std::string();
  config.python = std::move(line.python);
  config.hosted_arguments = std::move(own_arguments);
  std::set<std::string> settled;
  // Presets first: "status-codes python" implies a vram-error-status that an explicit one may change, so settings are applied in
  // the order of the table.
  for (const Setting& setting : settings()) {
    if (const auto at = line.settings.find(setting.name); at != line.settings.end()) {
      settled.insert(setting.name);
      BASE_TRY(apply(config, setting, at->second, setting.flag(), ErrorCode::InvalidArgument));
      continue;
    }
    std::string variable = setting.variable();
    auto text = environment(variable);
    if (!text && setting.name == "log-level") text = environment(variable = "CLAMS_LOGLEVEL");
    if (!text && setting.name == "workers") text = environment(variable = "CLAMS_GUNICORN_WORKERS");
    // A Service named like the setting (CLAMS_PORT of `clams`) is no setting; look_at_environment says so.
    if (!text || (variable.ends_with("_PORT") && is_service_address(*text))) continue;
    settled.insert(setting.name);
    BASE_TRY(apply(config, setting, *text, variable, ErrorCode::Configuration));
  }
  std::string file = line.config;
  if (file.empty()) file = environment("CLAMS_CONFIG").value_or("");
  if (!file.empty()) BASE_TRY(apply_file(config, file, settled));
  if (config.host.empty()) config.host = config.production ? "0.0.0.0" : "127.0.0.1";
  config.gpu.ledger_directory = environment("CLAMS_VRAM_DIR").value_or("");
  config.gpu.profile_directory = environment("CLAMS_PROFILE_DIR").value_or("");

  if (!program.hosts) BASE_TRY(settle_run(config, line));
  return std::variant<Config, HelpText>(std::move(config));
}

}  // namespace clams::server
