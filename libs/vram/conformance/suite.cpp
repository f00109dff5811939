#include "suite.hpp"

#include <atomic>
#include <set>
#include <thread>

#include "base/duration.hpp"
#include "vram/device_monitor.hpp"

namespace conformance {
namespace {

using namespace vram;
using std::chrono::milliseconds;

constexpr milliseconds kBack{5000};  // within this time freed memory has to show
const Bytes kPiece(std::uint64_t{1} << 30);

struct Bench {
  const Subject& subject;
  std::shared_ptr<Probe> probe;
  std::vector<DeviceInfo> devices;
  Bytes free(const DeviceUuid& device) const {
    const auto sample = probe->sample(device);
    return sample ? sample->free : Bytes();
  }
};

void devices_are_told_twice_alike(Report& report, Bench& bench) {
  const auto again = bench.probe->devices();
  if (!report.expect(again.has_value() && again->size() == bench.devices.size(), "the same number of devices when asked again"))
    return;
  std::set<std::string> uuids;
  for (std::size_t at = 0; at < again->size(); ++at) {
    const DeviceInfo& info = (*again)[at];
    report.expect(info.uuid == bench.devices[at].uuid, "the same UUID for device " + std::to_string(at));
    report.expect(info.index == static_cast<int>(at), "indices in order");
    report.expect(info.total > Bytes(), "a total for " + info.uuid.text());
    report.expect(!info.name.empty(), "a name for " + info.uuid.text());
    report.expect(!info.uuid.empty() && info.uuid.text().size() <= DeviceUuid::kMaxLength, "an UUID that fits its field");
    uuids.insert(info.uuid.text());
  }
  report.expect(uuids.size() == again->size(), "every UUID once");
}

void a_second_probe_sees_the_same_devices(Report& report, Bench& bench) {
  const auto other = bench.subject.open();
  if (!report.expect(other.has_value(), "a second probe opens")) return;
  const auto list = (*other)->devices();
  report.expect(list && list->size() == bench.devices.size() && list->front().uuid == bench.devices.front().uuid,
                "the same devices");
}

void samples_are_plausible(Report& report, Bench& bench) {
  for (const DeviceInfo& info : bench.devices) {
    const auto before = base::system_clock().monotonic();
    const auto sample = bench.probe->sample(info.uuid);
    const auto after = base::system_clock().monotonic();
    if (!report.expect(sample.has_value(), "a sample of " + info.uuid.text())) continue;
    report.expect(sample->total == info.total, "the total of the list");
    report.expect(sample->free <= sample->total, "not more free than there is");
    report.expect(sample->taken_at >= before && sample->taken_at <= after, "a time between asking and answer");
  }
}

void an_unknown_device_is_an_error(Report& report, Bench& bench) {
  report.expect(!bench.probe->sample(DeviceUuid("GPU-00000000-dead-beef-0000-000000000000")),
                "an error for a device that is not there");
  report.expect(!bench.probe->sample(DeviceUuid()), "an error for an empty UUID");
}

void what_another_process_takes_is_missing(Report& report, Bench& bench) {
  const DeviceUuid& device = bench.devices.front().uuid;
  const Bytes before = bench.free(device);
  const auto holder = bench.subject.holder(device, kPiece);
  if (!report.expect(holder->line() == "ready", "another process can take 1 GiB")) return;
  const Bytes held = bench.free(device);
  report.expect(held + kPiece <= before + bench.subject.slack, "1 GiB less free");
  holder->say("free");
  report.expect(holder->line() == "freed", "the other process frees");
  // Its context stays.
  report.expect(wait_for_free(*bench.probe, device, held + kPiece - bench.subject.slack, kBack) >= milliseconds(0),
                "the bytes are back after a free");
}

void memory_of_a_killed_process_comes_back(Report& report, Bench& bench) {
  const DeviceUuid& device = bench.devices.back().uuid;
  const Bytes before = bench.free(device);
  const auto holder = bench.subject.holder(device, kPiece);
  if (!report.expect(holder->line() == "ready", "another process can take 1 GiB")) return;
  report.expect(bench.free(device) + kPiece <= before + bench.subject.slack, "1 GiB less free");
  holder->kill();
  report.expect(wait_for_free(*bench.probe, device, before - bench.subject.slack, kBack) >= milliseconds(0),
                "all of it back after SIGKILL");
}

void more_than_there_is_is_refused(Report& report, Bench& bench) {
  const DeviceInfo& info = bench.devices.front();
  const Bytes before = bench.free(info.uuid);
  const auto holder = bench.subject.holder(info.uuid, info.total + kPiece);
  report.expect(holder->line().starts_with("refused insufficient_memory"), "an out-of-memory error");
  holder->kill();
  report.expect(wait_for_free(*bench.probe, info.uuid, before - bench.subject.slack, kBack) >= milliseconds(0), "nothing taken");
}

void two_processes_share_what_there_is(Report& report, Bench& bench) {
  const DeviceInfo& info = bench.devices.back();
  const Bytes most = base::scaled(bench.free(info.uuid), 0.6);
  const auto first = bench.subject.holder(info.uuid, most);
  if (!report.expect(first->line() == "ready", "60 % can be taken")) return;
  const auto second = bench.subject.holder(info.uuid, most);
  report.expect(second->line().starts_with("refused insufficient_memory"), "another 60 % is refused");
  first->kill();
  const auto third = bench.subject.holder(info.uuid, most);
  std::string answer = third->line();
  if (answer != "ready") {
    // The driver may not be done with the dead process.
    std::this_thread::sleep_for(kBack);
    answer = bench.subject.holder(info.uuid, most)->line();
  }
  report.expect(answer == "ready", "after the first is gone they can be taken again");
}

void threads_may_ask_at_once(Report& report, Bench& bench) {
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) failed += bench.probe->sample(bench.devices.front().uuid) ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  report.expect(failed == 0, "200 samples from 4 threads");
}

void process_lists_name_the_holder_or_say_unsupported(Report& report, Bench& bench) {
  const DeviceUuid& device = bench.devices.front().uuid;
  const auto holder = bench.subject.holder(device, kPiece);
  if (!report.expect(holder->line() == "ready", "another process can take 1 GiB")) return;
  const auto list = bench.probe->processes(device);
  if (!list) {
    report.expect(list.error().code == ErrorCode::Unsupported || list.error().code == ErrorCode::PermissionDenied,
                  "a list, or that there is none");
    return report.not_applicable(list.error().message);
  }
  // In a container a driver may hide the processes of others, and numbers differ between PID namespaces.
  if (bench.subject.kind == Kind::Real) return;
  bool found = false;
  for (const ProcessUse& use : *list) found = found || (use.pid == holder->pid() && use.known && use.bytes >= kPiece);
  report.expect(found, "the holder with its bytes");
}

void a_monitor_gives_good_samples(Report& report, Bench& bench) {
  const auto monitor = DeviceMonitor::create(bench.probe);
  const auto list = monitor->wait_for_devices(milliseconds(10000));
  if (!report.expect(list && list->size() == bench.devices.size(), "the list of devices")) return;
  for (const DeviceInfo& info : *list) {
    const Reading reading = monitor->sample(info.uuid, milliseconds(0), milliseconds(5000));
    report.expect(reading.state == SampleState::Ok && reading.sample.total == info.total,
                  "a good sample of " + info.uuid.text() + " " + reading.reason);
  }
}

}  // namespace

milliseconds wait_for_free(Probe& probe, const DeviceUuid& device, Bytes wanted, milliseconds patience) {
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    const auto sample = probe.sample(device);
    const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
    if (sample && sample->free >= wanted) return took;
    if (took > patience) return milliseconds(-1);
    std::this_thread::sleep_for(milliseconds(1));
  }
}

void run_suite(const Subject& subject, Report& report) {
  const auto probe = subject.open();
  report.run("the probe opens and has a device", [&](Report& r) {
    if (!r.expect(probe.has_value(), "a probe: " + (probe ? std::string() : probe.error().message))) return;
    const auto devices = (*probe)->devices();
    r.expect(devices && !devices->empty(), "a device: " + (devices ? std::string("none") : devices.error().message));
  });
  if (report.failures() > 0) return;
  Bench bench{subject, *probe, (*probe)->devices().value_or({})};
  using Case = void (*)(Report&, Bench&);
  const std::vector<std::pair<const char*, Case>> cases{
      {"devices are told twice alike", devices_are_told_twice_alike},
      {"a second probe sees the same devices", a_second_probe_sees_the_same_devices},
      {"samples are plausible", samples_are_plausible},
      {"an unknown device is an error", an_unknown_device_is_an_error},
      {"what another process takes is missing, and back after it frees", what_another_process_takes_is_missing},
      {"memory of a killed process comes back", memory_of_a_killed_process_comes_back},
      {"more than there is is refused and takes nothing", more_than_there_is_is_refused},
      {"two processes share what there is", two_processes_share_what_there_is},
      {"threads may ask at once", threads_may_ask_at_once},
      {"process lists name the holder or say unsupported", process_lists_name_the_holder_or_say_unsupported},
      {"a monitor gives good samples", a_monitor_gives_good_samples},
  };
  for (const auto& [name, body] : cases) report.run(name, [&bench, body = body](Report& r) { body(r, bench); });
}

}  // namespace conformance
