#include "vram/ledger.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/crash_point.hpp"
#include "base/text.hpp"
#include "ledger/core.hpp"
#include "ledger/device_lock.hpp"
#include "ledger/scan.hpp"
#include "ledger/slot_table.hpp"

namespace vram {
namespace {

// Display only: field 22 of /proc/self/stat, in clock ticks since boot. The name in field 2 may hold spaces and parentheses.
std::uint64_t own_start_ns() {
  const auto stat = base::read_file("/proc/self/stat", 4096);
  const std::size_t end_of_name = stat ? stat->rfind(')') : std::string::npos;
  if (end_of_name == std::string::npos) return 0;
  const auto fields = base::split(base::trim(std::string_view(*stat).substr(end_of_name + 1)), ' ');
  const long ticks_per_second = ::sysconf(_SC_CLK_TCK);
  if (fields.size() < 20 || ticks_per_second <= 0) return 0;
  const std::uint64_t ticks = std::strtoull(std::string(fields[19]).c_str(), nullptr, 10);
  return ticks * (1'000'000'000ULL / static_cast<std::uint64_t>(ticks_per_second));
}

// An explicit directory that cannot be used is a start error, whatever the cause; one that somebody else still lives in is not.
Error for_directory(Error error, const LedgerDirectory& directory) {
  if (directory.is_explicit && error.code != ErrorCode::Unavailable) {
    error.message = "the GPU ledger directory '" + directory.path + "' (CLAMS_VRAM_DIR) cannot be used: " + error.message;
    error.code = ErrorCode::Configuration;
  }
  return error;
}

std::optional<std::uint32_t> find_device(const LedgerCore& core, const DeviceUuid& uuid) {
  const std::uint32_t count = core.device_count();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (core.file().devices[i].uuid.load() == uuid.text()) return i;
  }
  return std::nullopt;
}

}  // namespace

Ledger::Ledger(std::shared_ptr<LedgerCore> core) : core_(std::move(core)) {}
Ledger::~Ledger() = default;

Result<std::shared_ptr<Ledger>> Ledger::open(LedgerOptions options) {
  if (options.boot_id.empty()) { BASE_TRY_ASSIGN(options.boot_id, read_boot_id()); }
  const base::Clock& clock = options.clock != nullptr ? *options.clock : base::system_clock();
  auto file = open_ledger_file({options.directory.path, options.boot_id, clock.wall(), options.join_deadline});
  if (!file) return for_directory(std::move(file).error(), options.directory);
  return std::shared_ptr<Ledger>(new Ledger(std::make_shared<LedgerCore>(std::move(file).value(), std::move(options))));
}

LedgerScope Ledger::scope() const noexcept { return core_->options.directory.scope; }
const std::string& Ledger::path() const noexcept { return core_->ledger_file.path; }

Result<LedgerDevice> Ledger::register_device(const DeviceInfo& device) {
  BASE_TRY(core_->check_usable());
  BASE_TRY_ASSIGN(const TableLock lock, TableLock::take(*core_, layout::kRegistryLock));
  layout::File& file = core_->file();
  if (const auto found = find_device(*core_, device.uuid)) {
    file.devices[*found].total.store(device.total.count());
    return LedgerDevice{*found};
  }
  const std::uint32_t position = core_->device_count();
  if (position == layout::kDevices) {
    return Error{ErrorCode::QueueFull,
                 "the GPU ledger '" + path() + "' has no room for another device; end all apps and remove the file"};
  }
  // The entry counts once device_count says so; a crash before that leaves an entry that the next one overwrites.
  file.devices[position].uuid.store(device.uuid.text());
  file.devices[position].name.store(device.name);
  file.devices[position].total.store(device.total.count());
  CLAMS_CRASH_POINT("ledger.device.described");
  file.header.device_count.store(position + 1);
  CLAMS_CRASH_POINT("ledger.device.counted");
  return LedgerDevice{position};
}

std::optional<LedgerDevice> Ledger::find(const DeviceUuid& device) const {
  if (core_->forked.load()) return std::nullopt;
  const auto found = find_device(*core_, device);
  return found ? std::optional(LedgerDevice{*found}) : std::nullopt;
}

Result<std::shared_ptr<ProcessSlot>> Ledger::own_slot() {
  BASE_TRY(core_->check_usable());
  const std::lock_guard lock(own_mutex_);
  if (auto slot = own_.lock()) return slot;
  BASE_TRY_ASSIGN(const std::uint32_t index,
                  slot_table::claim(*core_, {core_->fd(), false, core_->options.app, ::getpid(), own_start_ns()}));
  std::shared_ptr<ProcessSlot> slot(new ProcessSlot(core_, index, false));
  // 1. This process opens the file. 2. Another one, of a newer version, takes all its tokens, puts a new file in its place and lets
  // go. 3. A token is to be had in the old file, and what is granted there nobody else counts. So the place is looked at now.
  BASE_TRY(core_->check_current());
  own_ = slot;
  return slot;
}

std::shared_ptr<ProcessSlot> Ledger::own_slot_if_claimed() const {
  const std::lock_guard lock(own_mutex_);
  return own_.lock();
}

// The token is taken on a description of its own, which the worker inherits; the pin stays here, so that nobody reuses the slot
// while leases of this process still lower its words.
Result<WorkerSlot> Ledger::prepare_worker_slot(std::string_view app) {
  BASE_TRY(core_->check_usable());
  BASE_TRY_ASSIGN(base::Fd opened, base::open_file(path(), O_RDWR | O_NOFOLLOW));
  BASE_TRY_ASSIGN(auto token, WorkerToken::adopt(opened.release()));
  if (!is_same_file(core_->ledger_file, token->fd())) {
    return Error{ErrorCode::Unavailable,
                 "the GPU ledger '" + path() + "' was replaced while in use; restart this process so that it joins the new one"};
  }
  BASE_TRY_ASSIGN(const std::uint32_t index, slot_table::claim(*core_, {token->fd(), true, app, 0, 0}));
  std::shared_ptr<ProcessSlot> slot(new ProcessSlot(core_, index, true));
  BASE_TRY(core_->check_current());  // as in own_slot
  return WorkerSlot{std::move(slot), std::move(token)};
}

MaterialisedCopy Ledger::copy_materialised(LedgerDevice device) const {
  MaterialisedCopy copy;
  copy.copied_at = core_->clock->monotonic();
  if (core_->forked.load()) return copy;
  const layout::File& file = core_->file();
  copy.slots = core_->slots_used();
  for (std::uint32_t slot = 0; slot < copy.slots; ++slot) {
    copy.generation[slot] = file.slots[slot].generation.load(std::memory_order_acquire);
    copy.materialised[slot] = file.cells[device.position][slot].materialised.load(std::memory_order_acquire);
  }
  return copy;
}

DeviceFigures Ledger::figures(LedgerDevice device, const Observation& observation) const {
  if (core_->forked.load()) return {};
  Scan scan;
  scan_device(*core_, device.position, observation, scan);
  return scan.figures;
}

std::vector<ExpectedReturn> Ledger::expected_returns(LedgerDevice device) const {
  std::vector<ExpectedReturn> returns;
  if (core_->forked.load()) return returns;
  const layout::File& file = core_->file();
  const std::uint32_t used = core_->slots_used();
  for (std::uint32_t slot = 0; slot < used; ++slot) {
    if (!slot_table::is_claimed(file.slots[slot].generation.load())) continue;
    const layout::Cell& cell = file.cells[device.position][slot];
    const std::uint64_t death = file.slots[slot].death_ns.load();
    const std::uint64_t end = death != 0 ? death + core_->drain_ns() : cell.expected_end_ns.load();
    const Bytes bytes(death != 0 ? cell.reserved.load() : cell.transient.load());
    if (bytes > Bytes()) returns.push_back({std::chrono::nanoseconds(static_cast<std::int64_t>(end)), bytes});
  }
  std::sort(returns.begin(), returns.end(), [](const ExpectedReturn& a, const ExpectedReturn& b) { return a.at < b.at; });
  return returns;
}

void Ledger::cool_down(LedgerDevice device, std::chrono::milliseconds time) {
  if (core_->forked.load()) return;
  const auto until = core_->clock->monotonic() + std::chrono::nanoseconds(time);
  core_->file().devices[device.position].cool_until_ns.store(static_cast<std::uint64_t>(until.count()));
}

bool Ledger::is_cooling(LedgerDevice device) const {
  return !core_->forked.load() && core_->file().devices[device.position].cool_until_ns.load() > core_->now();
}

}  // namespace vram
