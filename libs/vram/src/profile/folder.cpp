#include "profile/folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "base/duration.hpp"
#include "base/files.hpp"
#include "vram/profile_key.hpp"

namespace vram::profile {
namespace {

constexpr std::string_view kPrefix = "memory_";
constexpr std::size_t kMaxPythonFiles = 4096;

bool is_hex(std::string_view text, std::size_t length) {
  return text.size() == length && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Fingerprint print_of(const struct stat& info) {
  return {static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino), static_cast<std::int64_t>(info.st_size),
          static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + static_cast<std::int64_t>(info.st_mtim.tv_nsec)};
}

bool lacks_locks(int error) { return error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP || error == EINVAL; }

// The kernel stamps times by its tick: a folder changed a moment ago may change again under the same time.
bool settled(const std::optional<Fingerprint>& print) {
  constexpr std::int64_t kDoubtful = 1'000'000'000;
  return print && std::abs(base::system_clock().wall().count() - print->modified_ns) > kDoubtful;
}

constexpr mode_t kGroup = 0070, kOthers = 0007, kFileBits = 0666;

// The mode that what is made below this folder gets; none: the umask decides.
std::optional<mode_t> shared_mode(const std::string& folder) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return std::nullopt;
  const bool is_shared = (info.st_mode & S_ISGID) != 0 && (info.st_mode & S_IWGRP) != 0;
  return is_shared ? std::optional<mode_t>(S_ISGID | 0700 | kGroup | (info.st_mode & kOthers)) : std::nullopt;
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Only the owner may change a mode: of another user's file its mode is taken as it is.
base::Status widen(const std::string& path, mode_t mode) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return base::error_from_errno("cannot look at '" + path + "'", errno);
  if (info.st_uid != ::geteuid() || (info.st_mode & kGroup) == (mode & kGroup)) return {};
  if (::chmod(path.c_str(), mode) != 0) return base::error_from_errno("cannot share '" + path + "' with its group", errno);
  return {};
}

base::Error about(const std::string& path, base::Error error) {
  error.message = "'" + path + "': " + error.message;
  return error;
}

}  // namespace

FileKind kind_of(std::string_view name) {
  if (name == kFactsName) return FileKind::Facts;
  if (name.starts_with('.') && name.ends_with(".tmp")) {
    const std::string_view inner = name.substr(1, name.size() - 5);
    const std::size_t dot = inner.rfind('.');
    const bool ours =
        dot != std::string_view::npos && is_hex(inner.substr(dot + 1), 16) && kind_of(inner.substr(0, dot)) != FileKind::Foreign;
    return ours ? FileKind::Temporary : FileKind::Foreign;
  }
  if (!name.starts_with(kPrefix)) return FileKind::Foreign;
  const bool json = name.ends_with(".json");
  if (!json && !name.ends_with(".txt")) return FileKind::Foreign;
  const std::string hash = hash_of(name);
  if (is_hex(hash, 16)) return json ? FileKind::Profile : FileKind::Number;
  return is_hex(hash, 32) ? FileKind::PythonSdk : FileKind::Foreign;
}

std::string hash_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (!name.starts_with(kPrefix) || dot == std::string_view::npos) return {};
  return std::string(name.substr(kPrefix.size(), dot - kPrefix.size()));
}

std::optional<Fingerprint> fingerprint(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return print_of(info);
}

base::Result<std::string> read_regular_file(const std::string& path) {
  // Without O_NONBLOCK a named pipe in the way would block until somebody writes to it.
  BASE_TRY_ASSIGN(const base::Fd fd, base::open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return base::error_from_errno("cannot look at '" + path + "'", errno);
  if (!S_ISREG(info.st_mode)) return base::Error{base::ErrorCode::Corrupt, "'" + path + "': not a regular file"};
  if (static_cast<std::uint64_t>(info.st_size) > kMaxFileBytes) {
    return base::Error{base::ErrorCode::Corrupt, "'" + path + "': larger than " + std::to_string(kMaxFileBytes) + " bytes"};
  }
  return base::read_all(fd.get(), path, kMaxFileBytes);
}

base::Result<Document> read_document(const std::string& folder, const std::string& hash) {
  const std::string stem = folder + "/" + std::string(kPrefix) + hash;
  auto text = read_regular_file(stem + ".json");
  const bool absent = !text && text.error().code == base::ErrorCode::NotFound;
  const std::string path = stem + (absent ? ".txt" : ".json");
  if (absent) text = read_regular_file(path);
  if (!text) return text.error();
  auto document = absent ? parse_number(*text) : parse_document(*text);
  if (!document) return about(path, document.error());
  return document;
}

base::Result<Facts> read_facts(const std::string& folder) {
  const std::string path = folder + "/" + std::string(kFactsName);
  BASE_TRY_ASSIGN(const std::string text, read_regular_file(path));
  auto facts = parse_facts(text);
  if (!facts) return about(path, facts.error());
  return facts;
}

base::Status make_folder(const std::string& folder) {
  for (std::size_t at = folder.find('/', 1);; at = folder.find('/', at + 1)) {
    const std::string part = folder.substr(0, at);
    struct stat info {};
    const bool is_new = ::stat(part.c_str(), &info) != 0;
    BASE_TRY(base::make_directories(part));
    const bool is_last = at == std::string::npos;
    if (const auto mode = is_new || is_last ? shared_mode(parent_of(part)) : std::nullopt) BASE_TRY(widen(part, *mode));
    if (is_last) return {};
  }
}

base::Status write_in_folder(const std::string& folder, const std::string& path, std::string_view data) {
  const auto mode = shared_mode(folder);
  if (!mode) return base::write_file_atomically(path, data);
  return base::write_file_atomically(path, data, *mode & kFileBits, base::ModeRule::Exact);
}

base::Result<FolderLock> FolderLock::acquire(const std::string& folder, std::chrono::milliseconds deadline) {
  const std::string path = folder + "/" + std::string(kLockName);
  BASE_TRY_ASSIGN(base::Fd fd, base::open_file(path, O_RDWR | O_CREAT, 0644));
  if (const auto mode = shared_mode(folder)) BASE_TRY(widen(path, *mode & kFileBits));
  const auto end = std::chrono::steady_clock::now() + deadline;
  for (std::chrono::microseconds pause{200};; pause = std::min(pause * 2, std::chrono::microseconds{20'000})) {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(fd.get(), F_OFD_SETLK, &whole) == 0 || lacks_locks(errno)) return FolderLock(std::move(fd));
    if (errno != EAGAIN && errno != EACCES && errno != EINTR) return base::error_from_errno("cannot lock '" + path + "'", errno);
    if (std::chrono::steady_clock::now() >= end) {
      return base::Error{base::ErrorCode::Timeout,
                         "'" + path + "' is held by another process for more than " + base::to_string(deadline)};
    }
    std::this_thread::sleep_for(pause);
  }
}

PythonIndex::File PythonIndex::read(const std::string& path, const Fingerprint& print) {
  File file{print, {}, 0, {}};
  const auto text = read_regular_file(path);
  if (!text) {
    file.problem = text.error().message;
    return file;
  }
  const auto document = parse_document(*text);
  if (!document || document->parameters.empty()) {
    file.problem = document ? "no 'parameters'" : document.error().message;
    return file;
  }
  if (const auto key = ProfileKey::from_json(document->parameters)) file.loose_text = key->loose_text();
  file.peak = document->peak.value_or(0);
  return file;
}

bool PythonIndex::refresh(const std::string& folder) {
  const auto print = fingerprint(folder);
  // A file replaced by rename changes the folder's time; so does every file of our own, which costs a stat for each Python file.
  if (print == folder_print_) return false;
  folder_print_ = settled(print) ? print : std::nullopt;
  std::map<std::string, File> files;
  bool changed = false;
  if (const auto names = base::list_directory(folder)) {
    for (const std::string& name : *names) {
      if (kind_of(name) != FileKind::PythonSdk || !name.ends_with(".json") || files.size() == kMaxPythonFiles) continue;
      const auto now = fingerprint(folder + "/" + name);
      if (!now) continue;
      const auto known = files_.find(name);
      const bool same = known != files_.end() && known->second.print == *now;
      changed = changed || !same;
      files.emplace(name, same ? known->second : read(folder + "/" + name, *now));
    }
  }
  files_ = std::move(files);
  peaks_.clear();
  for (const auto& [name, file] : files_) {
    // Several files hold the same parameters when people typed them in another order.
    if (file.peak > 0) peaks_[file.loose_text] = std::max(peaks_[file.loose_text], file.peak);
  }
  return changed;
}

}  // namespace vram::profile
