#include "fake_state.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>

#include "base/duration.hpp"
#include "base/text.hpp"
#include "call_counts.hpp"
#include "device/range_lock.hpp"

namespace vram::testing {
namespace {

using base::Bytes;
using std::chrono::milliseconds;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (const std::string_view word : base::split(line, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

int number(std::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Bytes size(std::string_view text) { return base::parse_bytes(text).value_or(Bytes()); }

void set_field(FakeDevice& device, std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return;
  const std::string_view key = word.substr(0, equals), value = word.substr(equals + 1);
  if (key == "total")
    device.total = size(value);
  else if (key == "others")
    device.others = size(value);
  else if (key == "reserved")
    device.reserved = size(value);
  else if (key == "context")
    device.context = size(value);
  else if (key == "pci")
    device.pci = value;
  else if (key == "name")
    device.name = value;
  else if (key == "of")
    device.parent = value;
  else if (key == "mig")
    device.mig = value == "1";
}

void add_process(FakeState& state, const std::vector<std::string_view>& words) {
  for (FakeDevice& device : state.devices) {
    if (device.uuid != words[1]) continue;
    FakeProcess process{static_cast<unsigned>(number(words[2])), std::nullopt};
    if (words[3] != "unknown") process.bytes = size(words[3]);
    device.processes.push_back(process);
  }
}

void read_line(FakeState& state, std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  if (words.size() < 2 || words[0].starts_with('#')) return;
  const std::string device = words.size() > 3 ? std::string(words[3]) : "";
  if (words[0] == "driver_version")
    state.driver_version = words[1];
  else if (words[0] == "cuda_version")
    state.cuda_version = number(words[1]);
  else if (words[0] == "release_lag_ms")
    state.release_lag = milliseconds(number(words[1]));
  else if (words[0] == "error" && words.size() > 2)
    state.errors.push_back({std::string(words[1]), device, number(words[2]), {}, false});
  else if (words[0] == "hang" && words.size() > 2)
    state.hangs.push_back({std::string(words[1]), device, 0, milliseconds(number(words[2])), false});
  else if (words[0] == "hang_fixed" && words.size() > 2)
    state.hangs.push_back({std::string(words[1]), device, 0, milliseconds(number(words[2])), true});
  else if (words[0] == "process" && words.size() > 3)
    add_process(state, words);
  else if (words[0] == "device" || words[0] == "slice") {
    FakeDevice one;
    one.uuid = words[1];
    for (const std::string_view word : words) set_field(one, word);
    for (char& letter : one.name) letter = letter == '_' ? ' ' : letter;
    state.devices.push_back(std::move(one));
  }
}

std::string stamp_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return std::to_string(info.st_ino) + ":" + std::to_string(info.st_mtim.tv_sec) + ":" + std::to_string(info.st_mtim.tv_nsec) +
         ":" + std::to_string(info.st_size);
}

const FakeRule* rule_for(const std::vector<FakeRule>& rules, std::string_view call, std::string_view uuid) {
  for (const FakeRule& rule : rules) {
    if (rule.matches(call, uuid)) return &rule;
  }
  return nullptr;
}

base::Result<base::MappedFile> map_counters(const std::string& path) {
  BASE_TRY_ASSIGN(const base::Fd fd, base::open_file(path, O_RDWR | O_CREAT, 0660));
  if (::ftruncate(fd.get(), sizeof(CallCount) * kMostCalls) != 0)
    return base::error_from_errno("cannot size '" + path + "'", errno);
  return base::MappedFile::map(fd.get(), sizeof(CallCount) * kMostCalls, true);
}

}  // namespace

bool FakeRule::matches(std::string_view name, std::string_view uuid) const {
  if (!device.empty() && device != uuid) return false;
  if (call.ends_with('*')) return name.starts_with(std::string_view(call).substr(0, call.size() - 1));
  return name == call;
}

FakeState FakeState::parse(std::string_view text) {
  FakeState state;
  for (const std::string_view line : base::split(text, '\n')) read_line(state, base::trim(line));
  return state;
}

const FakeDevice* FakeState::find(std::string_view uuid) const {
  for (const FakeDevice& device : devices) {
    if (device.uuid == uuid) return &device;
  }
  return nullptr;
}

std::shared_ptr<FakeDriver> FakeDriver::current() {
  const char* path = std::getenv("FAKE_GPU_STATE");
  if (path == nullptr) return nullptr;
  // Kept for ever: the counts and holdings of a process end with the process.
  static std::mutex mutex;
  static auto& drivers = *new std::map<std::string, std::shared_ptr<FakeDriver>>;
  const std::lock_guard lock(mutex);
  auto& driver = drivers[path];
  if (!driver) {
    std::shared_ptr<FakeDriver> made(new FakeDriver(path));
    if (!made->open()) return nullptr;
    driver = std::move(made);
  }
  return driver;
}

bool FakeDriver::open() {
  auto usage = UsageTable::open(path_ + ".usage");
  auto counters = map_counters(path_ + ".calls");
  if (!usage || !counters) return false;
  usage_ = std::move(usage).value();
  counters_ = std::move(counters).value();
  return state() != nullptr;
}

std::shared_ptr<const FakeState> FakeDriver::state() {
  const std::lock_guard lock(mutex_);
  const std::string stamp = stamp_of(path_);
  if (state_ == nullptr || stamp != stamp_) {
    const auto text = base::read_file(path_);
    if (text) state_ = std::make_shared<const FakeState>(FakeState::parse(*text));
    stamp_ = stamp;
  }
  return state_;
}

// Records of other processes may appear at any time; those of this process are written under the mutex. A name that is seen half
// written gets a second record: readers add up.
void FakeDriver::count(std::string_view call) {
  const std::lock_guard lock(mutex_);
  auto* records = static_cast<CallCount*>(counters_.data());
  base::Fd locked;
  for (std::size_t at = 0; at < kMostCalls; ++at) {
    if (records[at].name[0] == '\0' && !locked) locked = lock_names();
    if (records[at].name[0] == '\0') std::memcpy(records[at].name, call.data(), std::min(call.size(), sizeof records[at].name - 1));
    if (std::string_view(records[at].name) != call) continue;
    records[at].count.fetch_add(1);
    return;
  }
}

// One process at a time adds a name.
base::Fd FakeDriver::lock_names() const {
  auto fd = base::open_file(path_ + ".calls", O_RDWR);
  if (!fd) return {};
  while (!try_lock_byte(fd->get(), 0, RangeLockKind::Exclusive).value_or(true)) base::system_clock().sleep_for(milliseconds(1));
  return std::move(fd).value();
}

int FakeDriver::enter(std::string_view call, std::string_view uuid) {
  count(call);
  std::shared_ptr<const FakeState> now = state();
  const auto begun = std::chrono::steady_clock::now();
  if (const FakeRule* hang = rule_for(now->hangs, call, uuid)) {
    const FakeRule rule = *hang;
    while (std::chrono::steady_clock::now() - begun < rule.hang) {
      base::system_clock().sleep_for(milliseconds(2));
      now = state();
      if (!rule.fixed && rule_for(now->hangs, call, uuid) == nullptr) break;
    }
  }
  const FakeRule* error = rule_for(now->errors, call, uuid);
  return error == nullptr ? 0 : error->code;
}

std::optional<std::size_t> FakeDriver::position(const FakeDevice& device) {
  auto found = usage_->find_or_add(device.uuid, device.total);
  if (!found) return std::nullopt;
  const std::shared_ptr<const FakeState> now = state();
  usage_->set_release_lag(*found, now->release_lag);
  return *found;
}

Bytes FakeDriver::free_of(const FakeDevice& device) {
  const auto at = position(device);
  return device.total - device.reserved - device.others - (at ? usage_->used(*at) : Bytes());
}

bool FakeDriver::take(const FakeDevice& device, Bytes bytes) {
  const auto at = position(device);
  return at && usage_->take(*at, bytes, device.total - device.reserved - device.others).has_value();
}

void FakeDriver::give(const FakeDevice& device, Bytes bytes) {
  if (const auto at = position(device)) usage_->give(*at, bytes);
}

std::vector<FakeProcess> FakeDriver::processes_of(const FakeDevice& device) {
  std::vector<FakeProcess> list = device.processes;
  if (const auto at = position(device)) {
    for (const UsageTable::Holder& holder : usage_->holders(*at)) list.push_back({static_cast<unsigned>(holder.pid), holder.bytes});
  }
  return list;
}

}  // namespace vram::testing
