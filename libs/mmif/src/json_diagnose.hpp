// Where and why a text is no JSON, in the words of Python's decoder. Only for texts that the strict parser has refused.
#pragma once
#include <string_view>

#include "base/error.hpp"

namespace mmif {

base::Error diagnose_json(std::string_view text);

}  // namespace mmif
