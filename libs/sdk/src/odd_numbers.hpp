// Numbers that JSON does not have.
#pragma once
#include <optional>
#include <string>

#include "mmif/mmif.hpp"

namespace clams {

// A sentence about the first property of a new view that is or holds NaN or an infinity, and how many more there are; none: none
// does. Python reads such a document, most other clients do not.
std::optional<std::string> odd_numbers(const mmif::Mmif& mmif);

}  // namespace clams
