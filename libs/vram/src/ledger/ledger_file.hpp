// Birth, opening and replacement of the ledger file.
#pragma once
#include <atomic>
#include <chrono>
#include <string>

#include "base/fd.hpp"
#include "base/files.hpp"
#include "base/result.hpp"
#include "ledger/layout.hpp"

namespace vram {

struct LedgerFileOptions {
  std::string directory;
  std::string boot_id;                       // of this boot
  std::chrono::nanoseconds created_wall{};   // for the header
  std::chrono::milliseconds deadline{1000};  // for others who are replacing the file
};

// An open, mapped, checked ledger file. The mapping is not inherited over fork (MADV_DONTFORK). Move-only.
struct LedgerFile {
  std::string path;
  base::Fd fd;
  base::MappedFile mapping;
  layout::File& file() const noexcept { return *static_cast<layout::File*>(mapping.data()); }
};

// Opens `<directory>/ledger`, making it when missing and replacing it when it is of another layout, another boot or damaged and
// nobody lives in it. Errors: Unavailable when somebody does (this process must not join), Unsupported without OFD locks, Io for a
// full disk.
base::Result<LedgerFile> open_ledger_file(const LedgerFileOptions& options);

// False once the file was removed or replaced under its name: what is written to it then is seen by nobody else.
bool is_current(const LedgerFile& file) noexcept;

// Whether another descriptor leads to the file that is mapped.
bool is_same_file(const LedgerFile& file, int fd) noexcept;

base::Result<std::string> read_boot_id();

}  // namespace vram
