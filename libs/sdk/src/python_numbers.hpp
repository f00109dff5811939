// int() and float() of Python: what a parameter text may look like.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "mmif/value.hpp"

namespace clams {

// Sign, white space around, '_' between digits, decimal digits of any script, up to 4300 digits. The error has Python's words.
base::Result<mmif::Number> python_int(std::string_view text);
// The same for float(): "nan", "inf", "1e3", ".5", "1_0.5".
base::Result<mmif::Number> python_float(std::string_view text);

}  // namespace clams
