// What `clams profiles list` and `show` print.
#pragma once
#include <chrono>
#include <string>

#include "gpu/text_table.hpp"
#include "vram/profile_files.hpp"

namespace clams::tool {

// `now`: wall time, for ages.
std::string listing_text(const vram::ProfileListing& listing, std::chrono::nanoseconds now, const TextStyle& style);
std::string listing_json(const vram::ProfileListing& listing);
std::string profile_text(const vram::ProfileFile& file, std::chrono::nanoseconds now);

}  // namespace clams::tool
