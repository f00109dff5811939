#include "meminfo.hpp"

#include <charconv>
#include <optional>

#include "base/fd.hpp"
#include "base/text.hpp"

namespace vram {
namespace {

// "MemTotal:       12345 kB"
std::optional<base::Bytes> kib_of(std::string_view line, std::string_view key) {
  if (!line.starts_with(key)) return std::nullopt;
  const std::string_view rest = base::trim(line.substr(key.size()));
  std::uint64_t kib = 0;
  if (std::from_chars(rest.data(), rest.data() + rest.size(), kib).ec != std::errc()) return std::nullopt;
  return base::Bytes(kib * 1024);
}

}  // namespace

base::Result<HostMemory> read_meminfo(const std::string& path) {
  BASE_TRY_ASSIGN(const std::string text, base::read_file(path, std::size_t{1} << 20));
  std::optional<base::Bytes> total, available;
  for (const std::string_view line : base::split(text, '\n')) {
    if (const auto value = kib_of(line, "MemTotal:")) total = value;
    if (const auto value = kib_of(line, "MemAvailable:")) available = value;
  }
  if (!total || !available)
    return base::Error{base::ErrorCode::Unsupported, "'" + path + "' tells neither total nor available memory"};
  return HostMemory{*total, *available};
}

}  // namespace vram
