#include "usage_table.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/duration.hpp"
#include "base/text.hpp"
#include "range_lock.hpp"
#include "usage_layout.hpp"

namespace vram {
namespace {

using base::Bytes;
using base::Error;
using base::ErrorCode;
using base::Fd;
using base::Result;
using base::Status;

constexpr std::chrono::seconds kLockDeadline{2};

std::int64_t now_ns() { return base::system_clock().monotonic().count(); }

std::string boot_id() {
  auto text = base::read_file("/proc/sys/kernel/random/boot_id", 256);
  return text ? std::string(base::trim(*text)) : std::string("unknown");
}

void copy_text(char* to, std::size_t room, std::string_view text) {
  const std::size_t length = std::min(text.size(), room - 1);
  std::memcpy(to, text.data(), length);
  std::memset(to + length, 0, room - length);
}

// Writes the first bytes of a new file and gives it its name; a file that has appeared meanwhile is left as it is.
Status create(const std::string& path) {
  const std::string temporary = path + "." + std::to_string(::getpid()) + "." + std::to_string(now_ns());
  BASE_TRY_ASSIGN(const Fd fd, base::open_file(temporary, O_RDWR | O_CREAT | O_EXCL, 0660));
  Status made;
  // Allocated whole: a hole in a full file system would be SIGBUS later.
  if (const int failed = ::posix_fallocate(fd.get(), 0, sizeof(UsageLayout)); failed != 0) {
    made = base::error_from_errno("cannot allocate '" + temporary + "'", failed);
  } else {
    struct {
      std::uint64_t magic;
      std::uint32_t version;
      std::uint32_t devices;
      char boot[48];
    } head{kUsageMagic, kUsageVersion, 0, {}};
    copy_text(head.boot, sizeof head.boot, boot_id());
    made = base::write_all(fd.get(), {reinterpret_cast<const char*>(&head), sizeof head}, temporary);
    (void)::fchmod(fd.get(), 0660);
    if (made && ::link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST)
      made = base::error_from_errno("cannot create '" + path + "'", errno);
  }
  ::unlink(temporary.c_str());
  return made;
}

Error table_full(const std::string& path, std::string_view what) {
  return {ErrorCode::Configuration, "'" + path + "' has no room for another " + std::string(what)};
}

// Lowers a word by up to `amount`; returns what was really taken off.
std::uint64_t lower(std::atomic<std::uint64_t>& word, std::uint64_t amount) noexcept {
  std::uint64_t before = word.load();
  while (!word.compare_exchange_weak(before, before - std::min(before, amount))) {}
  return std::min(before, amount);
}

void empty_line(UsageHolder& line) noexcept {
  for (UsageShare& share : line.shares) {
    share.used.store(0);
    share.releasing.store(0);
    share.released_at.store(0);
  }
  line.dead_since.store(0);
  line.stranger.store(0);
  line.pid.store(0);
}

}  // namespace

// The table lock: in-process mutex first, then the byte. Both are held for microseconds; a process that was stopped right there
// makes others fail after the deadline instead of waiting for ever.
class UsageTable::TableLock {
 public:
  static Result<std::unique_ptr<TableLock>> take(UsageTable& table) {
    std::unique_ptr<TableLock> lock(new TableLock(table));
    const std::int64_t give_up = now_ns() + std::chrono::nanoseconds(kLockDeadline).count();
    for (std::chrono::microseconds pause{5};; pause = std::min(pause * 2, std::chrono::microseconds{2000})) {
      BASE_TRY_ASSIGN(lock->taken_, try_lock_byte(table.fd_.get(), kTableLockByte, RangeLockKind::Exclusive));
      if (lock->taken_) return lock;
      if (now_ns() > give_up)
        return Error{ErrorCode::Timeout, "'" + table.path_ + "' stays locked by another process; is one stopped?"};
      base::system_clock().sleep_for(pause);
    }
  }
  ~TableLock() {
    if (taken_) unlock_byte(table_.fd_.get(), kTableLockByte);
  }
  TableLock(const TableLock&) = delete;
  TableLock& operator=(const TableLock&) = delete;

 private:
  explicit TableLock(UsageTable& table) : table_(table), guard_(table.mutex_) {}
  UsageTable& table_;
  std::unique_lock<std::mutex> guard_;
  bool taken_ = false;
};

UsageTable::UsageTable(std::string path, Fd fd, base::MappedFile map)
    : path_(std::move(path)), fd_(std::move(fd)), map_(std::move(map)), pid_(::getpid()), not_in_children_(fd_.get()) {}

UsageTable::~UsageTable() = default;

UsageLayout& UsageTable::layout() const noexcept { return *static_cast<UsageLayout*>(map_.data()); }

Result<std::shared_ptr<UsageTable>> UsageTable::open(const std::string& path) {
  auto opened = base::open_file(path, O_RDWR);
  if (!opened && opened.error().native == ENOENT) {
    BASE_TRY(create(path));
    opened = base::open_file(path, O_RDWR);
  }
  if (!opened) return Error{ErrorCode::Configuration, std::move(opened).error().message};
  Fd fd = std::move(opened).value();
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return base::error_from_errno("cannot read '" + path + "'", errno);
  if (static_cast<std::uint64_t>(info.st_size) != sizeof(UsageLayout)) {
    return Error{ErrorCode::Configuration,
                 "'" + path + "' is not a file of pretended devices of this version; remove it when nobody uses it"};
  }
  // A mapping keeps its description, and so its locks, alive in forked children: map through a description that holds none.
  BASE_TRY_ASSIGN(const Fd for_map, base::open_file("/proc/self/fd/" + std::to_string(fd.get()), O_RDWR));
  BASE_TRY_ASSIGN(base::MappedFile map, base::MappedFile::map(for_map.get(), sizeof(UsageLayout), true));
  std::shared_ptr<UsageTable> table(new UsageTable(path, std::move(fd), std::move(map)));
  if (table->layout().magic != kUsageMagic || table->layout().version != kUsageVersion) {
    return Error{ErrorCode::Configuration,
                 "'" + path + "' is not a file of pretended devices of this version; remove it when nobody uses it"};
  }
  BASE_TRY_ASSIGN(const auto lock, TableLock::take(*table));
  // Alone with a file of an earlier boot: its times mean nothing now.
  if (boot_id() != table->layout().boot_id) {
    BASE_TRY_ASSIGN(const bool alone, try_lock_byte(table->fd_.get(), kUsersByte, RangeLockKind::Exclusive));
    if (alone) {
      table->layout().device_count.store(0);
      for (UsageHolder& line : table->layout().holders) empty_line(line);
      copy_text(table->layout().boot_id, sizeof(UsageLayout::boot_id), boot_id());
    }
  }
  BASE_TRY_ASSIGN(const bool shared, try_lock_byte(table->fd_.get(), kUsersByte, RangeLockKind::Shared));
  if (!shared) return Error{ErrorCode::Unavailable, "'" + path + "' is being changed by another process; try again"};
  return table;
}

std::vector<UsageTable::Device> UsageTable::devices() const {
  std::vector<Device> list;
  const std::uint32_t count = std::min<std::uint32_t>(layout().device_count.load(), kMaxDevices);
  for (std::size_t at = 0; at < count; ++at) {
    const UsageDevice& device = layout().devices[at];
    list.push_back({std::string(device.uuid, ::strnlen(device.uuid, kUuidBytes)), Bytes(device.total.load())});
  }
  return list;
}

Status UsageTable::agree(const std::vector<Device>& wanted, std::string (*describe)(const std::vector<Device>&)) {
  if (wanted.size() > kMaxDevices) return table_full(path_, "device");
  BASE_TRY_ASSIGN(const auto lock, TableLock::take(*this));
  const std::vector<Device> present = devices();
  if (present == wanted) return {};
  // Converting our shared lock succeeds only if nobody else has the file open; on failure we keep the shared one.
  BASE_TRY_ASSIGN(const bool alone, try_lock_byte(fd_.get(), kUsersByte, RangeLockKind::Exclusive));
  if (!alone && !present.empty()) {
    return Error{ErrorCode::Configuration, "the devices " + describe(wanted) + " were asked for, but another process uses '" +
                                               path_ + "' with " + describe(present) +
                                               "; give the same list, or another directory"};
  }
  for (UsageHolder& line : layout().holders) empty_line(line);
  line_.store(-1);
  for (std::size_t at = 0; at < wanted.size(); ++at) {
    UsageDevice& device = layout().devices[at];
    copy_text(device.uuid, kUuidBytes, wanted[at].uuid);
    device.total.store(wanted[at].total.count());
    device.fault.store(0);
    device.fault_until.store(0);
    device.hang_until.store(0);
    device.release_lag.store(0);
  }
  layout().device_count.store(static_cast<std::uint32_t>(wanted.size()));
  BASE_TRY(try_lock_byte(fd_.get(), kUsersByte, RangeLockKind::Shared));
  return {};
}

Result<std::size_t> UsageTable::find_or_add(const std::string& uuid, Bytes total) {
  const auto position = [&]() -> std::optional<std::size_t> {
    const std::vector<Device> list = devices();
    const auto found = std::find_if(list.begin(), list.end(), [&](const Device& device) { return device.uuid == uuid; });
    if (found == list.end()) return std::nullopt;
    return static_cast<std::size_t>(found - list.begin());
  };
  if (const auto found = position()) return *found;
  BASE_TRY_ASSIGN(const auto lock, TableLock::take(*this));
  if (const auto found = position()) return *found;
  const std::uint32_t count = layout().device_count.load();
  if (count >= kMaxDevices) return table_full(path_, "device");
  copy_text(layout().devices[count].uuid, kUuidBytes, uuid);
  layout().devices[count].total.store(total.count());
  layout().device_count.store(count + 1);
  return std::size_t{count};
}

bool UsageTable::alive(std::size_t line) const {
  if (static_cast<int>(line) == line_.load()) return true;  // a description cannot see its own lock
  return is_locked_elsewhere(fd_.get(), kTokenByte + static_cast<std::int64_t>(line));
}

// The own line; the first free or expired one is claimed.
Result<std::size_t> UsageTable::own_line() {
  if (const int line = line_.load(); line >= 0) return static_cast<std::size_t>(line);
  const std::int64_t now = now_ns();
  for (std::size_t line = 0; line < kMaxHolders; ++line) {
    UsageHolder& holder = layout().holders[line];
    const std::int64_t token = kTokenByte + static_cast<std::int64_t>(line);
    BASE_TRY_ASSIGN(const bool taken, try_lock_byte(fd_.get(), token, RangeLockKind::Exclusive));
    if (!taken) continue;
    bool lagging = false;
    if (holder.pid.load() != 0) {
      std::int64_t unset = 0;
      holder.dead_since.compare_exchange_strong(unset, now);
      for (std::size_t device = 0; device < kMaxDevices; ++device) {
        const bool over = now - holder.dead_since.load() >= layout().devices[device].release_lag.load();
        lagging = lagging || (!over && holder.shares[device].used.load() != 0);
      }
    }
    if (lagging) {
      unlock_byte(fd_.get(), token);
      continue;
    }
    empty_line(holder);
    holder.pid.store(pid_);
    line_.store(static_cast<int>(line));
    return line;
  }
  return table_full(path_, "process");
}

Bytes UsageTable::counted(std::size_t line, std::size_t device, std::int64_t now) const {
  UsageHolder& holder = layout().holders[line];
  const UsageShare& share = holder.shares[device];
  const Bytes releasing = now < share.released_at.load() ? Bytes(share.releasing.load()) : Bytes();
  const Bytes used(share.used.load());
  if (used == Bytes() && releasing == Bytes()) return {};
  if (alive(line)) return used + releasing;
  // The one who first sees it dead starts the lag.
  std::int64_t since = 0;
  if (holder.dead_since.compare_exchange_strong(since, now)) since = now;
  return now - since < layout().devices[device].release_lag.load() ? used + releasing : Bytes();
}

Bytes UsageTable::sum(std::size_t device) const {
  const std::int64_t now = now_ns();
  Bytes total;
  for (std::size_t line = 0; line < kMaxHolders; ++line) {
    if (layout().holders[line].pid.load() != 0) total += counted(line, device, now);
  }
  return total;
}

Bytes UsageTable::used(std::size_t device) const { return sum(device); }

std::vector<UsageTable::Holder> UsageTable::holders(std::size_t device) const {
  std::vector<Holder> list;
  for (std::size_t line = 0; line < kMaxHolders; ++line) {
    const UsageHolder& holder = layout().holders[line];
    const Bytes bytes(holder.shares[device].used.load());
    if (holder.pid.load() == 0 || bytes == Bytes() || !alive(line)) continue;
    list.push_back({holder.pid.load(), bytes, holder.stranger.load() != 0});
  }
  return list;
}

Status UsageTable::take(std::size_t device, Bytes bytes, Bytes capacity, bool stranger) {
  if (pid_ != ::getpid())
    return Error{ErrorCode::Unsupported, "'" + path_ + "' was opened before fork(); open it again in the child"};
  BASE_TRY_ASSIGN(const auto lock, TableLock::take(*this));
  const Bytes in_use = sum(device);
  if (in_use + bytes > capacity) {
    return Error{ErrorCode::InsufficientMemory, "out of memory: " + base::to_string(bytes) + " asked, " +
                                                    base::to_string(capacity - in_use) + " of " + base::to_string(capacity) +
                                                    " free"};
  }
  BASE_TRY_ASSIGN(const std::size_t line, own_line());
  layout().holders[line].stranger.store(stranger ? 1 : 0);
  layout().holders[line].shares[device].used.fetch_add(bytes.count());
  return {};
}

void UsageTable::give(std::size_t device, Bytes bytes) noexcept {
  const int line = line_.load();
  if (line < 0 || pid_ != ::getpid()) return;
  UsageShare& share = layout().holders[static_cast<std::size_t>(line)].shares[device];
  const std::int64_t lag = layout().devices[device].release_lag.load();
  if (lag <= 0) {
    lower(share.used, bytes.count());
    return;
  }
  // Shown as releasing before it stops being shown as used: never less than the truth in between.
  const std::int64_t now = now_ns();
  if (share.released_at.load() <= now) share.releasing.store(0);
  share.released_at.store(now + lag);
  share.releasing.fetch_add(std::min(bytes.count(), share.used.load()));
  lower(share.used, bytes.count());
}

Bytes UsageTable::held(std::size_t device) const noexcept {
  const int line = line_.load();
  return line < 0 ? Bytes() : Bytes(layout().holders[static_cast<std::size_t>(line)].shares[device].used.load());
}

void UsageTable::free_strangers(std::size_t device) {
  for (UsageHolder& holder : layout().holders) {
    if (holder.pid.load() != 0 && holder.stranger.load() != 0) holder.shares[device].used.store(0);
  }
}

UsageTable::Controls UsageTable::controls(std::size_t device) const {
  const UsageDevice& words = layout().devices[device];
  return {words.fault.load(), words.fault_until.load(), words.hang_until.load(), words.release_lag.load()};
}

void UsageTable::set_fault(std::size_t device, std::uint32_t fault, std::int64_t until) {
  layout().devices[device].fault_until.store(until);
  layout().devices[device].fault.store(fault);
}

void UsageTable::set_hang(std::size_t device, std::int64_t until) { layout().devices[device].hang_until.store(until); }

void UsageTable::set_release_lag(std::size_t device, std::chrono::nanoseconds lag) {
  layout().devices[device].release_lag.store(lag.count());
}

}  // namespace vram
