// What `clams profiles list` and `show` print.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "gpu/text_table.hpp"
#include "vram/profile_files.hpp"

namespace clams::tool {

struct FolderListing {
  std::string folder;
  vram::ProfileListing listing;
};

// `now`: wall time, for ages. With several folders each table has its folder as a title; where there is nothing, all are named.
std::string listing_text(const std::vector<FolderListing>& listings, std::chrono::nanoseconds now, const TextStyle& style);
std::string listing_json(const std::vector<FolderListing>& listings);
// `root`: the folder it was found in.
std::string profile_text(const vram::ProfileFile& file, const std::string& root, std::chrono::nanoseconds now);

}  // namespace clams::tool
