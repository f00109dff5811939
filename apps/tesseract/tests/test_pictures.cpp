#include "test_pictures.hpp"

#include <leptonica/allheaders.h>
#include <stdlib.h>
#include <tesseract/baseapi.h>

#include <filesystem>
#include <vector>

#include "base/fd.hpp"

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
