// Where the ledger lies, and for whom it counts.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.hpp"

namespace vram {

enum class LedgerScope {
  Host,  // every app of the host that is set up for it
  User,  // a private directory: other users' promises are not seen
};
std::string_view to_string(LedgerScope scope) noexcept;  // "host", "user"

struct LedgerDirectoryOptions {
  std::string explicit_directory;     // CLAMS_VRAM_DIR or a flag; empty: look for one
  std::string xdg_runtime_directory;  // XDG_RUNTIME_DIR; empty: not tried
  std::string system_directory = "/run/vram";
  std::string shared_memory_directory = "/dev/shm";
};

struct LedgerDirectory {
  std::string path;
  LedgerScope scope = LedgerScope::Host;
  bool is_explicit = false;
  std::string warning;  // one line for the log when the scope is only the user; empty otherwise
  // Then, where the host has a directory that this user may not use: why, and what to do. One sentence; empty otherwise.
  std::string denied = {};
};

// Picks the first usable one: the explicit directory (made when missing); the system directory (group `clams`, mode 2770; made when
// this is root); $XDG_RUNTIME_DIR/vram; /dev/shm/vram-<uid>, both 0700 and only if this user owns them. Error Configuration when an
// explicit directory cannot be used (a start error, exit 78), Unavailable when there is none at all.
base::Result<LedgerDirectory> choose_ledger_directory(const LedgerDirectoryOptions& options);

}  // namespace vram
