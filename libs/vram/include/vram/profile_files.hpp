// Looking after profiles on disk: what `clams profiles list|show|prune|clear` does. No store need be open; running ones are not
// disturbed.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "vram/profile.hpp"

namespace vram {

struct ProfileFile {
  std::string folder;  // the app's folder below the root
  std::string file;    // its name there
  std::string hash;
  std::string app;         // identifier; empty where the file does not say
  std::string parameters;  // JSON text; empty where the file does not say
  Learned learned;
  std::uint64_t runs = 0;
  std::uint64_t dropped = 0;  // contended, negative and below noise
  std::uint64_t out_of_memory = 0;
  std::chrono::nanoseconds updated{};  // wall time
  std::uint64_t size = 0;              // bytes of the file
};

struct ProfileListing {
  std::vector<ProfileFile> files;    // by folder, then name
  std::vector<std::string> skipped;  // one line for each file that cannot be used, naming it
};

// All apps, or the one with this identifier (or folder name). A missing root is an empty listing.
base::Result<ProfileListing> list_profiles(const std::string& root, std::string_view app = {});

// The text of the one file whose hash begins with `hash`. Error NotFound, or InvalidArgument when several do.
base::Result<std::string> show_profile(const std::string& root, std::string_view hash, std::string_view app = {});

struct PruneOptions {
  ProfileLimits limits;
  bool include_python_sdk = false;  // also files that the Python SDK wrote
  std::chrono::milliseconds lock_deadline{2000};
};
struct PruneReport {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
};
// Removes what is older than limits.max_age, then the oldest beyond limits.max_files in each folder, and left-over temporaries of
// dead writers. `now`: wall time. A file dated in the future counts as new. Error: a file that cannot be removed; those before it
// are gone.
base::Result<PruneReport> prune_profiles(const std::string& root, const PruneOptions& options, std::chrono::nanoseconds now,
                                         std::string_view app = {});
// Removes all profiles, contexts and models that were learned.
base::Result<PruneReport> clear_profiles(const std::string& root, bool include_python_sdk, std::string_view app = {});

}  // namespace vram
