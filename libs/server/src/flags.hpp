// Which flags a program takes: those of the table of settings, a few of its own, and the parameters of its app.
#pragma once
#include <string>
#include <vector>

#include "command_line.hpp"
#include "config.hpp"

namespace clams::server {

// `facts`: of the chosen app; null: none is known. A parameter with the name of a flag of the server has none; --param gives it.
std::vector<Flag> flags_of(const ProgramInfo& program, const AppFacts* facts);

// Whether the program holds several apps, one of which --app names; and their names.
bool names_apps(const ProgramInfo& program);
std::string list_of_apps(const ProgramInfo& program);

}  // namespace clams::server
