#include "completion.hpp"

#include <unistd.h>

#include <memory>

#include "base/text.hpp"
#include "command_line.hpp"
#include "commands.hpp"
#include "streams.hpp"

namespace clams::tool {
namespace {

std::string joined(const std::vector<std::string>& words, std::string_view between = " ") {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : between).append(word);
  return out;
}

// Quoted for single quotes of any of the three shells.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

void collect(const CommandSpec& command, std::vector<const CommandSpec*>& out) {
  out.push_back(&command);
  for (const CommandSpec& sub : command.commands) collect(sub, out);
}

std::vector<const CommandSpec*> all_commands(const CommandSpec& program) {
  std::vector<const CommandSpec*> out;
  collect(program, out);
  return out;
}

std::vector<std::string> names_of(const std::vector<CommandSpec>& commands) {
  std::vector<std::string> names;
  for (const CommandSpec& command : commands) names.push_back(command.name());
  return names;
}

std::string bash_values(ValueKind kind, const std::vector<std::string>& choices) {
  switch (kind) {
    case ValueKind::File: return "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))";
    case ValueKind::Directory: return "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))";
    case ValueKind::Choice: return "COMPREPLY=($(compgen -W " + quoted(joined(choices)) + " -- \"$cur\"))";
    case ValueKind::None:
    case ValueKind::Any: break;
  }
  return "COMPREPLY=()";
}

std::string bash_flag_cases(const CommandSpec& command) {
  std::string out;
  for (const FlagSpec& flag : command.flags) {
    if (flag.value == ValueKind::None) continue;
    out += "        " + joined(flag.names, "|") + ") " + bash_values(flag.value, flag.choices) + "; return ;;\n";
  }
  return out.empty() ? out : "      case \"$prev\" in\n" + out + "      esac\n";
}

std::string bash_case(const CommandSpec& command) {
  std::vector<std::string> flags;
  for (const FlagSpec& flag : command.flags) flags.insert(flags.end(), flag.names.begin(), flag.names.end());
  std::string out = "    " + quoted(command.path) + ")\n" + bash_flag_cases(command);
  out += "      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W " + quoted(joined(flags)) + " -- \"$cur\")); return; fi\n";
  const bool has_argument = !command.arguments.empty();
  if (!command.commands.empty()) {
    out += "      " + bash_values(ValueKind::Choice, names_of(command.commands)) + " ;;\n";
  } else {
    out += "      " +
           (has_argument ? bash_values(command.arguments.front().value, command.arguments.front().choices) : "COMPREPLY=()") +
           " ;;\n";
  }
  return out;
}

std::string bash_script(const CommandSpec& program) {
  std::string paths;
  std::string cases;
  for (const CommandSpec* command : all_commands(program)) {
    if (command != &program) paths += (paths.empty() ? "" : "|") + quoted(command->path);
    cases += bash_case(*command);
  }
  return "_clams() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=clams word\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case \"$command $word\" in\n"
         "      " +
         paths +
         ") command=\"$command $word\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$command\" in\n" +
         cases +
         "  esac\n"
         "}\n"
         "complete -F _clams clams clams-cpp\n";
}

// Colons and brackets mean something in _arguments.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_values(ValueKind kind, const std::vector<std::string>& choices) {
  switch (kind) {
    case ValueKind::File: return "_files";
    case ValueKind::Directory: return "_files -/";
    case ValueKind::Choice: return "(" + joined(choices) + ")";
    case ValueKind::None:
    case ValueKind::Any: break;
  }
  return " ";
}

std::string zsh_function(const CommandSpec& command) {
  std::string name = command.path;
  for (char& c : name) c = c == ' ' || c == '-' ? '_' : c;
  std::string out = "_" + name + "() {\n  local context state state_descr line\n  typeset -A opt_args\n  _arguments -C";
  for (const FlagSpec& flag : command.flags) {
    for (const std::string& flag_name : flag.names) {
      const std::string value =
          flag.value == ValueKind::None ? "" : ":" + zsh_text(flag.placeholder) + ":" + zsh_values(flag.value, flag.choices);
      out += " \\\n    " + quoted(flag_name + "[" + zsh_text(flag.help) + "]" + value);
    }
  }
  if (command.commands.empty()) {
    for (const ArgumentSpec& argument : command.arguments) {
      out += " \\\n    " + quoted((argument.repeated ? "*:" : ":") + zsh_text(argument.placeholder) + ":" +
                                  zsh_values(argument.value, argument.choices));
    }
    return out + "\n}\n";
  }
  out += " \\\n    '1:command:->command' '*::argument:->argument'\n  case $state in\n    command)\n      local -a commands=(";
  for (const CommandSpec& sub : command.commands) out += "\n        " + quoted(zsh_text(sub.name()) + ":" + sub.summary);
  return out + ")\n      _describe command commands ;;\n    argument) _" + name + "_$words[1] ;;\n  esac\n}\n";
}

std::string zsh_script(const CommandSpec& program) {
  std::string out = "#compdef clams clams-cpp\n";
  for (const CommandSpec* command : all_commands(program)) out += zsh_function(*command);
  return out + "if [[ $funcstack[1] == _clams ]]; then _clams \"$@\"; else compdef _clams clams clams-cpp; fi\n";
}

// All words of the command have been typed: "clams gpu run" is gpu and run.
std::string fish_condition(const CommandSpec& command) {
  std::string condition;
  const auto words = base::split(command.path, ' ');
  for (std::size_t i = 1; i < words.size(); ++i) {
    condition.append(i == 1 ? "" : "; and ").append("__fish_seen_subcommand_from ").append(words[i]);
  }
  return condition;
}

std::string fish_script(const CommandSpec& program) {
  std::string out = "complete -c clams-cpp -w clams\ncomplete -c clams -f\n";
  for (const CommandSpec* command : all_commands(program)) {
    const bool is_root = command == &program;
    const std::string start = "complete -c clams -n " + quoted(is_root ? "__fish_use_subcommand" : fish_condition(*command));
    for (const CommandSpec& sub : command->commands)
      out += start + " -a " + quoted(sub.name()) + " -d " + quoted(sub.summary) + "\n";
    for (const FlagSpec& flag : command->flags) {
      out += start;
      for (const std::string& name : flag.names) out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (flag.value == ValueKind::File || flag.value == ValueKind::Directory) out += " -r -F";
      if (flag.value == ValueKind::Choice) out += " -x -a " + quoted(joined(flag.choices));
      if (flag.value == ValueKind::Any) out += " -x";
      out += " -d " + quoted(flag.help) + "\n";
    }
    for (const ArgumentSpec& argument : command->arguments) {
      if (argument.value == ValueKind::Choice) out += start + " -a " + quoted(joined(argument.choices)) + "\n";
      if (argument.value == ValueKind::File) out += start + " -F\n";
    }
  }
  return out;
}

}  // namespace

base::Result<std::string> completion_script(const CommandSpec& program, const std::string& shell) {
  if (shell == "bash") return bash_script(program);
  if (shell == "zsh") return zsh_script(program);
  if (shell == "fish") return fish_script(program);
  return base::Error{base::ErrorCode::InvalidArgument, "no completion for '" + shell + "'; there are bash, zsh and fish"};
}

Action declare_completion(Parser& parser) {
  auto shell = std::make_shared<std::string>();
  parser.required_argument("SHELL", *shell, "bash, zsh or fish", {"bash", "zsh", "fish"});
  parser.epilogue(
      "  clams completion bash > ~/.local/share/bash-completion/completions/clams\n"
      "  clams completion zsh > ~/.zfunc/_clams        # with ~/.zfunc in fpath\n"
      "  clams completion fish > ~/.config/fish/completions/clams.fish");
  return [shell] {
    const auto script = completion_script(describe_command_line(commands()), *shell);
    return script ? finish("completion", write_output(std::nullopt, *script)) : finish("completion", script.error());
  };
}

}  // namespace clams::tool
