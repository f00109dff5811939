#include "process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <sstream>

#include "base/files.hpp"

namespace clams::server {
namespace {

// The fields of /proc/self/stat behind the name, which is in parentheses and may hold anything; the first is field 3.
std::vector<std::string> stat_fields(const std::string& text) {
  std::vector<std::string> fields;
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return fields;
  std::istringstream rest(text.substr(name_end + 1));
  for (std::string field; rest >> field;) fields.push_back(std::move(field));
  return fields;
}

// Seconds since 1970 at which the machine booted.
std::optional<double> boot_time(const std::string& proc) {
  const auto text = base::read_file(proc + "/stat");
  const std::size_t at = text ? text->find("btime ") : std::string::npos;
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(text->c_str() + at + 6, nullptr);
}

void add_times_and_memory(MetricFamilies& families, const std::string& proc) {
  constexpr std::size_t kUserTime = 11, kSystemTime = 12, kStart = 19, kVirtual = 20, kResident = 21;  // fields 14, 15, 22, 23, 24
  const auto text = base::read_file(proc + "/self/stat");
  const auto fields = text ? stat_fields(*text) : std::vector<std::string>();
  if (fields.size() <= kResident) return;
  const auto number = [&](std::size_t field) { return std::strtod(fields[field].c_str(), nullptr); };
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  families.counter("process_cpu_seconds_total", "CPU time of the server process, user and system")
      .add({}, (number(kUserTime) + number(kSystemTime)) / ticks);
  families.gauge("process_resident_memory_bytes", "Resident memory of the server process; worker processes are not part of it")
      .add({}, number(kResident) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  families.gauge("process_virtual_memory_bytes", "Address space of the server process").add({}, number(kVirtual));
  if (const auto boot = boot_time(proc)) {
    families.gauge("process_start_time_seconds", "When the server process started, in seconds since 1970")
        .add({}, *boot + number(kStart) / ticks);
  }
}

void add_descriptors(MetricFamilies& families, const std::string& proc) {
  if (const auto open = base::list_directory(proc + "/self/fd"))
    families.gauge("process_open_fds", "Open file descriptors of the server process").add({}, static_cast<double>(open->size()));
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    families.gauge("process_max_fds", "Most file descriptors that the server process may open")
        .add({}, static_cast<double>(limit.rlim_cur));
}

}  // namespace

void add_process_metrics(MetricFamilies& families, const std::string& proc) {
  add_times_and_memory(families, proc);
  add_descriptors(families, proc);
}

}  // namespace clams::server
