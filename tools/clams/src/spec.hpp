// A command line as data: what help and shell completion are made from.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace clams::tool {

enum class ValueKind { None, Any, File, Directory, Choice };

struct FlagSpec {
  std::vector<std::string> names;  // "-o", "--output"
  std::string help;
  std::string placeholder;  // "FILE"; empty for a flag without a value
  ValueKind value = ValueKind::None;
  std::vector<std::string> choices;
};

struct ArgumentSpec {
  std::string placeholder;
  std::string help;
  ValueKind value = ValueKind::Any;
  std::vector<std::string> choices;
  bool required = false;
  bool repeated = false;
};

struct CommandSpec {
  std::string path;  // "clams gpu simulate"
  std::string summary;
  std::string epilogue;
  std::vector<FlagSpec> flags;
  std::vector<ArgumentSpec> arguments;
  std::vector<CommandSpec> commands;

  std::string name() const { return path.substr(path.rfind(' ') + 1); }
};

// Usage, arguments, flags and examples, wrapped at so many columns.
std::string help_text(const CommandSpec& command, std::size_t width);

}  // namespace clams::tool
