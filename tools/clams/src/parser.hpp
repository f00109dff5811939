// What a command declares of itself: its flags, its arguments, examples. How a command line is read stands in command_line.cpp
// alone.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clams::tool {

// Runs a command whose arguments have been read; returns the exit status.
using Action = std::function<int()>;

class Parser;

// One row of the table of commands (commands.cpp), or of a command's own subcommands.
struct Command {
  std::string_view name;
  std::string_view summary;  // one sentence; in `clams --help` and at the top of the command's own help
  // Declares flags and arguments; the Action is called once they are read. It owns what the references given to the parser refer to
  // (a shared_ptr).
  std::function<Action(Parser& parser)> declare;
};

// `names`: "-o,--output". `placeholder`: what help calls the value; "FILE" and "DIR" complete to paths. A flag given twice counts
// as the last one says.
class Parser {
 public:
  struct Impl;
  explicit Parser(Impl& impl) : impl_(impl) {}
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  Parser& flag(std::string_view names, bool& value, std::string_view help);
  Parser& count(std::string_view names, int& value, std::string_view help);  // -u, -uu
  Parser& option(std::string_view names, std::optional<std::string>& value, std::string_view placeholder, std::string_view help);
  Parser& required_option(std::string_view names, std::string& value, std::string_view placeholder, std::string_view help);
  // With or without a value: the name alone leaves the variable unset.
  Parser& option_maybe_empty(std::string_view names, std::optional<std::string>& value, std::string_view placeholder,
                             std::string_view help);
  Parser& integer(std::string_view names, std::int64_t& value, std::string_view placeholder, std::string_view help);
  Parser& choice(std::string_view names, std::optional<std::string>& value, std::vector<std::string> choices,
                 std::string_view placeholder, std::string_view help);
  Parser& list(std::string_view names, std::vector<std::string>& values, std::vector<std::string> choices,
               std::string_view placeholder, std::string_view help);
  Parser& argument(std::string_view placeholder, std::optional<std::string>& value, std::string_view help);
  Parser& required_argument(std::string_view placeholder, std::string& value, std::string_view help,
                            std::vector<std::string> choices = {});
  Parser& arguments(std::string_view placeholder, std::vector<std::string>& values, bool required, std::string_view help);
  // Everything from the first argument on, flags included: the command line of another program.
  Parser& rest(std::string_view placeholder, std::vector<std::string>& values, std::string_view help);
  // A subcommand of its own ("clams gpu simulate"); the parent's Action runs when none was given.
  Parser& subcommand(const Command& command);
  Parser& epilogue(std::string_view text);  // behind the list of flags: details and examples

 private:
  Impl& impl_;
};

}  // namespace clams::tool
