// Where commands read from, write to and complain.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "mmif/mmif.hpp"

namespace clams::tool {

// "-" is standard input; without a name too, unless that is a terminal, where nobody would know what is being waited for.
base::Result<std::string> read_input(const std::optional<std::string>& name);

// "-" or no name is standard output. A regular file appears whole or not at all and keeps its mode; links are followed; pipes and
// devices are written to.
base::Status write_output(const std::optional<std::string>& name, const mmif::Written& document);
base::Status write_output(const std::optional<std::string>& name, const std::string& text);

// One line on standard error.
void complain(std::string_view command, std::string_view message);
// Complains and returns the exit status that goes with the error (0 for success, without a word).
int finish(std::string_view command, const base::Status& status);

}  // namespace clams::tool
