#include "ocr/picture.hpp"

#include <leptonica/allheaders.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "orientation.hpp"
#include "quiet.hpp"
#include "tiff_directory.hpp"

namespace ocr {
namespace {

using base::Error;
using base::ErrorCode;

using File = std::unique_ptr<FILE, int (*)(FILE*)>;

base::Status check_dimensions(std::int64_t width, std::int64_t height, const std::string& what) {
  if (width > 0 && height > 0 && width <= Picture::kMaxSide && height <= Picture::kMaxSide && width * height <= Picture::kMaxPixels)
    return {};
  return Error{ErrorCode::InvalidArgument,
               what + " is " + std::to_string(width) + " x " + std::to_string(height) +
                   " pixels; a picture may have 1 to 32767 a side and 128 million in all: scale it down"};
}

}  // namespace

void Picture::Delete::operator()(Pix* pix) const noexcept { pixDestroy(&pix); }

int Picture::width() const noexcept { return pixGetWidth(pix_.get()); }
int Picture::height() const noexcept { return pixGetHeight(pix_.get()); }

base::Result<Picture> Picture::from_gray(const std::uint8_t* pixels, int width, int height, std::size_t stride) {
  BASE_TRY(check_dimensions(width, height, "the grey picture"));
  const auto row = static_cast<std::size_t>(width);
  if (stride < row) return Error{ErrorCode::InvalidArgument, "the grey picture has a stride of fewer bytes than its width"};
  silence_libraries();
  Pix* pix = pixCreateNoInit(width, height, 8);
  if (pix == nullptr)
    return Error{ErrorCode::Unavailable,
                 "out of memory for a picture of " + std::to_string(width) + " x " + std::to_string(height)};
  auto* data = reinterpret_cast<std::uint8_t*>(pixGetData(pix));
  const auto step = static_cast<std::size_t>(pixGetWpl(pix)) * 4;
  for (int y = 0; y < height; ++y) {
    auto* target = data + static_cast<std::size_t>(y) * step;
    std::memcpy(target, pixels + static_cast<std::size_t>(y) * stride, row);
    std::memset(target + row, 255, step - row);
  }
  pixEndianByteSwap(pix);  // leptonica counts the bytes of a 32-bit word from its most significant one
  return Picture(pix);
}

// By the first bytes. leptonica's own test needs the whole directory of a TIFF, so a cut file would be of "no known format".
base::Result<ImageFile::Format> ImageFile::format_of(std::FILE* file, const std::string& path) {
  char bytes[8] = {};
  const std::string_view begin(bytes, std::fread(bytes, 1, sizeof bytes, file));
  if (begin == "\x89PNG\r\n\x1a\n") return Format::Png;
  if (begin.starts_with("\xff\xd8\xff")) return Format::Jpeg;
  for (const std::string_view tiff :
       {std::string_view("II*\0", 4), std::string_view("MM\0*", 4), std::string_view("II+\0", 4), std::string_view("MM\0+", 4)})
    if (begin.starts_with(tiff)) return Format::Tiff;
  return Error{ErrorCode::Unsupported,
               "\"" + path + "\" is no PNG, JPEG or TIFF image (its first bytes say so, whatever its name says)"};
}

base::Result<ImageFile> ImageFile::open(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return base::error_from_errno("cannot open image \"" + path + "\"", errno);
  if (!S_ISREG(info.st_mode))
    return Error{ErrorCode::InvalidArgument, "cannot open \"" + path + "\" as an image: it is not a regular file"};
  const File file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (!file) return base::error_from_errno("cannot open image \"" + path + "\"", errno);
  silence_libraries();
  BASE_TRY_ASSIGN(const Format format, format_of(file.get(), path));
  ImageFile image(path, format);
  BASE_TRY(image.read_heads(file.get()));
  return image;
}

base::Status ImageFile::read_heads(std::FILE* file) {
  if (format_ == Format::Jpeg) orientation_ = orientation_of_jpeg(file);
  if (format_ == Format::Png) orientation_ = orientation_of_png(file);
  if (format_ != Format::Tiff) return {};
  const TiffPages found = pages_of_tiff(file);
  if (found.readable == 0)
    return Error{ErrorCode::Corrupt, "cannot read image \"" + path_ + "\": its TIFF directory is truncated or damaged"};
  pages_ = found.readable;
  pages_lost_ = !found.whole;
  return {};
}

std::string ImageFile::name_of_page(int number) const {
  return (pages_ > 1 ? "page " + std::to_string(number + 1) + " of " : std::string()) + "image \"" + path_ + "\"";
}

base::Status ImageFile::check_size(int number) const {
  l_int32 width = 0, height = 0;
  const bool failed = format_ == Format::Tiff
                          ? readHeaderTiff(path_.c_str(), number, &width, &height, nullptr, nullptr, nullptr, nullptr, nullptr) != 0
                          : pixReadHeader(path_.c_str(), nullptr, &width, &height, nullptr, nullptr, nullptr) != 0;
  if (failed) return Error{ErrorCode::Corrupt, "cannot read " + name_of_page(number) + ": its header is truncated or damaged"};
  return check_dimensions(width, height, name_of_page(number));
}

base::Result<Picture> ImageFile::read(int number) const {
  if (number < 0 || number >= pages_)
    return Error{ErrorCode::InvalidArgument,
                 "image \"" + path_ + "\" has no page " + std::to_string(number + 1) + ", only " + std::to_string(pages_)};
  BASE_TRY(check_size(number));
  l_int32 warnings = 0;
  Pix* pix = format_ == Format::Tiff   ? pixReadTiff(path_.c_str(), number)
             : format_ == Format::Jpeg ? pixReadJpeg(path_.c_str(), 0, 1, &warnings, L_JPEG_CONTINUE_WITH_BAD_DATA)
                                       : pixRead(path_.c_str());
  if (pix == nullptr)
    return Error{ErrorCode::Corrupt,
                 "cannot decode " + name_of_page(number) + ": it is truncated or damaged, or of a kind that is not read here"};
  Picture picture(upright(pix, orientation_), warnings > 0);
  if (picture.pix_ == nullptr) return Error{ErrorCode::Unavailable, "out of memory for " + name_of_page(number)};
  return picture;
}

}  // namespace ocr
