// `clams serve`: apps of the Python SDK behind this server. Its flags are those of every serving program and are read by libs/server.
#pragma once
#include <string>

#include "parser.hpp"

namespace clams::tool {

Action declare_serve(Parser& parser);

// Folder that holds the Python package of the workers: share/clams-cpp/python beside the folder of this program, in the build tree as when installed.
std::string python_package_folder();

}  // namespace clams::tool
