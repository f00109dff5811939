// The TOML file of --config.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace clams::server {

// Keys with their values as text. Error Configuration names file and line.
base::Result<std::vector<std::pair<std::string, std::string>>> read_config_file(const std::string& path);

}  // namespace clams::server
