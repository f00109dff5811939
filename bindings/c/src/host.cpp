#include "host.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <mutex>

#include "base/text.hpp"
#include "vram/device_environment.hpp"
#include "vram/open_probe.hpp"

namespace clams_vram {
namespace {

using base::Error;
using base::ErrorCode;
constexpr std::chrono::milliseconds kDriverPatience{5000};  // the first touch of a GPU without persistence mode takes seconds

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

base::Result<vram::Headroom> headroom() {
  const std::string given = variable("CLAMS_HEADROOM");
  const std::string_view text = base::trim(given);
  if (text.empty()) return vram::Headroom::percent(10);
  if (!text.ends_with('%')) {
    BASE_TRY_ASSIGN(const base::Bytes bytes, base::parse_memory_size(text));
    return vram::Headroom::bytes(bytes);
  }
  const std::string_view number = base::trim(text.substr(0, text.size() - 1));
  double percent = 0;
  const auto [end, problem] = std::from_chars(number.data(), number.data() + number.size(), percent);
  if (problem != std::errc() || end != number.data() + number.size() || !(percent >= 0 && percent <= 100)) {
    return Error{ErrorCode::InvalidArgument,
                 "CLAMS_HEADROOM: '" + given + "' is neither a percentage such as 10% nor a size such as 2GiB"};
  }
  return vram::Headroom::percent(percent);
}

base::Result<vram::UnknownPolicy> unknown_policy() {
  const std::string text = variable("CLAMS_UNKNOWN");
  if (text.empty() || text == "allow") return vram::UnknownPolicy::Allow;
  if (text == "refuse") return vram::UnknownPolicy::Refuse;
  return Error{ErrorCode::InvalidArgument, "CLAMS_UNKNOWN: '" + text + "' is neither allow nor refuse"};
}

}  // namespace

base::Result<std::shared_ptr<Host>> Host::of_this_process(const std::string& app) {
  struct Kept {
    std::mutex mutex;
    std::shared_ptr<Host> host;
    pid_t pid = 0;
  };
  static auto* const kept = new Kept;  // outlives every destructor that runs at the end of the process
  const std::lock_guard lock(kept->mutex);
  if (kept->host && kept->pid == ::getpid()) return kept->host;
  // After fork the parent's threads are missing here and its promises are not ours: left behind as it is.
  if (kept->host) (void)new std::shared_ptr<Host>(kept->host);
  BASE_TRY_ASSIGN(kept->host, open(app));
  kept->pid = ::getpid();
  return kept->host;
}

base::Result<std::shared_ptr<Host>> Host::open(const std::string& app) {
  const auto environment = vram::DeviceEnvironment::from_environment();
  std::shared_ptr<Host> host(new Host());
  auto choice = vram::choose_devices(std::nullopt, environment);
  if (!choice) return Error{ErrorCode::Configuration, "CLAMS_GPU: " + choice.error().message};
  vram::LedgerDirectoryOptions directory_options;
  directory_options.explicit_directory = variable("CLAMS_VRAM_DIR");
  directory_options.xdg_runtime_directory = variable("XDG_RUNTIME_DIR");
  vram::ProbeOptions probe_options;
  probe_options.environment = environment;
  std::optional<vram::LedgerDirectory> directory;
  if (choice->kind == vram::DeviceChoice::Kind::Simulated) {
    BASE_TRY_ASSIGN(directory, vram::choose_ledger_directory(directory_options));
    probe_options.directory = directory->path;
  }
  BASE_TRY_ASSIGN(auto probe, vram::open_probe(*choice, probe_options));
  host->monitor_ = vram::DeviceMonitor::create(std::move(probe));
  const auto devices = host->monitor_->wait_for_devices(kDriverPatience);
  vram::AdmissionParts parts;
  if (!devices || !devices->empty()) {
    if (!directory) { BASE_TRY_ASSIGN(directory, vram::choose_ledger_directory(directory_options)); }
    vram::LedgerOptions ledger_options;
    ledger_options.directory = *directory;
    ledger_options.app = app;
    auto ledger = vram::Ledger::open(std::move(ledger_options));
    if (ledger)
      host->ledger_ = std::move(*ledger);
    else if (ledger.error().code == ErrorCode::Configuration)
      return ledger.error();
    else
      parts.ledger_problem = ledger.error().message;
  }
  parts.ledger = host->ledger_;
  parts.sampler = vram::make_monitor_sampler(host->monitor_);
  BASE_TRY_ASSIGN(host->headroom_, headroom());
  parts.options.headroom = host->headroom_;
  BASE_TRY_ASSIGN(parts.options.unknown, unknown_policy());
  parts.options.context = base::Bytes();  // part of what is asked for
  host->admission_ = std::make_unique<vram::Admission>(std::move(parts));
  return host;
}

base::Result<std::optional<vram::DeviceUuid>> Host::device_named(const std::string& name) {
  const auto devices = monitor_->devices();
  if (!devices || devices->empty())
    return std::optional<vram::DeviceUuid>();  // no GPU constrains nothing; an unknown one is decided by the policy
  std::string all;
  for (const auto& device : *devices) {
    if (std::to_string(device.index) == name || device.uuid.text() == name) return std::optional(device.uuid);
    all += (all.empty() ? "" : ", ") + std::to_string(device.index) + " (" + device.uuid.text() + ")";
  }
  return Error{ErrorCode::InvalidArgument, "there is no GPU '" + name + "' here; there is " + all};
}

base::Result<std::variant<vram::Lease, vram::Refusal>> Host::ask(const Wish& wish) {
  vram::Requirement requirement;
  requirement.model = wish.model;
  requirement.source = vram::RequirementSource::Declared;
  requirement.bytes = wish.bytes;
  if (wish.device) { BASE_TRY_ASSIGN(requirement.device, device_named(*wish.device)); }
  return admission_->admit(requirement);
}

void Host::note(const vram::Lease& lease, std::int64_t change) {
  if (!lease.slot() || change == 0 || ledger_ == nullptr) return;
  const auto devices = monitor_->devices();
  if (!devices) return;
  for (const auto& info : *devices) {
    if (info.uuid != lease.device()) continue;
    const auto device = ledger_->register_device(info);
    if (!device) return;
    if (change > 0)
      lease.slot()->raise_materialised(*device, base::Bytes(static_cast<std::uint64_t>(change)));
    else
      lease.slot()->lower_materialised(*device, base::Bytes(static_cast<std::uint64_t>(-change)));
  }
}

std::vector<DeviceRow> Host::devices() {
  std::vector<DeviceRow> rows;
  const auto devices = monitor_->devices();
  if (!devices || ledger_ == nullptr) return rows;
  std::vector<vram::DeviceSample> samples;
  for (const auto& info : *devices) {
    (void)ledger_->register_device(info);
    const auto reading = monitor_->sample(info.uuid);
    if (reading.state != vram::SampleState::Unknown) samples.push_back({info.uuid, reading.sample});
  }
  const auto snapshot = ledger_->snapshot(samples);  // finds the dead, too
  for (const auto& info : *devices) {
    const auto found = std::find_if(snapshot.devices.begin(), snapshot.devices.end(),
                                    [&](const auto& device) { return device.uuid == info.uuid; });
    if (found == snapshot.devices.end()) continue;
    const base::Bytes own = headroom_.of(info.total);
    const base::Bytes available = found->available - (std::max(own, found->headroom) - found->headroom);
    rows.push_back({info.index, info.uuid.text(), info.name, info.total, found->reserved, available, found->free});
  }
  return rows;
}

}  // namespace clams_vram
