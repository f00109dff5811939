// A decoded picture in plain memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace media {

enum class PixelFormat {
  Gray8,  // one byte a pixel, 0 black, 255 white
  Rgb24,  // red, green, blue, a byte each
};

constexpr int bytes_per_pixel(PixelFormat format) noexcept { return format == PixelFormat::Gray8 ? 1 : 3; }

// Rows from top to bottom; row y begins at pixels[y * stride]. stride >= width * bytes_per_pixel(format), in bytes.
struct Image {
  PixelFormat format = PixelFormat::Gray8;
  int width = 0;
  int height = 0;
  std::size_t stride = 0;
  std::vector<std::uint8_t> pixels;
  const std::uint8_t* row(int y) const noexcept { return pixels.data() + static_cast<std::size_t>(y) * stride; }
};

}  // namespace media
