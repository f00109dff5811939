#include "gpu/process_facts.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/fd.hpp"
#include "base/text.hpp"

namespace clams::tool {
namespace {

using std::chrono::nanoseconds;

// Field 22 of /proc/PID/stat, in ticks since boot. The name in field 2 may hold blanks and parentheses.
std::optional<nanoseconds> start_of(const std::string& folder) {
  const auto stat = base::read_file(folder + "/stat", 4096);
  const std::size_t end_of_name = stat ? stat->rfind(')') : std::string::npos;
  const long ticks_per_second = ::sysconf(_SC_CLK_TCK);
  if (end_of_name == std::string::npos || ticks_per_second <= 0) return std::nullopt;
  const auto fields = base::split(base::trim(std::string_view(*stat).substr(end_of_name + 1)), ' ');
  if (fields.size() < 20) return std::nullopt;
  const std::uint64_t ticks = std::strtoull(std::string(fields[19]).c_str(), nullptr, 10);
  return nanoseconds(static_cast<std::int64_t>(ticks * (1'000'000'000ULL / static_cast<std::uint64_t>(ticks_per_second))));
}

std::string user_name(uid_t uid) {
  std::vector<char> buffer(16384);
  struct passwd entry {};
  struct passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::to_string(uid);
  return found->pw_name;
}

std::string command_of(const std::string& folder) {
  auto words = base::read_file(folder + "/cmdline", 4096).value_or("");
  while (!words.empty() && words.back() == '\0') words.pop_back();
  std::replace(words.begin(), words.end(), '\0', ' ');
  return words;
}

nanoseconds since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

}  // namespace

std::optional<ProcessFacts> facts_of(std::int64_t pid, nanoseconds started, const std::string& proc) {
  if (pid <= 0) return std::nullopt;
  const std::string folder = proc + "/" + std::to_string(pid);
  struct stat owner {};
  const auto start = start_of(folder);
  if (!start || ::stat(folder.c_str(), &owner) != 0) return std::nullopt;
  if (started != nanoseconds(0) && *start != started) return std::nullopt;
  return ProcessFacts{user_name(owner.st_uid), command_of(folder), std::max(since_boot() - *start, nanoseconds(0))};
}

}  // namespace clams::tool
