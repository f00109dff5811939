// `clams profiles`: what earlier runs of apps were found to need, on disk.
#pragma once
#include "parser.hpp"

namespace clams::tool {

Action declare_profiles(Parser& parser);

}  // namespace clams::tool
