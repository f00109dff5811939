#include <charconv>

#include "base/control_groups.hpp"
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

}  // namespace

OomKillCounter::OomKillCounter(std::string root) : root_(std::move(root)) {}

std::optional<std::uint64_t> OomKillCounter::read() const {
  for (const base::GroupFolder& group : base::control_groups("memory", root_)) {
    const char* file = group.version_two ? "/memory.events" : "/memory.oom_control";
    if (const auto count = counter_in(group.path + file, "oom_kill")) return count;
  }
  return counter_in(root_ + "/proc/vmstat", "oom_kill");
}

}  // namespace worker
