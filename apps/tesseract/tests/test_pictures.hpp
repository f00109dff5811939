// Pictures and language data that tests make for themselves.
#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ocr/picture.hpp"

namespace ocr::test {

// A fresh directory per test, removed unless the test failed.
class InTemporaryDirectory : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
};

std::string sample(const std::string& name);  // a file of the sample page's folder
std::string sample_text();
Picture sample_page();

// The sample's title line as a file; the format follows from the extension (png, jpg, tif, bmp).
void write_title(const std::string& path, int depth = 8);
// A page with nothing on it.
void write_white(const std::string& path);
// Line `number` of the sample page (1 to 9: "Four score and seven …"), 1160 x 44 grey pixels without padding.
std::vector<std::uint8_t> sample_line(int number);
inline constexpr int kLineWidth = 1160, kLineHeight = 44;
// `pages` pages; page n holds the title and n + 1 lines of the text below it.
void write_tiff(const std::string& path, int pages);

// Makes the pixels of page `page` (from 1) of such a file undecodable.
void damage_tiff_page(const std::string& path, int page);
// Cuts the file so that the directory of page `page` is lost.
void cut_tiff_before_directory(const std::string& path, int page);
// The title stored so that it stands upright when turned by `orientation` (1 to 8), which the file states: .jpg, .png or .tif.
void write_turned_title(const std::string& path, int orientation);

// The sample's title as grey pixels with padded rows and an odd width, darker by up to 70 % than a ground that runs from `left` to
// `right`.
Picture title_over(int left, int right);

// The sample page under noise: with sparse text and adaptive thresholds it takes tens of seconds.
void write_slow_page(const std::string& path);

// Puts a link to the installed English data into `directory`, as `language`.
void link_english(const std::string& directory, const std::string& language);

}  // namespace ocr::test
