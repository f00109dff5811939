#include "orientation.hpp"

#include <leptonica/allheaders.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace ocr {
namespace {

constexpr std::uint32_t kOrientationTag = 0x0112;
constexpr std::size_t kMostExif = 1 << 16;
constexpr int kMostSegments = 10'000;  // of a damaged file

// Numbers in a block of bytes; none beyond its end.
struct Bytes {
  std::string_view data;
  bool big_endian = true;

  std::optional<std::uint32_t> number(std::size_t at, std::size_t size) const {
    if (at > data.size() || data.size() - at < size) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
      value = value << 8 | static_cast<unsigned char>(data[big_endian ? at + i : at + size - 1 - i]);
    return value;
  }
};

std::string read(std::FILE* file, std::size_t size) {
  std::string bytes(size, '\0');
  bytes.resize(std::fread(bytes.data(), 1, size, file));
  return bytes;
}

bool skip(std::FILE* file, std::uint32_t size) { return std::fseek(file, static_cast<long>(size), SEEK_CUR) == 0; }

// The block of the next segment from where `file` stands, if it holds Exif. `more`: another segment may follow.
std::optional<std::string> exif_of_segment(std::FILE* file, bool& more) {
  constexpr std::string_view kMark("Exif\0\0", 6);
  more = false;
  const std::string head = read(file, 4);
  const Bytes bytes{head};
  const auto marker = bytes.number(0, 2), size = bytes.number(2, 2);
  // From the start of scan (FFDA) on there are no more heads.
  if (!marker || !size || *marker < 0xFFC0 || *marker == 0xFFDA || *size < 2) return std::nullopt;
  more = true;
  if (*marker != 0xFFE1) {
    more = skip(file, *size - 2);
    return std::nullopt;
  }
  const std::string block = read(file, *size - 2);
  if (!std::string_view(block).starts_with(kMark)) return std::nullopt;
  return block.substr(kMark.size());
}

}  // namespace

int orientation_of_exif(std::string_view block) {
  Bytes bytes{block};
  if (block.starts_with("II"))
    bytes.big_endian = false;
  else if (!block.starts_with("MM"))
    return kUpright;
  const auto directory = bytes.number(4, 4);
  const auto entries = directory ? bytes.number(*directory, 2) : std::nullopt;
  if (!entries) return kUpright;
  for (std::uint32_t n = 0; n < *entries; ++n) {
    const std::size_t at = std::size_t{*directory} + 2 + std::size_t{n} * 12;
    const auto tag = bytes.number(at, 2), type = bytes.number(at + 2, 2);
    if (!tag || !type) return kUpright;
    if (*tag != kOrientationTag) continue;
    const auto value = bytes.number(at + 8, *type == 4 ? 4 : 2);  // a short, by the standard; some write a long
    return value && *value >= 1 && *value <= 8 ? static_cast<int>(*value) : kUpright;
  }
  return kUpright;
}

int orientation_of_jpeg(std::FILE* file) {
  if (std::fseek(file, 2, SEEK_SET) != 0) return kUpright;
  bool more = true;
  for (int n = 0; more && n < kMostSegments; ++n)
    if (const auto exif = exif_of_segment(file, more)) return orientation_of_exif(*exif);
  return kUpright;
}

int orientation_of_png(std::FILE* file) {
  if (std::fseek(file, 8, SEEK_SET) != 0) return kUpright;
  for (int n = 0; n < kMostSegments; ++n) {
    const std::string head = read(file, 8);
    const auto size = Bytes{head}.number(0, 4);
    if (!size || head.size() < 8 || *size > 0x7FFFFFFF) return kUpright;
    if (head.compare(4, 4, "eXIf") == 0) return *size <= kMostExif ? orientation_of_exif(read(file, *size)) : kUpright;
    if (!skip(file, *size) || !skip(file, 4)) return kUpright;  // and the checksum
  }
  return kUpright;
}

Pix* upright(Pix* pix, int orientation) {
  struct Step {
    int quarter_turns;  // clockwise
    enum { Nothing, LeftRight, TopBottom } then;
  };
  constexpr std::array<Step, 9> kSteps{{{0, Step::Nothing},
                                        {0, Step::Nothing},
                                        {0, Step::LeftRight},
                                        {2, Step::Nothing},
                                        {0, Step::TopBottom},
                                        {1, Step::LeftRight},
                                        {1, Step::Nothing},
                                        {1, Step::TopBottom},
                                        {3, Step::Nothing}}};
  if (orientation <= kUpright || orientation > 8) return pix;
  const Step step = kSteps[static_cast<std::size_t>(orientation)];
  Pix* turned = step.quarter_turns == 0 ? pixClone(pix) : pixRotateOrth(pix, step.quarter_turns);
  pixDestroy(&pix);
  if (turned == nullptr || step.then == Step::Nothing) return turned;
  Pix* flipped = step.then == Step::LeftRight ? pixFlipLR(nullptr, turned) : pixFlipTB(nullptr, turned);
  pixDestroy(&turned);
  return flipped;
}

}  // namespace ocr
