#include "test_pictures.hpp"

#include <leptonica/allheaders.h>
#include <stdlib.h>
#include <tesseract/baseapi.h>

#include <filesystem>
#include <vector>

#include "base/fd.hpp"
#include "base/files.hpp"

namespace ocr::test {
namespace {

struct PixDelete {
  void operator()(Pix* pix) const noexcept { pixDestroy(&pix); }
};
using PixPtr = std::unique_ptr<Pix, PixDelete>;

// `height` rows of the sample page from row `top` on, without its margins.
PixPtr cut(int height, int top = 120) {
  const PixPtr page(pixRead(sample("page.png").c_str()));
  const std::unique_ptr<Box, void (*)(Box*)> box(boxCreate(60, top, kLineWidth, height), [](Box* b) { boxDestroy(&b); });
  return PixPtr(pixClipRectangle(page.get(), box.get(), nullptr));
}

}  // namespace

void InTemporaryDirectory::SetUp() {
  std::string name = (std::filesystem::temp_directory_path() / "ocr_XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  directory_ = name;
}

void InTemporaryDirectory::TearDown() {
  if (!HasFailure()) std::filesystem::remove_all(directory_);
}

std::string sample(const std::string& name) { return std::string(OCR_SAMPLE_DIRECTORY) + "/" + name; }

std::string sample_text() { return base::read_file(sample("page.txt")).value(); }

Picture sample_page() { return ImageFile::open(sample("page.png")).value().read(0).value(); }

void write_title(const std::string& path, int depth) {
  PixPtr pix = cut(140);
  if (depth == 1) pix.reset(pixThresholdToBinary(pix.get(), 128));
  if (depth == 16) pix.reset(pixConvert8To16(pix.get(), 8));
  if (depth == 32) pix.reset(pixConvert8To32(pix.get()));
  const std::string extension = std::filesystem::path(path).extension().string();
  const int format = extension == ".png"   ? IFF_PNG
                     : extension == ".jpg" ? IFF_JFIF_JPEG
                     : extension == ".bmp" ? IFF_BMP
                     : depth == 1          ? IFF_TIFF_G4
                                           : IFF_TIFF_LZW;
  ASSERT_EQ(pixWrite(path.c_str(), pix.get(), format), 0);
}

void write_tiff(const std::string& path, int pages) {
  for (int n = 0; n < pages; ++n)
    ASSERT_EQ(pixWriteTiff(path.c_str(), cut(170 + 47 * n).get(), IFF_TIFF_ZIP, n == 0 ? "w" : "a"), 0);
}

namespace {

std::uint32_t number_at(const std::string& bytes, std::size_t at, std::size_t size, bool big_endian = false) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[big_endian ? at + i : at + size - 1 - i]);
  return value;
}

// Where the directory of a page of a little-endian TIFF lies.
std::size_t directory_of(const std::string& bytes, int page) {
  std::size_t at = number_at(bytes, 4, 4);
  for (int n = 1; n < page; ++n) at = number_at(bytes, at + 2 + number_at(bytes, at, 2) * 12, 4);
  return at;
}

// Where the entry of a tag stands, 0 if there is none.
std::size_t entry_of(const std::string& bytes, std::size_t directory, std::uint32_t tag) {
  for (std::uint32_t n = 0; n < number_at(bytes, directory, 2); ++n)
    if (const std::size_t at = directory + 2 + n * 12; number_at(bytes, at, 2) == tag) return at;
  return 0;
}

void write(const std::string& path, const std::string& bytes) { ASSERT_TRUE(base::write_file_atomically(path, bytes)); }

// A TIFF head with one entry: the orientation. Big-endian for odd values.
std::string exif_of(int orientation) {
  const auto value = static_cast<char>(orientation);
  if (orientation % 2 == 0) return std::string("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 18) + value + std::string(7, '\0');
  return std::string("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19) + value + std::string(6, '\0');
}

std::string big_endian(std::uint32_t value, int size) {
  std::string bytes;
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
  return bytes;
}

// As PNG checks its chunks.
std::uint32_t crc_of(const std::string& bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

void state_orientation(const std::string& path, int orientation) {
  std::string bytes = base::read_file(path).value();
  const std::string exif = exif_of(orientation);
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension == ".jpg") {
    const std::string block = std::string("Exif\0\0", 6) + exif;
    bytes.insert(2, "\xff\xe1" + big_endian(static_cast<std::uint32_t>(block.size() + 2), 2) + block);
  } else if (extension == ".png") {
    const std::string chunk = "eXIf" + exif;
    bytes.insert(33, big_endian(static_cast<std::uint32_t>(exif.size()), 4) + chunk + big_endian(crc_of(chunk), 4));
  } else {
    // leptonica writes no such tag; that of the page number or of the software makes room for none, so an entry is replaced.
    const std::size_t directory = directory_of(bytes, 1);
    const std::uint32_t count = number_at(bytes, directory, 2);
    std::string entries = bytes.substr(directory + 2, count * 12);
    std::size_t at = 0;
    while (at < entries.size() && number_at(entries, at, 2) < 0x0112) at += 12;
    const std::string entry = std::string("\x12\x01\x03\0\x01\0\0\0", 8) + static_cast<char>(orientation) + std::string(3, '\0');
    if (at < entries.size() && number_at(entries, at, 2) == 0x0112)
      entries.replace(at, 12, entry);
    else
      entries.insert(at, entry);
    // The new directory stands at the end of the file.
    if (bytes.size() % 2 != 0) bytes += '\0';
    const auto place = static_cast<std::uint32_t>(bytes.size()), entries_count = static_cast<std::uint32_t>(entries.size() / 12);
    bytes += static_cast<char>(entries_count);
    bytes += '\0';
    bytes += entries + std::string(4, '\0');
    for (std::size_t i = 0; i < 4; ++i) bytes[4 + i] = static_cast<char>(place >> (8 * i) & 0xFF);
  }
  write(path, bytes);
}

}  // namespace

void damage_tiff_page(const std::string& path, int page) {
  std::string bytes = base::read_file(path).value();
  const std::size_t directory = directory_of(bytes, page);
  constexpr std::uint32_t kStripOffsets = 273;
  const std::size_t entry = entry_of(bytes, directory, kStripOffsets);
  ASSERT_NE(entry, 0U);
  const std::size_t strip =
      number_at(bytes, entry + 4, 4) == 1 ? number_at(bytes, entry + 8, 4) : number_at(bytes, number_at(bytes, entry + 8, 4), 4);
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(strip), 64, '\x55');
  write(path, bytes);
}

void cut_tiff_before_directory(const std::string& path, int page) {
  const std::string bytes = base::read_file(path).value();
  write(path, bytes.substr(0, directory_of(bytes, page)));
}

void write_turned_title(const std::string& path, int orientation) {
  // What turns the stored picture upright, the other way round. 6 and 8 undo each other, the rest itself.
  const PixPtr title = cut(140);
  PixPtr stored;
  switch (orientation) {
    case 2: stored.reset(pixFlipLR(nullptr, title.get())); break;
    case 3: stored.reset(pixRotateOrth(title.get(), 2)); break;
    case 4: stored.reset(pixFlipTB(nullptr, title.get())); break;
    case 5: stored.reset(pixFlipLR(nullptr, PixPtr(pixRotateOrth(title.get(), 1)).get())); break;
    case 6: stored.reset(pixRotateOrth(title.get(), 3)); break;
    case 7: stored.reset(pixFlipTB(nullptr, PixPtr(pixRotateOrth(title.get(), 1)).get())); break;
    case 8: stored.reset(pixRotateOrth(title.get(), 1)); break;
    default: stored.reset(pixCopy(nullptr, title.get()));
  }
  const std::string extension = std::filesystem::path(path).extension().string();
  const int format = extension == ".png" ? IFF_PNG : extension == ".jpg" ? IFF_JFIF_JPEG : IFF_TIFF_LZW;
  ASSERT_EQ(pixWrite(path.c_str(), stored.get(), format), 0);
  state_orientation(path, orientation);
}

void write_white(const std::string& path) {
  const PixPtr pix(pixCreate(300, 200, 8));
  pixSetAll(pix.get());
  ASSERT_EQ(pixWrite(path.c_str(), pix.get(), IFF_PNG), 0);
}

std::vector<std::uint8_t> sample_line(int number) {
  // Lines stand 44 pixels apart, paragraphs a line further.
  const int row = number <= 3 ? number : number + 1;
  const PixPtr line(pixConvertTo8(cut(kLineHeight, 214 + kLineHeight * row).get(), 0));
  std::vector<std::uint8_t> grey;
  for (int y = 0; y < kLineHeight; ++y)
    for (int x = 0; x < kLineWidth; ++x) {
      l_uint32 value = 0;
      pixGetPixel(line.get(), x, y, &value);
      grey.push_back(static_cast<std::uint8_t>(value));
    }
  return grey;
}

Picture title_over(int left, int right) {
  const PixPtr title(pixConvertTo8(cut(140).get(), 0));
  const int width = 501, height = pixGetHeight(title.get());
  const std::size_t stride = 520;
  std::vector<std::uint8_t> grey(stride * static_cast<std::size_t>(height), 77);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      l_uint32 value = 0;
      pixGetPixel(title.get(), x, y, &value);
      const int ground = left + (right - left) * x / width;
      grey[static_cast<std::size_t>(y) * stride + static_cast<std::size_t>(x)] =
          static_cast<std::uint8_t>(ground * (30 + 70 * static_cast<int>(value) / 255) / 100);
    }
  return Picture::from_gray(grey.data(), width, height, stride).value();
}

void write_slow_page(const std::string& path) {
  const PixPtr page(pixConvertTo8(PixPtr(pixRead(sample("page.png").c_str())).get(), 0));
  std::uint32_t random = 1;
  for (int y = 0; y < pixGetHeight(page.get()); ++y)
    for (int x = 0; x < pixGetWidth(page.get()); ++x) {
      l_uint32 value = 0;
      pixGetPixel(page.get(), x, y, &value);
      random = random * 1664525 + 1013904223;
      pixSetPixel(page.get(), x, y, (value + (random >> 24)) / 2);
    }
  ASSERT_EQ(pixWrite(path.c_str(), page.get(), IFF_PNG), 0);
}

void link_english(const std::string& directory, const std::string& language) {
  tesseract::TessBaseAPI api;
  ASSERT_EQ(api.Init(nullptr, "eng", tesseract::OEM_LSTM_ONLY), 0) << "these tests need the package tesseract-ocr-eng";
  std::filesystem::create_symlink(std::filesystem::path(api.GetDatapath()) / "eng.traineddata",
                                  std::filesystem::path(directory) / (language + ".traineddata"));
}

}  // namespace ocr::test
