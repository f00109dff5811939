#include "base/digest.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace base {
namespace {

using Block = std::array<std::uint8_t, 64>;

template <std::endian Order>
std::uint32_t load(const std::uint8_t* bytes) {
  std::uint32_t word = 0;
  for (unsigned i = 0; i < 4; ++i) word |= std::uint32_t{bytes[i]} << (Order == std::endian::little ? 8 * i : 24 - 8 * i);
  return word;
}

template <std::endian Order, std::size_t Words>
std::string hex_of(const std::array<std::uint32_t, Words>& state) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  text.reserve(Words * 8);
  for (const std::uint32_t word : state)
    for (unsigned i = 0; i < 4; ++i) {
      const std::uint32_t byte = (word >> (Order == std::endian::little ? 8 * i : 24 - 8 * i)) & 0xff;
      text += kHex[byte >> 4];
      text += kHex[byte & 15];
    }
  return text;
}

// Both digests share their padding: a one bit, zeros, and the length in bits, which ends the last block.
template <std::endian Order, class State>
void feed(State& state, std::string_view data, void (*mix)(State&, const Block&)) {
  Block block{};
  std::string_view rest = data;
  for (; rest.size() >= block.size(); rest.remove_prefix(block.size())) {
    std::memcpy(block.data(), rest.data(), block.size());
    mix(state, block);
  }
  block.fill(0);
  if (!rest.empty()) std::memcpy(block.data(), rest.data(), rest.size());
  block[rest.size()] = 0x80;
  if (rest.size() >= block.size() - 8) {
    mix(state, block);
    block.fill(0);
  }
  const std::uint64_t bits = std::uint64_t{data.size()} * 8;
  for (unsigned i = 0; i < 8; ++i)
    block[56 + i] = static_cast<std::uint8_t>(bits >> (Order == std::endian::little ? 8 * i : 56 - 8 * i));
  mix(state, block);
}

using Sha256 = std::array<std::uint32_t, 8>;

// FIPS 180-4, section 4.2.2.
constexpr std::array<std::uint32_t, 64> kSha256Constants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::array<std::uint32_t, 64> sha256_schedule(const Block& block) {
  std::array<std::uint32_t, 64> w{};
  for (std::size_t t = 0; t < 16; ++t) w[t] = load<std::endian::big>(block.data() + 4 * t);
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
    const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  return w;
}

void mix_sha256(Sha256& state, const Block& block) {
  const auto w = sha256_schedule(block);
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t t = 0; t < 64; ++t) {
    const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + kSha256Constants[t] + w[t];
    const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const Sha256 change{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += change[i];
}

using Md5 = std::array<std::uint32_t, 4>;

// RFC 1321, section 3.4: the integer part of 2^32 × |sin(i + 1)|.
constexpr std::array<std::uint32_t, 64> kMd5Constants{
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af,
    0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa,
    0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
    0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97,
    0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
    0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr std::array<std::array<int, 4>, 4> kMd5Turns{{{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};

void mix_md5(Md5& state, const Block& block) {
  auto [a, b, c, d] = state;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::size_t round = i / 16;
    const std::array<std::uint32_t, 4> choices{(b & c) | (~b & d), (b & d) | (c & ~d), b ^ c ^ d, c ^ (b | ~d)};
    const std::array<std::size_t, 4> words{i, (5 * i + 1) % 16, (3 * i + 5) % 16, (7 * i) % 16};
    const std::uint32_t sum = a + choices[round] + kMd5Constants[i] + load<std::endian::little>(block.data() + 4 * words[round]);
    a = d, d = c, c = b;
    b += std::rotl(sum, kMd5Turns[round][i % 4]);
  }
  const Md5 change{a, b, c, d};
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += change[i];
}

}  // namespace

std::string sha256_hex(std::string_view data) {
  // FIPS 180-4, section 5.3.3.
  Sha256 state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  feed<std::endian::big>(state, data, mix_sha256);
  return hex_of<std::endian::big>(state);
}

std::string md5_hex(std::string_view data) {
  Md5 state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};  // RFC 1321, section 3.3
  feed<std::endian::little>(state, data, mix_md5);
  return hex_of<std::endian::little>(state);
}

}  // namespace base
