// How a stored picture is turned to stand upright, as players show it.
#pragma once
#include "libav.hpp"
#include "media/image.hpp"

namespace media {

// Applied in this order: rows become columns, then left and right, then top and bottom change places.
struct Turn {
  bool transpose = false, flip_x = false, flip_y = false;
  bool none() const noexcept { return !transpose && !flip_x && !flip_y; }
};

// By the display matrix of the frame, else by that of the stream. A matrix that turns by other than quarters is not heeded.
Turn turn_of(const AVFrame& frame, const AVStream& stream) noexcept;
Turn turn_of(const AVStream& stream) noexcept;

// The picture as the turn leaves it.
Image turned(Image image, Turn turn);

}  // namespace media
