#include <charconv>

#include "base/text.hpp"
#include "worker/child_process.hpp"

namespace worker {
namespace {

std::optional<std::uint64_t> counter_in(const std::string& path, std::string_view name) {
  const auto text = base::read_file(path, 1 << 20);
  if (!text) return std::nullopt;
  for (const std::string_view line : base::split(*text, '\n')) {
    const auto words = base::split(line, ' ');
    if (words.size() != 2 || words[0] != name) continue;
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(words[1].data(), words[1].data() + words[1].size(), value);
    if (problem == std::errc() && end == words[1].data() + words[1].size()) return value;
  }
  return std::nullopt;
}

// "0::/path" of version 2 and "N:memory:/path" of version 1, as /proc/self/cgroup lists them.
struct Groups {
  std::string unified, memory;
};

Groups groups_of(const std::string& list) {
  Groups groups;
  for (const std::string_view line : base::split(list, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string path(line.substr(second + 1));
    if (controllers.empty()) groups.unified = path;
    for (const std::string_view controller : base::split(controllers, ',')) {
      if (controller == "memory") groups.memory = path;
    }
  }
  return groups;
}

}  // namespace

OomKillCounter::OomKillCounter(std::string root) : root_(std::move(root)) {}

std::optional<std::uint64_t> OomKillCounter::read() const {
  Groups groups;
  if (const auto list = base::read_file(root_ + "/proc/self/cgroup", 1 << 20)) groups = groups_of(*list);
  const std::string base_path = root_ + "/sys/fs/cgroup";
  // In a container the path in /proc may be that of the host, while the mount shows the container's own group at its root.
  for (const std::string& path : {base_path + groups.unified + "/memory.events", base_path + "/memory.events"}) {
    if (const auto count = counter_in(path, "oom_kill")) return count;
  }
  for (const std::string& path :
       {base_path + "/memory" + groups.memory + "/memory.oom_control", base_path + "/memory/memory.oom_control"}) {
    if (const auto count = counter_in(path, "oom_kill")) return count;
  }
  return counter_in(root_ + "/proc/vmstat", "oom_kill");
}

}  // namespace worker
