// Pictures to read text from: files, and grey pixels from elsewhere (video frames).
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "base/result.hpp"

struct Pix;  // leptonica's image

namespace ocr {

// Pixels in memory. Move-only. Not changed by reading text from it.
class Picture {
 public:
  // Copies `height` rows of `width` grey bytes (0 black) that begin `stride` bytes apart. Errors: InvalidArgument for a size that
  // no engine takes (see kMaxSide, kMaxPixels) or a stride below the width.
  static base::Result<Picture> from_gray(const std::uint8_t* pixels, int width, int height, std::size_t stride);

  int width() const noexcept;
  int height() const noexcept;
  // The file was decoded, but part of it was missing or wrong (only JPEG can say so).
  bool damaged() const noexcept { return damaged_; }

  static constexpr int kMaxSide = 32'767;                  // pixels; Tesseract's coordinates are 16 bit
  static constexpr std::int64_t kMaxPixels = 128'000'000;  // what is decoded takes up to 4 bytes each

 private:
  friend class Engine;
  friend class ImageFile;
  struct Delete {
    void operator()(Pix* pix) const noexcept;
  };
  explicit Picture(Pix* pix, bool damaged = false) noexcept : pix_(pix), damaged_(damaged) {}
  std::unique_ptr<Pix, Delete> pix_;
  bool damaged_ = false;
};

// An image file: PNG, JPEG, or TIFF with one or many pages. Known by its content, not by its name. Pictures stand upright, as
// viewers show them: by the orientation that Exif (JPEG, PNG) or the TIFF page states.
class ImageFile {
 public:
  // Reads headers only. Errors, naming the path: NotFound, PermissionDenied; InvalidArgument (no regular file); Unsupported
  // (another format); Corrupt (no readable header).
  static base::Result<ImageFile> open(const std::string& path);

  const std::string& path() const noexcept { return path_; }
  int pages() const noexcept { return pages_; }
  // The list of a TIFF's pages breaks off after the last one: how many are lost is not known.
  bool pages_lost() const noexcept { return pages_lost_; }
  // Page `number`, from 0. Errors, naming path and page: InvalidArgument (no such page, or too large: refused before decoding),
  // Corrupt.
  base::Result<Picture> read(int number) const;

 private:
  enum class Format { Png, Jpeg, Tiff };
  ImageFile(std::string path, Format format) : path_(std::move(path)), format_(format) {}
  static base::Result<Format> format_of(std::FILE* file, const std::string& path);
  base::Status read_heads(std::FILE* file);
  base::Status check_size(int number) const;
  std::string name_of_page(int number) const;

  std::string path_;
  Format format_;
  int pages_ = 1;
  bool pages_lost_ = false;
  int orientation_ = 1;  // as Exif numbers it; of a TIFF each page has its own, which its reader heeds
};

}  // namespace ocr
