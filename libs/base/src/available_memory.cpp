#include "base/available_memory.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "base/control_groups.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"

namespace base {
namespace {

constexpr std::size_t kLongestFile = std::size_t{64} << 10;

// A whole number and nothing else but white space; "max" is none.
std::optional<std::uint64_t> number_in(std::string_view text) {
  text = trim(text);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "MemTotal:       16318480 kB"
std::optional<Bytes> total_in(const std::string& meminfo) {
  const auto text = read_file(meminfo, kLongestFile);
  if (!text) return std::nullopt;
  for (std::string_view line : split(*text, '\n')) {
    if (!line.starts_with("MemTotal:")) continue;
    line = trim(line.substr(9));
    if (!line.ends_with("kB")) return std::nullopt;
    const auto kilobytes = number_in(line.substr(0, line.size() - 2));
    if (!kilobytes || *kilobytes == 0 || *kilobytes > (Bytes::max().count() >> 10)) return std::nullopt;
    return Bytes(*kilobytes << 10);
  }
  return std::nullopt;
}

Bytes machine_memory(const std::string& root) {
  if (const auto total = total_in(root + "/proc/meminfo")) return *total;
  const long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || size <= 0) return Bytes::max();
  return Bytes(static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size));
}

void lower(AvailableMemory& memory, std::uint64_t bytes, const std::string& limit) {
  if (bytes == 0 || Bytes(bytes) >= memory.bytes) return;  // 0: nothing could run here, this process does
  memory.bytes = Bytes(bytes);
  memory.limit = limit;
}

void lower_by_file(AvailableMemory& memory, const GroupFolder& group, const std::string& file) {
  const auto text = read_file(group.path + "/" + file, kLongestFile);
  if (!text) return;
  if (const auto bytes = number_in(*text)) lower(memory, *bytes, file + " of the control group " + group.name);
}

}  // namespace

AvailableMemory available_memory(const std::string& root) {
  AvailableMemory memory;
  memory.bytes = memory.machine = machine_memory(root);
  for (const GroupFolder& group : control_groups("memory", root)) {
    if (group.version_two) {
      lower_by_file(memory, group, "memory.max");
      lower_by_file(memory, group, "memory.high");
    } else {
      lower_by_file(memory, group, "memory.limit_in_bytes");
    }
  }
  rlimit address_space{};
  if (::getrlimit(RLIMIT_AS, &address_space) == 0 && address_space.rlim_cur != RLIM_INFINITY)
    lower(memory, address_space.rlim_cur, "the limit on address space (ulimit -v)");
  return memory;
}

}  // namespace base
