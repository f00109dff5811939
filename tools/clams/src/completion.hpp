// Scripts for shells that complete commands, flags and values.
#pragma once
#include <string>

#include "base/result.hpp"
#include "parser.hpp"
#include "spec.hpp"

namespace clams::tool {

// `shell`: "bash", "zsh" or "fish".
base::Result<std::string> completion_script(const CommandSpec& program, const std::string& shell);

Action declare_completion(Parser& parser);

}  // namespace clams::tool
