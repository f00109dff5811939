#include "toy/model_writer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace toy {
namespace {

constexpr std::size_t kBlock = 32;  // values of a quantised block

// Rounds to nearest. REQUIRES: no NaN, and nothing too small or too large for a normal half, but zero.
std::uint16_t half_of(float value) {
  auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
  bits &= 0x7FFF'FFFFU;
  if (bits == 0) return sign;
  bits += 0x1000U;  // half a unit in the last place kept
  return static_cast<std::uint16_t>(sign | ((bits >> 13) - ((127U - 15U) << 10)));
}

}  // namespace

void ModelWriter::word(const std::string& text) {
  number(static_cast<std::int32_t>(text.size()));
  raw(text.data(), text.size());
}

bool ModelWriter::finish() {
  out_.close();
  return !out_.fail();
}

void ModelWriter::tensor(const std::string& name, const std::vector<int>& dimensions, TensorType type, const Fill& fill) {
  number(static_cast<std::int32_t>(dimensions.size()));
  number(static_cast<std::int32_t>(name.size()));
  number(static_cast<std::int32_t>(type));
  for (const int length : dimensions) number(static_cast<std::int32_t>(length));
  raw(name.data(), name.size());
  const int rows = dimensions.size() > 1 ? dimensions[1] : 1;
  const int planes = dimensions.size() > 2 ? dimensions[2] : 1;
  std::vector<float> values(static_cast<std::size_t>(dimensions[0]));
  for (int plane = 0; plane < planes; ++plane) {
    for (int r = 0; r < rows; ++r) {
      for (std::size_t column = 0; column < values.size(); ++column) values[column] = fill(static_cast<int>(column), r, plane);
      row(values, type);
    }
  }
}

void ModelWriter::row(const std::vector<float>& values, TensorType type) {
  switch (type) {
    case TensorType::F32: return raw(values.data(), values.size() * sizeof(float));
    case TensorType::F16:
      for (const float value : values) {
        const std::uint16_t half = half_of(value);
        raw(&half, sizeof half);
      }
      return;
    case TensorType::Q8_0:
      for (std::size_t at = 0; at < values.size(); at += kBlock) quantised_block(&values[at]);
      return;
  }
}

void ModelWriter::quantised_block(const float* values) {
  float largest = 0;
  for (std::size_t n = 0; n < kBlock; ++n) largest = std::max(largest, std::fabs(values[n]));
  const float scale = largest / 127;
  const std::uint16_t half = half_of(scale);
  raw(&half, sizeof half);
  for (std::size_t n = 0; n < kBlock; ++n) {
    const auto quantum = static_cast<std::int8_t>(scale == 0 ? 0 : std::lround(values[n] / scale));
    raw(&quantum, sizeof quantum);
  }
}

}  // namespace toy
