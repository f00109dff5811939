// How an image is to be turned to stand upright, as viewers show it.
#pragma once
#include <cstdio>
#include <string_view>

struct Pix;

namespace ocr {

// The values of EXIF and TIFF: 1 upright, 2 mirrored, 3 turned by 180°, 4 flipped, 5 to 8 rows and columns exchanged.
inline constexpr int kUpright = 1;

// Of the Exif block of a JPEG file, of the eXIf chunk of a PNG file. kUpright where there is none, or it is damaged or absurd.
int orientation_of_jpeg(std::FILE* file);
int orientation_of_png(std::FILE* file);
// Of an Exif block without its "Exif\0\0".
int orientation_of_exif(std::string_view block);

// A new picture that stands upright; takes `pix` over. nullptr when memory is short. REQUIRES: pix is not null.
Pix* upright(Pix* pix, int orientation);

}  // namespace ocr
