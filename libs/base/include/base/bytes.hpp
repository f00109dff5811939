// A number of bytes as a type, so that MiB and bytes cannot be mixed up.
#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace base {

// Unsigned 64-bit count of bytes. Addition saturates at the maximum, subtraction saturates at zero: a sum of promises can neither
// wrap to a small figure nor become "17 EB free".
class Bytes {
 public:
  constexpr Bytes() = default;
  explicit constexpr Bytes(std::uint64_t count) : count_(count) {}
  constexpr std::uint64_t count() const noexcept { return count_; }
  static constexpr Bytes max() noexcept { return Bytes(UINT64_MAX); }

  friend constexpr Bytes operator+(Bytes a, Bytes b) noexcept {
    return a.count_ > UINT64_MAX - b.count_ ? max() : Bytes(a.count_ + b.count_);
  }
  friend constexpr Bytes operator-(Bytes a, Bytes b) noexcept { return a.count_ < b.count_ ? Bytes() : Bytes(a.count_ - b.count_); }
  constexpr Bytes& operator+=(Bytes other) noexcept { return *this = *this + other; }
  constexpr Bytes& operator-=(Bytes other) noexcept { return *this = *this - other; }
  friend constexpr auto operator<=>(Bytes, Bytes) noexcept = default;

 private:
  std::uint64_t count_ = 0;
};

// `value` times `factor` (finite, >= 0), rounded to the nearest byte, saturating.
Bytes scaled(Bytes value, double factor) noexcept;

inline namespace literals {
constexpr Bytes operator""_B(unsigned long long n) { return Bytes(n); }
constexpr Bytes operator""_KiB(unsigned long long n) { return Bytes(n << 10); }
constexpr Bytes operator""_MiB(unsigned long long n) { return Bytes(n << 20); }
constexpr Bytes operator""_GiB(unsigned long long n) { return Bytes(n << 30); }
}  // namespace literals

// "6GiB", "512MiB", "1.5GiB", "100KiB", "7B" or plain bytes "4096"; also GB, MB, KB, G, M, K, all taken as powers of 1024 (GPU
// tools print GiB and call it GB). Error InvalidArgument otherwise, or beyond 2^64 - 1.
Result<Bytes> parse_bytes(std::string_view text);
// The same for memory of GPUs, where "8" is a slip for 8GiB: a bare number below 1 MiB other than 0 is an error that says so. With a
// unit every size is taken ("8B", "512KiB").
Result<Bytes> parse_memory_size(std::string_view text);

// For people: "6.00 GiB", "512 MiB", "17 B".
std::string to_string(Bytes value);
// Figure of refusals and status: units of 1024^3 bytes with two decimals, "6.25".
std::string gib_text(Bytes value);

}  // namespace base
