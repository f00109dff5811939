// The command line of `clams`: finds the command, reads its arguments, runs it.
#pragma once
#include <vector>

#include "parser.hpp"
#include "spec.hpp"

namespace clams::tool {

// Prints help, version or a one-line complaint itself. Returns the exit status: what the command returned, 0 for help, 1 without
// arguments, 2 for wrong use.
int run_command_line(int argc, const char* const* argv, const std::vector<Command>& commands);

CommandSpec describe_command_line(const std::vector<Command>& commands);

}  // namespace clams::tool
