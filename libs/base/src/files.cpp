#include "base/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>

#include "base/crash_point.hpp"

namespace base {
namespace {

std::string random_suffix() {
  std::uint64_t value = 0;
  if (getrandom(&value, sizeof value, 0) != sizeof value) value = static_cast<std::uint64_t>(getpid());
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Unlinks the temporary unless it was renamed away.
class TemporaryName {
 public:
  explicit TemporaryName(std::string path) : path_(std::move(path)) {}
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;
  ~TemporaryName() {
    if (!kept_) ::unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }
  void keep() { kept_ = true; }

 private:
  std::string path_;
  bool kept_ = false;
};

}  // namespace

Status write_file_atomically(const std::string& path, std::string_view data, unsigned mode, ModeRule rule) {
  const std::string directory = parent_of(path);
  const std::string name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  constexpr std::size_t kRoom = 200;                          // of the 255 bytes that a name may have
  TemporaryName temporary(directory + "/." + name.substr(0, kRoom) + "." + random_suffix() + ".tmp");
  // Errors name the file that was asked for: nobody knows the other.
  auto opened = open_file(temporary.path(), O_WRONLY | O_CREAT | O_EXCL, mode);
  if (!opened) {
    temporary.keep();
    return error_from_errno("cannot write '" + path + "'", opened.error().native);
  }
  Fd fd = std::move(opened).value();
  if (rule == ModeRule::Exact && ::fchmod(fd.get(), mode) != 0)
    return error_from_errno("cannot set the mode of '" + temporary.path() + "'", errno);
  CLAMS_CRASH_POINT("file.created");
  const std::size_t half = data.size() / 2;
  BASE_TRY(write_all(fd.get(), data.substr(0, half), path));
  CLAMS_CRASH_POINT("file.half_written");
  BASE_TRY(write_all(fd.get(), data.substr(half), path));
  if (::fsync(fd.get()) != 0) return error_from_errno("cannot write '" + path + "'", errno);
  fd.reset();
  CLAMS_CRASH_POINT("file.synced");
  if (::rename(temporary.path().c_str(), path.c_str()) != 0) return error_from_errno("cannot replace '" + path + "'", errno);
  temporary.keep();
  CLAMS_CRASH_POINT("file.renamed");
  // A directory that cannot be synced (some network file systems) does not make the write a failure: the new file is there.
  if (auto dir = open_file(directory, O_RDONLY | O_DIRECTORY)) (void)::fsync(dir->get());
  return {};
}

Status make_directories(const std::string& path, unsigned mode) {
  if (path.empty()) return Error{ErrorCode::InvalidArgument, "cannot create a directory with an empty name"};
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), mode) != 0) {
      const int reason = errno;
      struct stat info {};
      const bool is_directory = ::stat(part.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
      if (!is_directory) return error_from_errno("cannot create directory '" + part + "'", reason);
    }
    if (at == std::string::npos) return {};
  }
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  struct Closer {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  const std::unique_ptr<DIR, Closer> dir(::opendir(path.c_str()));
  if (!dir) return error_from_errno("cannot list directory '" + path + "'", errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Result<MappedFile> MappedFile::map(int fd, std::size_t length, bool writable) {
  void* data = ::mmap(nullptr, length, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) return error_from_errno("cannot map a file of " + std::to_string(length) + " bytes", errno);
  MappedFile mapped;
  mapped.data_ = data;
  mapped.size_ = length;
  return mapped;
}

}  // namespace base
