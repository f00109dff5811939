// From a decoded frame to plain pixels.
#pragma once
#include "libav.hpp"
#include "media/image.hpp"

namespace media {

// Size of a picture whose pixels were made square: the shorter side of a pixel is stretched, so that no detail is lost. A ratio
// that is unknown (0) or beyond 1:4 to 4:1 is not heeded.
struct Size {
  int width = 0, height = 0;
};
Size square_size(int width, int height, AVRational pixel) noexcept;

// Keeps libswscale's context from frame to frame; takes any size and pixel format, also when they change within a stream.
class PictureConverter {
 public:
  explicit PictureConverter(PixelFormat format) : format_(format) {}
  // With square pixels, as stored otherwise. `pixel`: width to height of a stored pixel. An image without pixels when the frame
  // cannot be converted.
  Image convert(const AVFrame& frame, AVRational pixel);

 private:
  PixelFormat format_;
  Libav<SwsContext> scaler_;
};

}  // namespace media
