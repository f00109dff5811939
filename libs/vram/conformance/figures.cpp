#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

#include "suite.hpp"

namespace conformance {
namespace {

using namespace vram;
using Clock = std::chrono::steady_clock;

double microseconds_of(const std::function<void()>& call) {
  const auto begin = Clock::now();
  call();
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

double median(int rounds, const std::function<void()>& call) {
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) times.push_back(microseconds_of(call));
  std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
  return times[static_cast<std::size_t>(rounds / 2)];
}

void print_memory_figures(const Subject& subject, Probe& probe, const DeviceInfo& info) {
  const auto free_now = [&] {
    const auto sample = probe.sample(info.uuid);
    return sample ? sample->free : Bytes();
  };
  const Bytes before = free_now();
  const auto context = subject.holder(info.uuid, Bytes());
  if (context->line() != "ready") {
    std::printf("  no context can be made on %s\n", info.uuid.text().c_str());
    return;
  }
  std::printf("  context: %s\n", base::to_string(before - free_now()).c_str());
  context->kill();
  (void)wait_for_free(probe, info.uuid, before - subject.slack, std::chrono::seconds(10));

  const Bytes piece(std::uint64_t{4} << 30);
  const auto holder = subject.holder(info.uuid, piece);
  if (holder->line() != "ready") return;
  const Bytes held = free_now();
  holder->say("free");
  (void)holder->line();
  const auto freed = wait_for_free(probe, info.uuid, held + base::scaled(piece, 0.9), std::chrono::seconds(10));
  std::printf("  4 GiB freed show after: %lld ms\n", static_cast<long long>(freed.count()));

  const auto victim = subject.holder(info.uuid, piece);
  if (victim->line() != "ready") return;
  victim->kill();
  const auto killed =
      wait_for_free(probe, info.uuid, before - subject.slack - Bytes(std::uint64_t{1} << 30), std::chrono::seconds(10));
  std::printf("  4 GiB of a killed process show after it was reaped: %lld ms (-1: not within 10 s)\n",
              static_cast<long long>(killed.count()));
}

}  // namespace

void print_figures(const Subject& subject) {
  const auto probe = subject.open();
  if (!probe) return;
  std::vector<DeviceInfo> devices;
  const double first = microseconds_of([&] { devices = (*probe)->devices().value_or({}); });
  std::printf("figures (driver %s):\n  initialise and list devices: %.0f us\n", std::string((*probe)->driver()).c_str(), first);
  for (const DeviceInfo& info : devices) {
    std::printf("%s %s, %s, driver %s\n", info.uuid.text().c_str(), info.name.c_str(), base::to_string(info.total).c_str(),
                info.driver_version.c_str());
    std::printf("  memory info: %.1f us (median of 1000)\n", median(1000, [&] { (void)(*probe)->sample(info.uuid); }));
    std::printf("  process list: %.1f us (median of 21)\n", median(21, [&] { (void)(*probe)->processes(info.uuid); }));
    print_memory_figures(subject, **probe, info);
  }
  std::fflush(stdout);
}

}  // namespace conformance
