// Doubles to text and back, in Python's spelling.
#pragma once
#include <string>
#include <string_view>

namespace mmif {

// repr(float) of Python, with json's names for the three that are no numbers: "0.1", "1.0", "1e-07", "1e+16", "-0.0", "NaN",
// "Infinity".
std::string python_float(double value);

// Nearest double of a JSON number token or of NaN, Infinity, -Infinity; beyond the range: infinity or zero, as Python reads it.
double double_of(std::string_view token) noexcept;

}  // namespace mmif
