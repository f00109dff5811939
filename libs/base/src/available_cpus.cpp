#include "base/available_cpus.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/control_groups.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"

namespace base {
namespace {

constexpr std::size_t kLongestFile = std::size_t{64} << 10;
constexpr std::uint64_t kUsualPeriod = 100'000;  // microseconds; the kernel's, where none is written
constexpr unsigned kMostCpus = 1U << 20;

std::optional<std::uint64_t> number_in(std::string_view text) {
  text = trim(text);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

unsigned online_cpus() {
  const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<unsigned>(online) : 1;
}

// The kernel refuses a mask that is smaller than its own (EINVAL); 1024 CPUs, what cpu_set_t holds, are not enough everywhere.
unsigned affinity_of_this_process() {
  for (int most = 1024; most <= static_cast<int>(kMostCpus); most *= 2) {
    const std::size_t size = CPU_ALLOC_SIZE(most);
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(CPU_ALLOC(most), [](cpu_set_t* set) { CPU_FREE(set); });
    if (!mask) return 0;
    CPU_ZERO_S(size, mask.get());
    if (::sched_getaffinity(::getpid(), size, mask.get()) == 0) return static_cast<unsigned>(CPU_COUNT_S(size, mask.get()));
    if (errno != EINVAL) return 0;
  }
  return 0;
}

// "0-3,8": how many. nullopt: that is no such list.
std::optional<unsigned> count_in_list(std::string_view text) {
  text = trim(text);
  if (text.empty()) return std::nullopt;
  std::uint64_t count = 0;
  for (const std::string_view range : split(text, ',')) {
    const std::size_t dash = range.find('-');
    const auto first = number_in(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number_in(range.substr(dash + 1));
    if (!first || !last || *last < *first || *last >= kMostCpus) return std::nullopt;
    count += *last - *first + 1;
  }
  return static_cast<unsigned>(std::min<std::uint64_t>(count, kMostCpus));
}

// Whole CPUs that a quota is worth, a part rounded up.
std::optional<unsigned> cpus_of(std::optional<std::uint64_t> quota, std::optional<std::uint64_t> period) {
  if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
  const std::uint64_t cpus = *quota / *period + (*quota % *period != 0 ? 1 : 0);
  return static_cast<unsigned>(std::min<std::uint64_t>(cpus, kMostCpus));
}

// cpu.max: "200000 100000" or "max 100000".
std::optional<unsigned> quota_of_version_two(const std::string& folder) {
  const auto text = read_file(folder + "/cpu.max", kLongestFile);
  if (!text) return std::nullopt;
  const auto words = split(trim(*text), ' ');
  if (words.size() > 2) return std::nullopt;
  return cpus_of(number_in(words[0]), words.size() == 2 ? number_in(words[1]) : kUsualPeriod);
}

// cpu.cfs_quota_us is -1 where there is no limit.
std::optional<unsigned> quota_of_version_one(const std::string& folder) {
  const auto quota = read_file(folder + "/cpu.cfs_quota_us", kLongestFile);
  if (!quota) return std::nullopt;
  const auto period = read_file(folder + "/cpu.cfs_period_us", kLongestFile);
  return cpus_of(number_in(*quota), period ? number_in(*period) : kUsualPeriod);
}

void lower(AvailableCpus& cpus, std::optional<unsigned> count, const std::string& limit) {
  if (!count || *count == 0 || *count >= cpus.count) return;
  cpus.count = *count;
  cpus.limit = limit;
}

// The effective list is already what the groups above leave of it.
void lower_by_cpuset(AvailableCpus& cpus, const std::string& root) {
  for (const GroupFolder& group : control_groups("cpuset", root)) {
    for (const char* file : {"/cpuset.cpus.effective", "/cpuset.effective_cpus", "/cpuset.cpus"}) {
      const auto text = read_file(group.path + file, kLongestFile);
      const auto count = text ? count_in_list(*text) : std::nullopt;
      if (!count) continue;
      lower(cpus, count, std::string(file).substr(1) + " of the control group " + group.name);
      break;
    }
  }
}

}  // namespace

std::string AvailableCpus::words() const {
  const std::string of = limit.empty() ? "" : " of " + std::to_string(machine);
  const bool one = (limit.empty() ? count : machine) == 1;
  return std::to_string(count) + of + (one ? " CPU" : " CPUs") + (limit.empty() ? "" : " (" + limit + ")");
}

AvailableCpus available_cpus(const CpuSources& sources) {
  AvailableCpus cpus;
  cpus.machine = std::max(1U, sources.machine_cpus ? sources.machine_cpus() : online_cpus());
  cpus.count = cpus.machine;
  lower(cpus, sources.affinity ? sources.affinity() : affinity_of_this_process(), "CPU affinity or cpuset");
  lower_by_cpuset(cpus, sources.root);
  for (const GroupFolder& group : control_groups("cpu", sources.root)) {
    if (group.version_two)
      lower(cpus, quota_of_version_two(group.path), "cpu.max of the control group " + group.name);
    else
      lower(cpus, quota_of_version_one(group.path), "cpu.cfs_quota_us of the control group " + group.name);
  }
  return cpus;
}

}  // namespace base
