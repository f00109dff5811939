// Files that are published whole, mapped files, directories.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace base {

// Writes `data` under a unique temporary name beside `path`, fsyncs it, renames it over `path`, fsyncs the directory. Readers see
// the old or the new file, never a part. If the process dies here a `.<name>.<random>.tmp` may stay; `path` is untouched. The
// temporary is removed on error. The umask takes bits off `mode`, unless it is exact.
enum class ModeRule { Masked, Exact };
Status write_file_atomically(const std::string& path, std::string_view data, unsigned mode = 0644,
                             ModeRule rule = ModeRule::Masked);

// mkdir -p. An existing directory is fine; an existing file in the way is an error that names it.
Status make_directories(const std::string& path, unsigned mode = 0755);

// Names in a directory, sorted, without "." and "..". An absent directory is error NotFound.
Result<std::vector<std::string>> list_directory(const std::string& path);

// A file mapped MAP_SHARED. Move-only; unmapped on destruction.
class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  // Maps `length` bytes of `fd` from offset 0. The caller has made sure that the file has that many allocated bytes (a hole in a
  // full file system is SIGBUS).
  static Result<MappedFile> map(int fd, std::size_t length, bool writable);
  void* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace base
