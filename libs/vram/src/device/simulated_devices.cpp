#include "vram/simulated_devices.hpp"

#include <algorithm>
#include <array>

#include "base/duration.hpp"
#include "base/text.hpp"
#include "usage_table.hpp"
#include "vram/device_choice.hpp"

namespace vram {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kHangPoll = std::chrono::milliseconds(5);
constexpr std::array kFaults{SimulatedFault::None, SimulatedFault::Sample, SimulatedFault::Lost, SimulatedFault::Allocate};

std::int64_t now_ns() { return base::system_clock().monotonic().count(); }

std::string uuid_of(std::size_t index, Bytes size) { return "SIM-" + std::to_string(index) + "-" + std::to_string(size.count()); }

std::string describe(const std::vector<UsageTable::Device>& devices) {
  std::vector<Bytes> sizes;
  for (const auto& device : devices) sizes.push_back(device.total);
  return "'" + simulated_list_text(sizes) + "'";
}

class SimulatedProbe final : public Probe {
 public:
  explicit SimulatedProbe(std::shared_ptr<SimulatedDevices> devices) : devices_(std::move(devices)) {}
  std::string_view driver() const noexcept override { return "sim"; }
  Result<std::vector<DeviceInfo>> devices() override { return devices_->devices(); }
  Result<MemorySample> sample(const DeviceUuid& device) override { return devices_->sample(device); }
  Result<std::vector<ProcessUse>> processes(const DeviceUuid& device) override { return devices_->processes(device); }

 private:
  std::shared_ptr<SimulatedDevices> devices_;
};

}  // namespace

Result<SimulatedFault> parse_simulated_fault(std::string_view name) {
  std::string known;
  for (const SimulatedFault fault : kFaults) {
    if (name == name_of(fault)) return fault;
    known += (known.empty() ? "" : ", ") + std::string(name_of(fault));
  }
  return Error{ErrorCode::InvalidArgument, "'" + std::string(name) + "' is no fault of a simulated device; there are " + known};
}

std::string_view name_of(SimulatedFault fault) noexcept {
  switch (fault) {
    case SimulatedFault::Sample: return "sample";
    case SimulatedFault::Lost: return "lost";
    case SimulatedFault::Allocate: return "allocate";
    case SimulatedFault::None: break;
  }
  return "none";
}

SimulatedAllocation::SimulatedAllocation(std::shared_ptr<UsageTable> table, std::size_t device, Bytes bytes)
    : table_(std::move(table)), device_(device), bytes_(bytes) {}

SimulatedAllocation::SimulatedAllocation(SimulatedAllocation&& other) noexcept
    : table_(std::move(other.table_)), device_(other.device_), bytes_(std::exchange(other.bytes_, Bytes())) {}

SimulatedAllocation& SimulatedAllocation::operator=(SimulatedAllocation&& other) noexcept {
  if (this != &other) {
    reset();
    table_ = std::move(other.table_);
    device_ = other.device_;
    bytes_ = std::exchange(other.bytes_, Bytes());
  }
  return *this;
}

void SimulatedAllocation::reset() noexcept {
  if (table_) table_->give(device_, bytes_);
  table_.reset();
  bytes_ = Bytes();
}

bool SimulatedAllocation::still_held() const noexcept { return table_ && table_->held(device_) >= bytes_; }

SimulatedDevices::SimulatedDevices(std::shared_ptr<UsageTable> table, std::vector<DeviceInfo> infos)
    : table_(std::move(table)), infos_(std::move(infos)) {}

Result<std::shared_ptr<SimulatedDevices>> SimulatedDevices::open(const std::string& directory, const std::vector<Bytes>& sizes) {
  if (sizes.empty() || sizes.size() > DeviceChoice::kMaxSimulated) {
    return Error{ErrorCode::InvalidArgument, "one to 16 simulated devices can be opened, not " + std::to_string(sizes.size())};
  }
  std::vector<UsageTable::Device> wanted;
  std::vector<DeviceInfo> infos;
  for (std::size_t index = 0; index < sizes.size(); ++index) {
    wanted.push_back({uuid_of(index, sizes[index]), sizes[index]});
    infos.push_back({DeviceUuid(wanted.back().uuid), "Simulated GPU", static_cast<int>(index), sizes[index], ""});
  }
  BASE_TRY_ASSIGN(auto table, UsageTable::open(directory + "/sim-devices"));
  BASE_TRY(table->agree(wanted, describe));
  return std::shared_ptr<SimulatedDevices>(new SimulatedDevices(std::move(table), std::move(infos)));
}

Result<std::size_t> SimulatedDevices::position(const DeviceUuid& device) const {
  const auto found = std::find_if(infos_.begin(), infos_.end(), [&](const DeviceInfo& info) { return info.uuid == device; });
  if (found == infos_.end()) return Error{ErrorCode::NotFound, "'" + device.text() + "' is not one of the simulated devices"};
  return static_cast<std::size_t>(found - infos_.begin());
}

SimulatedFault SimulatedDevices::fault_of(std::size_t device) const {
  const UsageTable::Controls words = table_->controls(device);
  const bool over = words.fault_until != 0 && now_ns() >= words.fault_until;
  return over ? SimulatedFault::None : static_cast<SimulatedFault>(words.fault);
}

void SimulatedDevices::wait_while_hanging(std::size_t device) const {
  while (now_ns() < table_->controls(device).hang_until) base::system_clock().sleep_for(kHangPoll);
}

Result<MemorySample> SimulatedDevices::sample(const DeviceUuid& device) const {
  BASE_TRY_ASSIGN(const std::size_t at, position(device));
  MemorySample sample{infos_[at].total, Bytes(), nanoseconds(now_ns())};
  wait_while_hanging(at);
  switch (fault_of(at)) {
    case SimulatedFault::Lost:
      return Error{ErrorCode::Unavailable, "simulated device " + device.text() + " is lost (fault 'lost' is set)"};
    case SimulatedFault::Sample:
      return Error{ErrorCode::Unavailable, "simulated device " + device.text() + " cannot be read (fault 'sample' is set)"};
    case SimulatedFault::Allocate:
    case SimulatedFault::None: break;
  }
  sample.free = sample.total - table_->used(at);
  return sample;
}

Result<std::vector<ProcessUse>> SimulatedDevices::processes(const DeviceUuid& device) const {
  BASE_TRY_ASSIGN(const std::size_t at, position(device));
  wait_while_hanging(at);
  std::vector<ProcessUse> list;
  for (const UsageTable::Holder& holder : table_->holders(at)) list.push_back({holder.pid, holder.bytes, true});
  return list;
}

Result<SimulatedAllocation> SimulatedDevices::book(std::size_t device, Bytes bytes, bool stranger) {
  auto taken = table_->take(device, bytes, infos_[device].total, stranger);
  if (!taken)
    return Error{taken.error().code, "simulated device " + infos_[device].uuid.text() + ": " + taken.error().message,
                 taken.error().native};
  return SimulatedAllocation(table_, device, bytes);
}

Result<SimulatedAllocation> SimulatedDevices::allocate(const DeviceUuid& device, Bytes bytes) {
  BASE_TRY_ASSIGN(const std::size_t at, position(device));
  wait_while_hanging(at);
  const SimulatedFault fault = fault_of(at);
  if (fault == SimulatedFault::Lost)
    return Error{ErrorCode::Unavailable, "simulated device " + device.text() + " is lost (fault 'lost' is set)"};
  if (fault == SimulatedFault::Allocate) {
    return Error{ErrorCode::InsufficientMemory, "simulated device " + device.text() + ": out of memory (fault 'allocate' is set)"};
  }
  return book(at, bytes, false);
}

Result<SimulatedAllocation> SimulatedDevices::take(const DeviceUuid& device, Bytes bytes) {
  BASE_TRY_ASSIGN(const std::size_t at, position(device));
  return book(at, bytes, true);
}

Status SimulatedDevices::free_taken(const DeviceUuid& device) {
  BASE_TRY_ASSIGN(const std::size_t at, position(device));
  table_->free_strangers(at);
  return {};
}

Status SimulatedDevices::set_fault(const DeviceUuid& device, SimulatedFault fault, std::optional<nanoseconds> lasts) {
  BASE_TRY_ASSIGN(const std::size_t at, position(device));
  table_->set_fault(at, static_cast<std::uint32_t>(fault), lasts ? now_ns() + lasts->count() : 0);
  return {};
}

Status SimulatedDevices::set_hang(const DeviceUuid& device, nanoseconds lasts) {
  BASE_TRY_ASSIGN(const std::size_t at, position(device));
  table_->set_hang(at, now_ns() + lasts.count());
  return {};
}

Status SimulatedDevices::set_release_lag(const DeviceUuid& device, nanoseconds lag) {
  BASE_TRY_ASSIGN(const std::size_t at, position(device));
  table_->set_release_lag(at, std::max(lag, nanoseconds{}));
  return {};
}

Status SimulatedDevices::clear(const DeviceUuid& device) {
  BASE_TRY_ASSIGN(const std::size_t at, position(device));
  table_->set_fault(at, 0, 0);
  table_->set_hang(at, 0);
  table_->set_release_lag(at, {});
  table_->free_strangers(at);
  return {};
}

std::vector<SimulatedDeviceState> SimulatedDevices::snapshot() const {
  std::vector<SimulatedDeviceState> states;
  for (std::size_t at = 0; at < infos_.size(); ++at) {
    const UsageTable::Controls words = table_->controls(at);
    SimulatedDeviceState state{infos_[at],
                               table_->used(at),
                               {},
                               fault_of(at),
                               nanoseconds(std::max<std::int64_t>(0, words.hang_until - now_ns())),
                               nanoseconds(words.release_lag)};
    for (const UsageTable::Holder& holder : table_->holders(at)) state.processes.push_back({holder.pid, holder.bytes, true});
    states.push_back(std::move(state));
  }
  return states;
}

std::shared_ptr<Probe> make_simulated_probe(std::shared_ptr<SimulatedDevices> devices) {
  return std::make_shared<SimulatedProbe>(std::move(devices));
}

}  // namespace vram
