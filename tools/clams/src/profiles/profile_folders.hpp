// Where profiles may lie on this host.
#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"
#include "vram/profile_key.hpp"

namespace clams::tool {

// The folder that deploy/tmpfiles.d makes and the units of deploy/systemd use.
inline constexpr const char* kHostProfiles = "/var/cache/clams/memory_profiles";

struct ProfileFolders {
  std::vector<std::string> folders;   // in the order in which they are shown
  std::vector<std::string> problems;  // folders that this user may not look into, one sentence each

  std::string text() const;  // "A and B"
};

// CLAMS_PROFILE_DIR alone where it is set. Else the folder of the host, if it exists, and that of the user. Error Configuration
// where none can be named.
base::Result<ProfileFolders> profile_folders(const vram::ProfileEnvironment& environment, const std::string& host = kHostProfiles);

}  // namespace clams::tool
