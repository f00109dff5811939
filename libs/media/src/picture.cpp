#include "picture.hpp"

#include <cmath>

namespace media {
namespace {

// libswscale may write whole vectors at the end of a row.
constexpr std::size_t kRowAlignment = 64;

// Without this every frame is taken as limited-range BT.601.
void set_colours(SwsContext* scaler, const AVFrame& frame) {
  const int space = frame.colorspace == AVCOL_SPC_UNSPECIFIED ? SWS_CS_DEFAULT : static_cast<int>(frame.colorspace);
  const int full_range = frame.color_range == AVCOL_RANGE_JPEG ? 1 : 0;
  sws_setColorspaceDetails(scaler, sws_getCoefficients(space), full_range, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16,
                           1 << 16);
}

// The deprecated "yuvj" formats say in their name what color_range says, and libswscale warns about them.
AVPixelFormat without_range(int format) {
  switch (format) {
    case AV_PIX_FMT_YUVJ420P: return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P: return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P: return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P: return AV_PIX_FMT_YUV440P;
    default: return static_cast<AVPixelFormat>(format);
  }
}

}  // namespace

Size square_size(int width, int height, AVRational pixel) noexcept {
  constexpr double kMost = 4;
  const double ratio = pixel.num > 0 && pixel.den > 0 ? av_q2d(pixel) : 1;
  if (ratio > 1 && ratio <= kMost) return {static_cast<int>(std::lround(width * ratio)), height};
  if (ratio < 1 && ratio >= 1 / kMost) return {width, static_cast<int>(std::lround(height / ratio))};
  return {width, height};
}

Image PictureConverter::convert(const AVFrame& frame, AVRational pixel) {
  const AVPixelFormat target = format_ == PixelFormat::Gray8 ? AV_PIX_FMT_GRAY8 : AV_PIX_FMT_RGB24;
  const Size size = square_size(frame.width, frame.height, pixel);
  scaler_.reset(sws_getCachedContext(scaler_.release(), frame.width, frame.height, without_range(frame.format), size.width,
                                     size.height, target, SWS_BILINEAR, nullptr, nullptr, nullptr));
  if (!scaler_) return {};
  set_colours(scaler_.get(), frame);

  Image image{format_, size.width, size.height, 0, {}};
  const std::size_t row = static_cast<std::size_t>(size.width) * static_cast<std::size_t>(bytes_per_pixel(format_));
  image.stride = (row + kRowAlignment - 1) / kRowAlignment * kRowAlignment;
  image.pixels.resize(image.stride * static_cast<std::size_t>(size.height) + kRowAlignment);
  std::uint8_t* planes[4] = {image.pixels.data(), nullptr, nullptr, nullptr};
  const int strides[4] = {static_cast<int>(image.stride), 0, 0, 0};
  if (sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, planes, strides) <= 0) return {};
  return image;
}

}  // namespace media
