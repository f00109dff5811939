// `clams serve`: apps of the Python SDK behind this server. Its flags are those of every serving program and are read by
// libs/server.
#pragma once
#include <string>
#include <vector>

#include "parser.hpp"

namespace clams::tool {

// The row of the table, for help and completion. The command itself reads its words from `run_serve`: "--" means something in them.
Action declare_serve(Parser& parser);
int run_serve(const std::vector<std::string>& words);

// Folder that holds the Python package of the workers: share/clams-cpp/python beside the folder of this program, in the build tree
// as when installed.
std::string python_package_folder();

}  // namespace clams::tool
