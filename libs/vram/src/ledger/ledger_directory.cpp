#include "vram/ledger_directory.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/files.hpp"

namespace vram {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;
using base::Status;

constexpr mode_t kSystemMode = 02770;

bool may_use(const std::string& path) { return ::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) == 0; }

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::optional<gid_t> clams_group() {
  std::vector<char> buffer(16384);
  struct group entry {};
  struct group* found = nullptr;
  if (::getgrnam_r("clams", &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return found->gr_gid;
}

Status use_explicit(const std::string& path) {
  auto made = base::make_directories(path, 0770);
  if (made && is_directory(path) && may_use(path)) return {};
  const std::string why = !made                ? made.error().message
                          : is_directory(path) ? "no permission to write there"
                                               : "it is not a directory";
  return Error{ErrorCode::Configuration, "the GPU ledger directory '" + path + "' (CLAMS_VRAM_DIR) cannot be used: " + why +
                                             "; make it a directory this user may write to, or unset CLAMS_VRAM_DIR"};
}

// Root makes the system directory as deploy/ would; everyone else uses it when it is there.
bool use_system(const std::string& path) {
  if (!is_directory(path) && ::geteuid() == 0 && ::mkdir(path.c_str(), 0700) == 0) {
    if (const auto group = clams_group()) {
      if (::chown(path.c_str(), 0, *group) != 0) return false;
    }
    if (::chmod(path.c_str(), kSystemMode) != 0) return false;  // after chown, which may clear the set-group-id bit
  }
  return is_directory(path) && may_use(path);
}

// A directory of somebody else under our name could be swapped under us, so the owner is checked without following links.
bool use_private(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return false;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  return status.st_uid == ::geteuid() && (status.st_mode & 0022) == 0 && may_use(path);
}

std::string name_of_user(uid_t uid) {
  std::vector<char> buffer(16384);
  struct passwd entry {};
  struct passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::to_string(uid);
  return found->pw_name;
}

std::string name_of_group(gid_t gid) {
  std::vector<char> buffer(16384);
  struct group entry {};
  struct group* found = nullptr;
  if (::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::to_string(gid);
  return found->gr_name;
}

// Why this user may not use a directory that exists; empty when it does not exist.
std::string denial(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  if (!S_ISDIR(status.st_mode))
    return "'" + path + "' is not a directory; remove it, and create a directory for group clams (mode 2770)";
  const std::string group = name_of_group(status.st_gid), user = name_of_user(::geteuid());
  if ((status.st_mode & 0070) == 0070)
    return "'" + path + "' is for members of group " + group + ", and " + user + " is none: sudo usermod -aG " + group + " " +
           user + ", then log in again";
  return "'" + path + "' of group " + group + " is not open to its group: sudo chgrp clams " + path + " && sudo chmod 2770 " + path;
}

LedgerDirectory private_directory(std::string path, const std::string& system) {
  std::string denied = denial(system);
  const std::string why =
      denied.empty() ? "'" + system + "' cannot be used; to count every app of the host, create it for group clams (mode 2770)"
                     : denied;
  std::string warning = "GPU memory is shared out among this user's apps only: the ledger lies in '" + path + "' because " + why;
  return {std::move(path), LedgerScope::User, false, std::move(warning), std::move(denied)};
}

}  // namespace

std::string_view to_string(LedgerScope scope) noexcept { return scope == LedgerScope::Host ? "host" : "user"; }

Result<LedgerDirectory> choose_ledger_directory(const LedgerDirectoryOptions& options) {
  if (!options.explicit_directory.empty()) {
    BASE_TRY(use_explicit(options.explicit_directory));
    return LedgerDirectory{options.explicit_directory, LedgerScope::Host, true, {}, {}};
  }
  if (use_system(options.system_directory)) return LedgerDirectory{options.system_directory, LedgerScope::Host, false, {}, {}};
  if (const std::string& runtime = options.xdg_runtime_directory; !runtime.empty() && use_private(runtime + "/vram")) {
    return private_directory(runtime + "/vram", options.system_directory);
  }
  const std::string shared = options.shared_memory_directory + "/vram-" + std::to_string(::geteuid());
  if (use_private(shared)) return private_directory(shared, options.system_directory);
  return Error{ErrorCode::Unavailable, "no directory for the GPU ledger: tried '" + options.system_directory +
                                           "', $XDG_RUNTIME_DIR/vram and '" + shared +
                                           "'; set CLAMS_VRAM_DIR to a directory on tmpfs or a local disk"};
}

}  // namespace vram
