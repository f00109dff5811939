// The table of commands. A new command is a file with `Action declare_x(Parser&)` and a row here.
#pragma once
#include <vector>

#include "parser.hpp"

namespace clams::tool {

const std::vector<Command>& commands();

}  // namespace clams::tool
