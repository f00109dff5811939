#include "base/host_memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/fd.hpp"

namespace base {
namespace {

constexpr std::size_t kLongestFile = std::size_t{64} << 10;

Bytes limit_in(const std::string& file) {
  const auto text = read_file(file, kLongestFile);
  std::uint64_t bytes = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), bytes).ec != std::errc()) return Bytes::max();  // "max"
  return Bytes(bytes);
}

// `group` as /proc tells it: "/", "/system.slice/clams.service". In a container it may name what is not mounted there; then the
// top of what is mounted counts.
Bytes smallest_limit(const std::string& root, std::string group, const std::string& file) {
  const auto limit_of = [&](const std::string& folder) {
    std::string path = root;
    path.append(folder).append("/").append(file);
    return limit_in(path);
  };
  Bytes smallest = limit_of("");
  while (group.size() > 1) {
    smallest = std::min(smallest, limit_of(group));
    group.resize(group.rfind('/'));
  }
  return smallest;
}

}  // namespace

Bytes usable_memory(const std::string& proc, const std::string& cgroups) {
  const long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  Bytes usable = pages > 0 && size > 0 ? Bytes(static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size)) : Bytes::max();
  const auto groups = read_file(proc + "/self/cgroup", kLongestFile);
  std::string_view rest = groups ? std::string_view(*groups) : std::string_view();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    // "0::/group" or "4:memory:/group"
    const auto first = line.find(':'), second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos || line.size() < second + 2 || line[second + 1] != '/') continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string group(line.substr(second + 1));
    if (controllers.empty()) usable = std::min(usable, smallest_limit(cgroups, group, "memory.max"));
    if (controllers == "memory") usable = std::min(usable, smallest_limit(cgroups + "/memory", group, "memory.limit_in_bytes"));
  }
  return usable;
}

}  // namespace base
