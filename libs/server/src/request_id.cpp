#include "request_id.hpp"

#include <algorithm>
#include <random>

namespace clams::server {

bool is_valid_request_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

RequestIds::RequestIds() {
  std::random_device device;
  state_ = (std::uint64_t{device()} << 32) ^ device();
}

void RequestIds::next(std::string& out) {
  // A step of a full-period counter, then an invertible mix: all different, and not guessable as neighbours.
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
  mixed ^= mixed >> 31;
  constexpr std::string_view kDigits = "0123456789abcdef";
  out.resize(16);
  for (auto& digit : out) {
    digit = kDigits[mixed >> 60];
    mixed <<= 4;
  }
}

}  // namespace clams::server
