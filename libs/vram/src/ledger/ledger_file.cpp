#include "ledger/ledger_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "base/crash_point.hpp"
#include "base/text.hpp"
#include "ledger/ofd_lock.hpp"

namespace vram {
namespace {

using base::Error;
using base::ErrorCode;
using base::Fd;
using base::Result;
using base::Status;

constexpr std::size_t kFileBytes = sizeof(layout::File);

enum class Fitness { Good, Replace, Retry };

std::string temporary_name(const std::string& path) {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) random = static_cast<std::uint64_t>(::getpid());
  return path + "." + std::to_string(random) + ".tmp";
}

// Who may write the directory may write the file: 0660 beside group-writable directories, 0600 in private ones.
mode_t file_mode(const std::string& directory, gid_t& group) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) return 0600;
  group = status.st_gid;
  mode_t mode = 0600;
  if ((status.st_mode & 0020) != 0) mode |= 0060;
  if ((status.st_mode & 0002) != 0) mode |= 0006;
  return mode;
}

bool same_file(int fd, const std::string& path) noexcept {
  struct stat by_fd {};
  struct stat by_path {};
  return ::fstat(fd, &by_fd) == 0 && ::stat(path.c_str(), &by_path) == 0 && by_fd.st_ino == by_path.st_ino &&
         by_fd.st_dev == by_path.st_dev && by_fd.st_nlink > 0;
}

bool has_full_size(int fd) noexcept {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) == kFileBytes;
}

// A mapped file with holes on a full file system is SIGBUS at the first store; with its blocks taken it is an error here.
Status take_blocks(int fd, const std::string& path) {
  int failed = 0;
  do failed = ::posix_fallocate(fd, 0, static_cast<off_t>(kFileBytes));
  while (failed == EINTR);
  if (failed == 0) return {};
  return base::error_from_errno("cannot take " + std::to_string(kFileBytes) + " bytes of disk for the GPU ledger '" + path + "'",
                                failed);
}

void write_header(layout::File& file, const LedgerFileOptions& options) {
  file.header.version.store(layout::kVersion);
  file.header.file_bytes.store(static_cast<std::uint32_t>(kFileBytes));
  file.header.devices.store(layout::kDevices);
  file.header.slots.store(layout::kSlots);
  file.header.created_wall_ns.store(static_cast<std::uint64_t>(options.created_wall.count()));
  file.header.boot_id.store(options.boot_id);
  file.header.magic.store(layout::kMagic);
}

Result<base::MappedFile> map_shared(int fd) {
  BASE_TRY_ASSIGN(base::MappedFile mapping, base::MappedFile::map(fd, kFileBytes, true));
  if (::madvise(mapping.data(), mapping.size(), MADV_DONTFORK) != 0) {
    return base::error_from_errno("cannot keep the GPU ledger out of forked children", errno);
  }
  return mapping;
}

Status fill(const Fd& fd, const std::string& path, const LedgerFileOptions& options) {
  BASE_TRY(take_blocks(fd.get(), path));
  CLAMS_CRASH_POINT("ledger.file.allocated");
  BASE_TRY_ASSIGN(base::MappedFile mapping, map_shared(fd.get()));
  write_header(*static_cast<layout::File*>(mapping.data()), options);
  auto group = static_cast<gid_t>(-1);
  const mode_t mode = file_mode(options.directory, group);
  if (::fchown(fd.get(), static_cast<uid_t>(-1), group) != 0 && (mode & 0060) != 0 && errno != EPERM) {
    return base::error_from_errno("cannot give the GPU ledger '" + path + "' to the group of its directory", errno);
  }
  if (::fchmod(fd.get(), mode) != 0) return base::error_from_errno("cannot set the mode of the GPU ledger '" + path + "'", errno);
  return {};
}

// Makes a whole file under a temporary name and publishes it: by link when there is none (the first wins), by rename over a file
// that the caller has locked whole. A crash leaves a .tmp that nobody reads.
Status publish(const std::string& path, const LedgerFileOptions& options, bool replace) {
  const std::string temporary = temporary_name(path);
  auto opened = base::open_file(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (!opened) return base::error_from_errno("cannot make the GPU ledger '" + path + "'", opened.error().native);
  const Fd fd = std::move(opened).value();
  Status filled = fill(fd, path, options);
  CLAMS_CRASH_POINT("ledger.file.filled");
  if (filled) {
    const int failed = replace ? ::rename(temporary.c_str(), path.c_str()) : ::link(temporary.c_str(), path.c_str());
    if (failed != 0 && errno != EEXIST) filled = base::error_from_errno("cannot publish the GPU ledger '" + path + "'", errno);
  }
  CLAMS_CRASH_POINT("ledger.file.published");
  ::unlink(temporary.c_str());
  return filled;
}

Status self_test(const Fd& fd, const std::string& path) {
  BASE_TRY_ASSIGN(const Fd other, base::open_file(path, O_RDWR | O_NOFOLLOW));
  BASE_TRY_ASSIGN(const bool taken, ofd::try_lock(fd.get(), layout::kSelfTestLock, 1, ofd::Mode::Shared));
  BASE_TRY_ASSIGN(const bool seen, ofd::held_by_other(other.get(), layout::kSelfTestLock));
  ofd::unlock(fd.get(), layout::kSelfTestLock);
  if (taken && seen) return {};
  if (!same_file(fd.get(), path)) return {};  // replaced meanwhile: the next round looks at the new one
  return Error{
      ErrorCode::Unsupported,
      "the file system of '" + path +
          "' loses open-file-description locks, on which the GPU ledger rests; choose a directory on tmpfs or a local disk"};
}

bool header_fits(const layout::File& file, const std::string& boot_id) {
  const layout::Header& header = file.header;
  return header.magic.load() == layout::kMagic && header.version.load() == layout::kVersion &&
         header.file_bytes.load() == kFileBytes && header.devices.load() == layout::kDevices &&
         header.slots.load() == layout::kSlots && header.boot_id.load() == boot_id;
}

Error cannot_join(const std::string& path) {
  return {ErrorCode::Unavailable, "the GPU ledger '" + path +
                                      "' was made by another version or another boot and is in use by running processes; "
                                      "this process does not join it: end those processes, or upgrade them together"};
}

// Steps, since two processes may want to replace at once: A and B open the same old file; A locks it whole, publishes a new one,
// lets go; B then gets the lock on the old file, which no name leads to any more. So after locking the name is looked at again.
Result<Fitness> replace_if_deserted(const Fd& fd, const std::string& path, const LedgerFileOptions& options) {
  BASE_TRY_ASSIGN(const bool deserted, ofd::try_lock(fd.get(), 0, layout::kLockRange));
  if (!same_file(fd.get(), path)) return Fitness::Retry;
  if (!deserted) return Fitness::Replace;
  CLAMS_CRASH_POINT("ledger.file.locked_whole");
  BASE_TRY(publish(path, options, true));
  return Fitness::Retry;
}

Result<Fitness> try_open(LedgerFile& result, const LedgerFileOptions& options) {
  auto opened = base::open_file(result.path,
                                O_RDWR | O_NOFOLLOW);  // never O_CREAT here: fs.protected_regular refuses that for files of others
  if (!opened) {
    if (opened.error().native != ENOENT) return std::move(opened).error();
    BASE_TRY(publish(result.path, options, false));
    return Fitness::Retry;
  }
  Fd fd = std::move(opened).value();
  if (!has_full_size(fd.get())) return replace_if_deserted(fd, result.path, options);
  BASE_TRY(take_blocks(fd.get(), result.path));  // a copy restored with holes
  BASE_TRY(self_test(fd, result.path));
  BASE_TRY_ASSIGN(base::MappedFile mapping, map_shared(fd.get()));
  if (!header_fits(*static_cast<layout::File*>(mapping.data()), options.boot_id))
    return replace_if_deserted(fd, result.path, options);
  result.fd = std::move(fd);
  result.mapping = std::move(mapping);
  return Fitness::Good;
}

}  // namespace

Result<LedgerFile> open_ledger_file(const LedgerFileOptions& options) {
  LedgerFile result;
  result.path = options.directory + "/ledger";
  const auto give_up = std::chrono::steady_clock::now() + options.deadline;
  for (;;) {
    BASE_TRY_ASSIGN(const Fitness fitness, try_open(result, options));
    if (fitness == Fitness::Good) return result;
    // Somebody lives in a file that does not fit; it may be one who is just replacing it.
    if (std::chrono::steady_clock::now() >= give_up) return cannot_join(result.path);
    if (fitness == Fitness::Replace) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

bool is_current(const LedgerFile& file) noexcept { return same_file(file.fd.get(), file.path); }

bool is_same_file(const LedgerFile& file, int fd) noexcept {
  struct stat ours {};
  struct stat theirs {};
  return ::fstat(file.fd.get(), &ours) == 0 && ::fstat(fd, &theirs) == 0 && ours.st_ino == theirs.st_ino &&
         ours.st_dev == theirs.st_dev;
}

Result<std::string> read_boot_id() {
  BASE_TRY_ASSIGN(const std::string text, base::read_file("/proc/sys/kernel/random/boot_id", 128));
  return std::string(base::trim(text));
}

}  // namespace vram
