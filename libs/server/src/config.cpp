#include "config.hpp"

#include <CLI/CLI.hpp>

#include <map>
#include <set>

#include "base/text.hpp"
#include "config_file.hpp"
#include "settings.hpp"

namespace clams::server {
namespace {

using base::Error;
using base::ErrorCode;

Error wrong_use(std::string message) { return {ErrorCode::InvalidArgument, std::move(message)}; }

// Values by setting, from the command line.
using Given = std::map<std::string, std::string>;

std::string app_of(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--app" && i + 1 < argc) return argv[i + 1];
    if (word.starts_with("--app=")) return std::string(word.substr(6));
  }
  return {};
}

class CommandLine {
 public:
  explicit CommandLine(const ProgramInfo& program) : program_(program), cli_(program.description, program.name) {
    cli_.set_help_flag("-h,--help", "Show this help");
    cli_.get_formatter()->column_width(34);
    cli_.footer(program.hosts
                    ? "What stands after '--' are the app's own arguments.\n"
                      "Each flag --x-y is also the variable CLAMS_X_Y and, in the file of --config, the key x-y; flags come first, "
                      "then variables, then the file.\n"
                      "Sizes: 6GiB, 512MiB, bytes. Times: 30s, 5m, 250ms."
                    : "Without IN and OUT the app serves HTTP; with them it runs once ('-' is standard input or output).\n"
                      "Each flag --x-y is also the variable CLAMS_X_Y and, in the file of --config, the key x-y; flags come first, "
                      "then variables, then the file.\n"
                      "Sizes: 6GiB, 512MiB, bytes. Times: 30s, 5m, 250ms.");
  }

  base::Result<std::optional<HelpText>> parse(int argc, const char* const* argv, const std::string& app_name) {
    add_settings();
    const auto own = program_.parameters(app_name);
    if (!own) return unknown_app(app_name);
    add_parameters(*own);
    try {
      cli_.parse(argc, argv);
    } catch (const CLI::CallForHelp&) { return std::optional(HelpText{help_text()}); } catch (const CLI::ParseError& error) {
      return refused(error);
    }
    return std::optional<HelpText>();
  }

  Given given;
  std::string config_file, app, hosted_app, python;
  std::vector<std::string> positionals;
  std::vector<std::pair<std::string, std::vector<std::string>>> parameters;
  std::vector<std::string> explicit_parameters;

 private:
  // CLI11's, with a usage line that says how the program is called.
  std::string help_text() const {
    std::string text = cli_.help();
    const std::size_t usage = text.find("Usage: ");
    const std::size_t end = text.find('\n', usage);
    if (usage != std::string::npos && end != std::string::npos) {
      text.replace(
          usage, end - usage,
          "Usage: " + program_.name +
              (program_.hosts ? " APP.PY [FLAG...] [-- ARGUMENT...]"
                              : " [FLAG...]            serve\n       " + program_.name + " [FLAG...] IN OUT     run once"));
    }
    if (!text.ends_with('\n')) text += '\n';
    return text;
  }

  void add_settings() {
    if (!program_.hosts && (program_.apps.size() > 1 || !program_.apps.front().empty()))
      cli_.add_option("--app", app, "Which app: " + CLI::detail::join(program_.apps, ", "))->group("Serving")->type_name("NAME");
    for (const Setting& setting : settings()) {
      names_.push_back(setting.flag());
      if (setting.value.empty()) {
        cli_.add_flag_callback(
                setting.flag(), [this, &setting] { given[setting.name] = "true"; }, setting.help)
            ->group(setting.group);
      } else {
        cli_.add_option_function<std::string>(
                setting.flag(), [this, &setting](const std::string& text) { given[setting.name] = text; }, setting.help)
            ->type_name(setting.value)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
            ->group(setting.group);
      }
    }
    names_.insert(names_.end(), {"--config", "--param", "--help"});
    cli_.add_option("--config", config_file, "TOML file with settings")->type_name("FILE")->group("Log and settings");
    if (program_.hosts) {
      cli_.add_option("APP", hosted_app, "The app's app.py, or the folder it lies in")->type_name("APP.PY")->required();
      cli_.add_option("--python", python, "Python of the app's environment ($VIRTUAL_ENV's, else that of the environment clams-cpp is installed in, else python3)")
          ->type_name("FILE")
          ->group("Serving");
      names_.push_back("--python");
      return;
    }
    cli_.add_option("IN_OUT", positionals, "Run once: MMIF to read, MMIF to write")
        ->type_name("IN OUT")
        ->expected(0, 2)
        ->group("Run once");
    cli_.add_option("--param", explicit_parameters, "A parameter of the app, whatever its name (repeatable)")
        ->type_name("NAME=VALUE")
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->group("Run once");
  }

  void add_parameters(const std::vector<Parameter>& list) {
    parameters.reserve(list.size());  // CLI11 keeps references to the vectors
    const std::set<std::string> taken(names_.begin(), names_.end());
    for (const Parameter& parameter : list) {
      const std::string flag = "--" + parameter.name;
      if (taken.contains(flag) || parameter.name.empty() || !CLI::detail::valid_name_string(parameter.name)) continue;
      parameters.emplace_back(parameter.name, std::vector<std::string>());
      names_.push_back(flag);
      std::string help =
          parameter.description.substr(0, std::min(parameter.description.find('\n'), parameter.description.find(". ")));
      if (parameter.multivalued) help += " (repeatable)";
      cli_.add_option(flag, parameters.back().second, help)
          ->type_name(std::string(to_string(parameter.type)))
          ->expected(1)
          ->allow_extra_args(false)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
          ->group("Parameters of the app, when it runs once");
    }
  }

  Error unknown_app(const std::string& app_name) const {
    const std::string list = CLI::detail::join(program_.apps, ", ");
    if (app_name.empty()) return wrong_use("say which app to run: --app NAME, with NAME one of " + list);
    return wrong_use("there is no app '" + app_name + "' in this program; --app takes one of " + list);
  }

  Error refused(const CLI::ParseError& error) const {
    std::string message = error.what();
    if (const auto* extras = dynamic_cast<const CLI::ExtrasError*>(&error)) {
      const std::string_view text = extras->what();
      const std::size_t colon = text.rfind(": ");
      const std::string word(base::trim(text.substr(colon == std::string_view::npos ? 0 : colon + 2)));
      const std::string first = word.substr(0, word.find_first_of(" ="));
      message = "unknown argument " + first;
      if (const auto like = base::closest(first, names_); !like.empty()) message += "; did you mean " + std::string(like) + "?";
    }
    return wrong_use(message + " (--help shows what there is)");
  }

  const ProgramInfo& program_;
  CLI::App cli_;
  std::vector<std::string> names_;
};

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

}  // namespace

base::Result<std::variant<Config, HelpText>> parse_config(int argc, const char* const* argv, const EnvironmentLookup& environment,
                                                          const ProgramInfo& program) {
  CommandLine line(program);
  std::vector<std::string> own_arguments;
  if (program.hosts) {
    for (int i = 1; i < argc; ++i) {
      if (std::string_view(argv[i]) != "--") continue;
      own_arguments.assign(argv + i + 1, argv + argc);
      argc = i;
    }
  }
  BASE_TRY_ASSIGN(const auto help, line.parse(argc, argv, app_of(argc, argv)));
  if (help) return std::variant<Config, HelpText>(*help);

  Config config;
  config.app = line.app;
  config.hosted_app = line.hosted_app;
  config.python = line.python;
  config.hosted_arguments = std::move(own_arguments);
  std::set<std::string> settled;
  // Presets first: "status-codes python" implies a vram-error-status that an explicit one may change, so settings are applied in
  // the order of the table.
  for (const Setting& setting : settings()) {
    if (const auto at = line.given.find(setting.name); at != line.given.end()) {
      settled.insert(setting.name);
      BASE_TRY(apply(config, setting, at->second, setting.flag(), ErrorCode::InvalidArgument));
      continue;
    }
    std::string variable = setting.variable();
    auto text = environment(variable);
    if (!text && setting.name == "log-level") text = environment(variable = "CLAMS_LOGLEVEL");
    if (!text && setting.name == "workers") text = environment(variable = "CLAMS_GUNICORN_WORKERS");
    if (!text) continue;
    settled.insert(setting.name);
    BASE_TRY(apply(config, setting, *text, variable, ErrorCode::Configuration));
  }
  std::string file = line.config_file;
  if (file.empty()) file = environment("CLAMS_CONFIG").value_or("");
  if (!file.empty()) BASE_TRY(apply_file(config, file, settled));
  if (config.host.empty()) config.host = config.production ? "0.0.0.0" : "127.0.0.1";
  config.gpu.ledger_directory = environment("CLAMS_VRAM_DIR").value_or("");
  config.gpu.profile_directory = environment("CLAMS_PROFILE_DIR").value_or("");

  for (const auto& [name, values] : line.parameters) {
    for (const std::string& value : values) config.parameters.add(name, value);
  }
  BASE_TRY(add_explicit(config.parameters, line.explicit_parameters));
  if (line.positionals.size() == 1) return wrong_use("a run needs IN and OUT; '-' is standard input or output");
  if (line.positionals.size() == 2) {
    config.input = line.positionals[0];
    config.output = line.positionals[1];
  } else if (!config.parameters.empty()) {
    return wrong_use("parameters of the app are for a run with IN and OUT; a serving app gets them with each request");
  }
  return std::variant<Config, HelpText>(std::move(config));
}

}  // namespace clams::server
