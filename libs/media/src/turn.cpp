#include "turn.hpp"

#include <array>
#include <cstdlib>
#include <cstring>

namespace media {
namespace {

// libav's matrix, row by row: x' = a x + c y, y' = b x + d y, as 16.16 numbers, with y downwards.
using Matrix = std::array<std::int32_t, 9>;

Turn turn_of(const std::uint8_t* data, std::size_t size) noexcept {
  if (data == nullptr || size < sizeof(Matrix)) return {};
  Matrix matrix;
  std::memcpy(matrix.data(), data, sizeof matrix);
  const auto a = std::int64_t{matrix[0]}, b = std::int64_t{matrix[1]}, c = std::int64_t{matrix[3]}, d = std::int64_t{matrix[4]};
  const std::int64_t straight = std::abs(a) + std::abs(d), across = std::abs(b) + std::abs(c);
  // A slanted picture: no quarter turn makes it upright, and players differ.
  if (std::min(straight, across) * 20 > std::max(straight, across)) return {};
  if (across > straight) return {true, c < 0, b < 0};
  return {false, a < 0, d < 0};
}

}  // namespace

Turn turn_of(const AVStream& stream) noexcept {
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
  const AVCodecParameters& codec = *stream.codecpar;
  const AVPacketSideData* side =
      av_packet_side_data_get(codec.coded_side_data, codec.nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  return side == nullptr ? Turn{} : turn_of(side->data, side->size);
#else
  std::size_t size = 0;
  const std::uint8_t* data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return turn_of(data, size);
#endif
}

Turn turn_of(const AVFrame& frame, const AVStream& stream) noexcept {
  const AVFrameSideData* side = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  return side == nullptr ? turn_of(stream) : turn_of(side->data, side->size);
}

Image turned(Image image, Turn turn) {
  if (turn.none()) return image;
  const int width = turn.transpose ? image.height : image.width, height = turn.transpose ? image.width : image.height;
  const auto pixel = static_cast<std::size_t>(bytes_per_pixel(image.format));
  Image out{image.format, width, height, static_cast<std::size_t>(width) * pixel, {}};
  out.pixels.resize(out.stride * static_cast<std::size_t>(height));
  for (int y = 0; y < height; ++y) {
    std::uint8_t* to = out.pixels.data() + static_cast<std::size_t>(y) * out.stride;
    const int from_y = turn.flip_y ? height - 1 - y : y;
    for (int x = 0; x < width; ++x, to += pixel) {
      const int from_x = turn.flip_x ? width - 1 - x : x;
      const std::uint8_t* from = turn.transpose ? image.row(from_x) + static_cast<std::size_t>(from_y) * pixel
                                                : image.row(from_y) + static_cast<std::size_t>(from_x) * pixel;
      std::memcpy(to, from, pixel);
    }
  }
  return out;
}

}  // namespace media
