#include "profiles/profile_folders.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace clams::tool {
namespace {

// A folder of another group cannot even be seen: that must not look like an empty one.
void add_host_folder(ProfileFolders& out, const std::string& path) {
  if (::access(path.c_str(), R_OK | X_OK) == 0) {
    out.folders.push_back(path);
  } else if (errno == EACCES) {
    out.problems.push_back("you may not look into '" + path +
                           "', where services keep what they learned: it is for members of its group (usually: sudo usermod "
                           "-aG clams USER, then log in again)");
  }
}

}  // namespace

std::string ProfileFolders::text() const {
  std::string out;
  for (const std::string& folder : folders) out += (out.empty() ? "" : " and ") + folder;
  return out;
}

base::Result<ProfileFolders> profile_folders(const vram::ProfileEnvironment& environment, const std::string& host) {
  ProfileFolders out;
  const std::string own = vram::default_profile_root(environment);
  const bool is_named = !environment.clams_profile_dir.empty();
  if (!is_named) add_host_folder(out, host);
  if (is_named || (!own.empty() && own != host)) out.folders.push_back(own);
  if (out.folders.empty())
    return base::Error{base::ErrorCode::Configuration,
                       "there is no profile directory: none of CLAMS_PROFILE_DIR, XDG_CACHE_HOME and HOME is set"};
  return out;
}

}  // namespace clams::tool
