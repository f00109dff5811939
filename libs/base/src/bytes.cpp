#include "base/bytes.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/text.hpp"

namespace base {
namespace {

struct Unit {
  std::string_view name;
  int shift;
};
constexpr std::array kUnits{Unit{"TiB", 40}, Unit{"TB", 40},  Unit{"T", 40},  Unit{"GiB", 30}, Unit{"GB", 30},
                            Unit{"G", 30},   Unit{"MiB", 20}, Unit{"MB", 20}, Unit{"M", 20},   Unit{"KiB", 10},
                            Unit{"kB", 10},  Unit{"KB", 10},  Unit{"K", 10},  Unit{"B", 0},    Unit{"", 0}};

Error bad_size(std::string_view text) {
  return {ErrorCode::InvalidArgument,
          "'" + std::string(text) + "' is not a size; write bytes or a number with a unit, for example 6GiB or 512MiB"};
}

}  // namespace

Bytes scaled(Bytes value, double factor) noexcept {
  const double product = static_cast<double>(value.count()) * factor;
  if (!(product > 0)) return Bytes();
  if (product >= 18446744073709549568.0) return Bytes::max();  // the largest double below 2^64
  return Bytes(static_cast<std::uint64_t>(std::round(product)));
}

Result<Bytes> parse_bytes(std::string_view text) {
  const std::string_view trimmed = trim(text);
  const std::size_t digits = trimmed.find_first_not_of("0123456789.");
  const std::string_view number = trimmed.substr(0, digits);
  const std::string_view unit = digits == std::string_view::npos ? "" : trim(trimmed.substr(digits));
  if (number.empty()) return bad_size(text);
  for (const Unit& known : kUnits) {
    if (known.name != unit) continue;
    std::uint64_t whole = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), whole);
    if (error == std::errc() && end == number.data() + number.size()) {
      if (known.shift != 0 && whole > (UINT64_MAX >> known.shift)) return bad_size(text);
      return Bytes(whole << known.shift);
    }
    double real = 0;
    const auto [real_end, real_error] = std::from_chars(number.data(), number.data() + number.size(), real);
    const double bytes = std::ldexp(real, known.shift);
    if (real_error != std::errc() || real_end != number.data() + number.size() || bytes >= 18446744073709549568.0)
      return bad_size(text);
    return Bytes(static_cast<std::uint64_t>(bytes));
  }
  return bad_size(text);
}

Result<Bytes> parse_memory_size(std::string_view text) {
  BASE_TRY_ASSIGN(const Bytes bytes, parse_bytes(text));
  const std::string_view trimmed = trim(text);
  const bool bare = trimmed.find_first_not_of("0123456789.") == std::string_view::npos;
  const bool none = trimmed.find_first_not_of("0.") == std::string_view::npos;
  if (!bare || none || bytes >= 1_MiB) return bytes;
  const std::string number(trimmed);
  return Error{ErrorCode::InvalidArgument, number + " bytes? write " + number + "GiB or " + number + "MiB; where bytes are meant, " +
                                               std::to_string(bytes.count()) + "B"};
}

std::string to_string(Bytes value) {
  std::array<char, 48> buffer{};
  const auto count = static_cast<double>(value.count());
  if (value >= 1_GiB)
    std::snprintf(buffer.data(), buffer.size(), "%.2f GiB", count / 1073741824.0);
  else if (value >= 1_MiB)
    std::snprintf(buffer.data(), buffer.size(), "%.0f MiB", count / 1048576.0);
  else if (value >= 1_KiB)
    std::snprintf(buffer.data(), buffer.size(), "%.0f KiB", count / 1024.0);
  else
    std::snprintf(buffer.data(), buffer.size(), "%llu B", static_cast<unsigned long long>(value.count()));
  return buffer.data();
}

std::string gib_text(Bytes value) {
  std::array<char, 48> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.2f", static_cast<double>(value.count()) / 1073741824.0);
  return buffer.data();
}

}  // namespace base
