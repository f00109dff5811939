#include <algorithm>

#include "base/text.hpp"
#include "spec.hpp"

namespace clams::tool {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kColumn = 30;  // where explanations begin

// Words of `text`, wrapped, each line but the first indented.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t already) {
  std::string out;
  std::size_t column = already;
  for (const std::string_view word : base::split(text, ' ')) {
    if (column > indent && column + 1 + word.size() > kWidth) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string row(const std::string& left, const std::string& right) {
  std::string out = "  " + left;
  if (out.size() + 2 > kColumn) {
    out += "\n" + std::string(kColumn, ' ');
  } else {
    out.resize(kColumn, ' ');
  }
  return out + wrapped(right, kColumn, kColumn) + "\n";
}

std::string shown(const FlagSpec& flag) {
  std::string out;
  for (const std::string& name : flag.names) out += (out.empty() ? "" : ", ") + name;
  return flag.placeholder.empty() ? out : out + " " + flag.placeholder;
}

std::string usage(const CommandSpec& command) {
  std::string out = "usage: " + command.path;
  if (!command.commands.empty()) out += " COMMAND";
  for (const ArgumentSpec& argument : command.arguments) {
    const std::string name = argument.placeholder + (argument.repeated ? "..." : "");
    out += argument.required ? " " + name : " [" + name + "]";
  }
  return out + " [FLAGS]\n";
}

}  // namespace

std::string help_text(const CommandSpec& command) {
  std::string out = usage(command) + "\n" + wrapped(command.summary, 0, 0) + "\n";
  if (!command.commands.empty()) out += "\ncommands:\n";
  for (const CommandSpec& sub : command.commands) out += row(sub.name(), sub.summary);
  if (!command.arguments.empty()) out += "\narguments:\n";
  for (const ArgumentSpec& argument : command.arguments) out += row(argument.placeholder, argument.help);
  out += "\nflags:\n";
  for (const FlagSpec& flag : command.flags) out += row(shown(flag), flag.help);
  if (command.epilogue.empty()) return out;
  out += "\n";
  for (const std::string_view line : base::split(command.epilogue, '\n')) {
    out += (line.starts_with(' ') ? std::string(line) : wrapped(line, 0, 0)) + "\n";
  }
  return out;
}

}  // namespace clams::tool
