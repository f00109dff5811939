// Keeping one app's folder within its limits.
#pragma once
#include <chrono>
#include <string>

#include "vram/profile_files.hpp"

namespace vram::profile {

// A folder that is not there is nothing to prune.
base::Result<PruneReport> prune_folder(const std::string& folder, const PruneOptions& options, std::chrono::nanoseconds now);

}  // namespace vram::profile
