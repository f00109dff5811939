#include <algorithm>

#include "base/text.hpp"
#include "base/text_layout.hpp"
#include "spec.hpp"

namespace clams::tool {
namespace {

constexpr std::size_t kColumn = 30;  // where explanations begin

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

std::string help_text(const CommandSpec& command, std::size_t width) {
  const auto row = [&](const std::string& left, const std::string& right) { return base::table_row(left, right, width, kColumn); };
  std::string out = base::wrapped(usage(command), width, 2) + "\n" + base::wrapped(command.summary, width) + "\n";
  if (!command.commands.empty()) out += "\ncommands:\n";
  for (const CommandSpec& sub : command.commands) out += row(sub.name(), sub.summary);
  if (!command.arguments.empty()) out += "\narguments:\n";
  for (const ArgumentSpec& argument : command.arguments) out += row(argument.placeholder, argument.help);
  out += "\nflags:\n";
  for (const FlagSpec& flag : command.flags) out += row(shown(flag), flag.help);
  if (command.epilogue.empty()) return out;
  out += "\n";
  for (const std::string_view line : base::split(command.epilogue, '\n')) {
    out += (line.starts_with(' ') ? std::string(line) : base::wrapped(line, width)) + "\n";  // examples are typed as they stand
  }
  return out;
}

}  // namespace clams::tool
