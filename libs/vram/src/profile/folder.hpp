// The folder of one app: which names are ours, how its files are read without trusting them, and who may write.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "profile/document.hpp"
#include "profile/facts.hpp"

namespace vram::profile {

inline constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;
inline constexpr std::string_view kFactsName = "app.json";
inline constexpr std::string_view kLockName = ".lock";

enum class FileKind { Profile, Number, PythonSdk, Facts, Temporary, Foreign };
// By name alone: memory_<16 hex>.json, memory_<16 hex>.txt, memory_<32 hex>.json or .txt, app.json, .<one of these>.<16 hex>.tmp.
FileKind kind_of(std::string_view file_name);
std::string hash_of(std::string_view file_name);  // between "memory_" and the dot

// What tells that a file has changed.
struct Fingerprint {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};
// Empty: nothing there, or it cannot be looked at.
std::optional<Fingerprint> fingerprint(const std::string& path);

// A regular file of at most kMaxFileBytes. Never blocks on a pipe. Error NotFound, Corrupt (not a regular file, too large), or the
// system's.
base::Result<std::string> read_regular_file(const std::string& path);

base::Result<Document> read_document(const std::string& folder, const std::string& hash);  // .json, else .txt
base::Result<Facts> read_facts(const std::string& folder);

// A folder is shared when it has set-group-id and its group may write: what is made below it is for the group too (folders 2770,
// files 0660, and for others what the folder itself gives them), whatever the umask of the user who makes it. Else the umask
// decides.
//
// mkdir -p. An own folder that an earlier version made too narrow is widened.
base::Status make_folder(const std::string& folder);
// Replaces a file of the folder whole.
base::Status write_in_folder(const std::string& folder, const std::string& path, std::string_view data);

// Exclusive right to replace files of a folder. An open-file-description lock: it excludes other stores of this process too, and is
// gone with its holder, however that dies. A file system without such locks is written without one.
class FolderLock {
 public:
  static base::Result<FolderLock> acquire(const std::string& folder, std::chrono::milliseconds deadline);

 private:
  explicit FolderLock(base::Fd fd) : fd_(std::move(fd)) {}
  base::Fd fd_;
};

// Peaks that the Python SDK has left in a folder, by the loose text of their parameters. Files are read again only when they
// changed.
class PythonIndex {
 public:
  // `skipped` is called with path and reason for each file that cannot be used.
  template <class Skipped>
  std::optional<std::uint64_t> find(const std::string& folder, const std::string& loose_text, Skipped skipped) {
    if (refresh(folder)) {
      for (const auto& [name, file] : files_) {
        if (!file.problem.empty()) skipped(folder + "/" + name, file.problem);
      }
    }
    const auto at = peaks_.find(loose_text);
    return at == peaks_.end() ? std::nullopt : std::optional<std::uint64_t>(at->second);
  }

 private:
  struct File {
    Fingerprint print;
    std::string loose_text;
    std::uint64_t peak = 0;
    std::string problem;
  };
  static File read(const std::string& path, const Fingerprint& print);
  bool refresh(const std::string& folder);  // true: something was read

  std::optional<Fingerprint> folder_print_;
  std::map<std::string, File> files_;
  std::map<std::string, std::uint64_t> peaks_;
};

}  // namespace vram::profile
