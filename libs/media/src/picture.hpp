// From a decoded frame to plain pixels.
#pragma once
#include "libav.hpp"
#include "media/image.hpp"

namespace media {

// Keeps libswscale's context from frame to frame; takes any size and pixel format, also when they change within a stream.
class PictureConverter {
 public:
  explicit PictureConverter(PixelFormat format) : format_(format) {}
  // An image without pixels when the frame cannot be converted.
  Image convert(const AVFrame& frame);

 private:
  PixelFormat format_;
  Libav<SwsContext> scaler_;
};

}  // namespace media
