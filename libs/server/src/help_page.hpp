// What --help of an app program shows.
#pragma once
#include <cstddef>
#include <string>

#include "config.hpp"

namespace clams::server {

// `facts`: of the app that was chosen; null when the program has several and none was named. Lines have at most `width` columns
// where words allow it.
std::string help_page(const ProgramInfo& program, const AppFacts* facts, std::size_t width);

// "[integer, several values, one of 1, 2; default 1]": what a parameter takes.
std::string facts_of(const Parameter& parameter);

}  // namespace clams::server
