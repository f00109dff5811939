#include "command_line.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <list>
#include <memory>

#include "base/fd.hpp"
#include "base/text.hpp"
#include "base/text_layout.hpp"
#include "streams.hpp"
#include "version.hpp"

namespace clams::tool {
namespace {

std::vector<std::string> split_names(std::string_view names) {
  std::vector<std::string> out;
  for (const std::string_view name : base::split(names, ',')) out.emplace_back(name);
  return out;
}

ValueKind kind_of(std::string_view placeholder, const std::vector<std::string>& choices) {
  if (!choices.empty()) return ValueKind::Choice;
  if (placeholder == "DIR") return ValueKind::Directory;
  return placeholder.find("FILE") != std::string_view::npos ? ValueKind::File : ValueKind::Any;
}

// The page that --help shows on `fd`.
std::string page_for(int fd, const CommandSpec& spec) {
  const char* columns = std::getenv("COLUMNS");
  return help_text(spec, base::page_width(columns == nullptr ? std::nullopt : std::optional<std::string>(columns), fd));
}

void print(int fd, const std::string& text) { (void)base::write_all(fd, text, "standard output"); }

// CLI11 words the same mistake differently in each version; these are our words.
CLI::ValidationError wrong_value(const std::string& text) { return CLI::ValidationError(text); }

}  // namespace

// One command: CLI11's reader of it, its description, its Action. Subcommands are kept at fixed addresses.
struct Parser::Impl {
  CLI::App* app = nullptr;
  CommandSpec spec;
  Action action;
  std::list<Impl> commands;  // of an incomplete type, which a list may hold
  std::vector<std::string>* rest = nullptr;  // of a command that takes another program's command line

  bool asks_for_help() const { return app->count("--help") > 0; }

  void declare_help() {
    app->set_help_flag();
    app->add_flag("-h,--help");
    spec.flags.push_back({{"-h", "--help"}, "show this text", {}, ValueKind::None, {}});
  }
  Impl& add(const Command& command) {
    Impl& added = commands.emplace_back();
    added.app = app->add_subcommand(std::string(command.name), "");
    added.spec.path = spec.path + " " + std::string(command.name);
    added.spec.summary = command.summary;
    added.declare_help();
    Parser parser(added);
    added.action = command.declare(parser);
    return added;
  }
  const Impl& chosen() const {
    for (const Impl& command : commands) {
      if (command.app->parsed()) return command.chosen();
    }
    return *this;
  }
  // The command that these words call, as far as names of commands tell.
  const Impl& called_by(const char* const* word, const char* const* end) const {
    for (; word != end; ++word) {
      for (const Impl& command : commands) {
        if (command.app->get_name() == *word) return command.called_by(word + 1, end);
      }
    }
    return *this;
  }
  CommandSpec described() const {
    CommandSpec out = spec;
    for (const Impl& command : commands) out.commands.push_back(command.described());
    return out;
  }
  CLI::Option* value_option(std::string_view names, std::string_view placeholder, std::string_view help_text,
                            std::vector<std::string> choices, const std::function<void(const std::string&)>& set) {
    describe(names, placeholder, help_text, choices);
    const std::string first(names.substr(names.rfind(',') + 1));
    return app
        ->add_option_function<std::string>(
            std::string(names),
            [set, first, choices = std::move(choices)](const std::string& text) {
              check_choice(first, text, choices);
              set(text);
            },
            "")
        ->take_last();
  }
  void describe(std::string_view names, std::string_view placeholder, std::string_view help_text,
                const std::vector<std::string>& choices) {
    spec.flags.push_back(
        {split_names(names), std::string(help_text), std::string(placeholder), kind_of(placeholder, choices), choices});
  }
  void describe_argument(std::string_view placeholder, std::string_view help_text, bool required, bool repeated,
                         std::vector<std::string> choices = {}) {
    spec.arguments.push_back(
        {std::string(placeholder), std::string(help_text), kind_of(placeholder, choices), choices, required, repeated});
  }
  static void check_choice(const std::string& name, const std::string& text, const std::vector<std::string>& choices) {
    if (choices.empty() || std::find(choices.begin(), choices.end(), text) != choices.end()) return;
    std::string all;
    for (const std::string& choice : choices) all += (all.empty() ? "" : ", ") + choice;
    const std::string_view near = base::closest(text, choices);
    throw wrong_value(name + " cannot be '" + text + "'" + (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?") +
                      " (one of: " + all + ")");
  }
};

Parser& Parser::flag(std::string_view names, bool& value, std::string_view help) {
  impl_.describe(names, "", help, {});
  impl_.spec.flags.back().value = ValueKind::None;
  impl_.app->add_flag(std::string(names), value, "");
  return *this;
}

Parser& Parser::count(std::string_view names, int& value, std::string_view help) {
  impl_.describe(names, "", help, {});
  impl_.spec.flags.back().value = ValueKind::None;
  impl_.app->add_flag(std::string(names), value, "");
  return *this;
}

Parser& Parser::option(std::string_view names, std::optional<std::string>& value, std::string_view placeholder,
                       std::string_view help) {
  impl_.value_option(names, placeholder, help, {}, [&value](const std::string& text) { value = text; });
  return *this;
}

Parser& Parser::required_option(std::string_view names, std::string& value, std::string_view placeholder, std::string_view help) {
  impl_.value_option(names, placeholder, help, {}, [&value](const std::string& text) { value = text; })->required();
  return *this;
}

Parser& Parser::option_maybe_empty(std::string_view names, std::optional<std::string>& value, std::string_view placeholder,
                                   std::string_view help) {
  impl_
      .value_option(names, placeholder, help, {},
                    [&value](const std::string& text) { value = text.empty() ? std::nullopt : std::optional(text); })
      ->expected(0, 1);
  return *this;
}

Parser& Parser::integer(std::string_view names, std::int64_t& value, std::string_view placeholder, std::string_view help) {
  const std::string first(names.substr(names.rfind(',') + 1));
  impl_.value_option(names, placeholder, help, {}, [&value, first](const std::string& text) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + (text.starts_with('+') ? 1 : 0), end, value);
    if (error != std::errc() || stop != end) throw wrong_value(first + " needs a whole number, not '" + text + "'");
  });
  return *this;
}

Parser& Parser::choice(std::string_view names, std::optional<std::string>& value, std::vector<std::string> choices,
                       std::string_view placeholder, std::string_view help) {
  impl_.value_option(names, placeholder, help, std::move(choices), [&value](const std::string& text) { value = text; });
  return *this;
}

Parser& Parser::list(std::string_view names, std::vector<std::string>& values, std::vector<std::string> choices,
                     std::string_view placeholder, std::string_view help) {
  impl_.describe(names, placeholder, help, choices);
  const std::string first(names.substr(names.rfind(',') + 1));
  impl_.app->add_option_function<std::vector<std::string>>(
      std::string(names),
      [&values, first, choices = std::move(choices)](const std::vector<std::string>& texts) {
        for (const std::string& text : texts) Impl::check_choice(first, text, choices);
        values = texts;
      },
      "");
  return *this;
}

Parser& Parser::argument(std::string_view placeholder, std::optional<std::string>& value, std::string_view help) {
  impl_.describe_argument(placeholder, help, false, false);
  impl_.app->add_option_function<std::string>(
      std::string(placeholder), [&value](const std::string& text) { value = text; }, "");
  return *this;
}

Parser& Parser::required_argument(std::string_view placeholder, std::string& value, std::string_view help,
                                  std::vector<std::string> choices) {
  impl_.describe_argument(placeholder, help, true, false, choices);
  impl_.app
      ->add_option_function<std::string>(
          std::string(placeholder),
          [&value, name = std::string(placeholder), choices = std::move(choices)](const std::string& text) {
            Impl::check_choice(name, text, choices);
            value = text;
          },
          "")
      ->required();
  return *this;
}

Parser& Parser::arguments(std::string_view placeholder, std::vector<std::string>& values, bool required, std::string_view help) {
  impl_.describe_argument(placeholder, help, required, true);
  impl_.app
      ->add_option_function<std::vector<std::string>>(
          std::string(placeholder), [&values](const std::vector<std::string>& texts) { values = texts; }, "")
      ->required(required);
  return *this;
}

Parser& Parser::rest(std::string_view placeholder, std::vector<std::string>& values, std::string_view help) {
  impl_.describe_argument(placeholder, help, true, true);
  impl_.app->prefix_command();
  impl_.rest = &values;
  return *this;
}

Parser& Parser::subcommand(const Command& command) {
  impl_.add(command);
  impl_.app->require_subcommand(0, 1);
  return *this;
}

Parser& Parser::epilogue(std::string_view text) {
  impl_.spec.epilogue = text;
  return *this;
}

namespace {

// The whole program: CLI11's root and the commands on it.
struct Program {
  CLI::App app;
  Parser::Impl root;
  bool version = false;

  explicit Program(const std::vector<Command>& commands) {
    root.app = &app;
    root.spec.path = "clams";
    root.spec.summary = "Makes, runs, inspects and serves CLAMS apps and the MMIF documents they exchange.";
    root.spec.epilogue =
        "clams COMMAND --help tells more about a command. Exit status: 0 done, 1 failed or no command given, 2 wrong use, 65 bad input document.";
    root.declare_help();
    Parser(root).flag("-v,--version", version, "show the version and the MMIF specification it follows");
    for (const Command& command : commands) root.add(command);
    app.require_subcommand(0, 1);
  }
};

std::string hint(const CommandSpec& spec) { return "; see: " + spec.path + " --help"; }

std::string unknown_command(const CommandSpec& spec, const std::string& word) {
  std::vector<std::string> names;
  for (const CommandSpec& command : spec.commands) names.push_back(command.name());
  const std::string_view near = base::closest(word, names);
  return "no command '" + word + "'" +
         (near.empty() ? hint(spec) : "; did you mean '" + spec.path + " " + std::string(near) + "'?");
}

std::string unknown_flag(const CommandSpec& spec, const std::string& word) {
  std::vector<std::string> names;
  for (const FlagSpec& flag : spec.flags) {
    for (const std::string& name : flag.names) {
      if (name.starts_with("--")) names.push_back(name.substr(2));
    }
  }
  const std::string flag = word.substr(0, word.find('='));
  const std::string_view near = base::closest(flag.substr(flag.find_first_not_of('-')), names);
  return "unknown flag '" + flag + "'" + (near.empty() ? hint(spec) : "; did you mean '--" + std::string(near) + "'?");
}

// What nobody took is told first: a misspelt flag often makes something else seem to be missing.
std::string explain(const Parser::Impl& command, const CLI::ParseError* error) {
  const std::vector<std::string> left = command.app->remaining();
  const auto flag = std::find_if(left.begin(), left.end(),
                                 [](const std::string& word) { return word.size() > 1 && word.starts_with('-') && word != "--"; });
  if (flag != left.end()) return unknown_flag(command.spec, *flag);
  if (!left.empty()) {
    const CommandSpec spec = command.described();
    return spec.commands.empty() ? "unexpected argument '" + left.front() + "'" + hint(spec) : unknown_command(spec, left.front());
  }
  if (error == nullptr) return "wrong use" + hint(command.spec);
  const std::string text = error->what();
  if (const auto* required = dynamic_cast<const CLI::RequiredError*>(error)) {
    const std::string what = std::string(required->what()).substr(0, text.find(' '));
    return what + " is missing" + hint(command.spec);
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(error) != nullptr)
    return text.substr(0, text.find(':')) + " needs a value" + hint(command.spec);
  return text + (dynamic_cast<const CLI::ValidationError*>(error) != nullptr ? "" : hint(command.spec));
}

int wrong_use(const Parser::Impl& command, const std::string& message) {
  complain(command.spec.path.size() > 6 ? command.spec.path.substr(6) : "", message);
  return 2;
}

}  // namespace

CommandSpec describe_command_line(const std::vector<Command>& commands) { return Program(commands).root.described(); }

int run_command_line(int argc, const char* const* argv, const std::vector<Command>& commands) {
  Program program(commands);
  if (argc <= 1) {
    print(STDERR_FILENO, page_for(STDERR_FILENO, program.root.described()));
    return 2;
  }
  // What stands behind "--" is another program's: CLI11, which would take "[a,b]" apart, does not get to see it.
  const char* const* const end = argv + argc;
  const char* const* mark = std::find_if(argv + 1, end, [](const char* word) { return std::string_view(word) == "--"; });
  if (program.root.called_by(argv + 1, mark).rest == nullptr) mark = end;
  std::optional<std::string> problem;
  try {
    program.app.parse(static_cast<int>(mark - argv), argv);
  } catch (const CLI::ParseError& error) { problem = explain(program.root.chosen(), &error); }
  const Parser::Impl& chosen = program.root.chosen();
  if (chosen.asks_for_help()) {
    print(STDOUT_FILENO, page_for(STDOUT_FILENO, chosen.described()));
    return 0;
  }
  if (problem) return wrong_use(chosen, *problem);
  if (chosen.rest != nullptr) {
    *chosen.rest = chosen.app->remaining();
    if (mark != end) chosen.rest->insert(chosen.rest->end(), mark + 1, end);
  }
  if (program.version) {
    print(STDOUT_FILENO, version_text());
    return 0;
  }
  return chosen.action ? chosen.action() : wrong_use(chosen, explain(chosen, nullptr));
}

}  // namespace clams::tool
