// Tesseract as values: a picture and options in, a page of text out.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "ocr/limits.hpp"
#include "ocr/page.hpp"
#include "ocr/picture.hpp"

namespace tesseract {
class TessBaseAPI;
}

namespace ocr {

enum class Thresholding {
  Otsu,      // one threshold for the page: best for pages and slates
  Adaptive,  // Leptonica's tiled Otsu: for text over uneven grounds; slow on noise
  Sauvola,   // local threshold
};

// Tesseract's page segmentation modes that yield text, by its numbers.
inline constexpr int kPageSegmentationModes[] = {1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
bool is_page_segmentation_mode(int mode) noexcept;

struct EngineOptions {
  std::vector<std::string> languages = {"eng"};  // codes as `tesseract --list-langs` prints them; the first is the main one
  std::string data_directory;                    // where the .traineddata files lie; empty: where the library looks by itself
};

struct PageOptions {
  int page_segmentation = 3;  // automatic
  Thresholding thresholding = Thresholding::Otsu;
  // Dots per inch assumed when the picture names none or fewer than kLeastDpi. 70 to 2400.
  int assumed_dpi = 150;
};
inline constexpr int kLeastDpi = 70;

// A loaded recogniser (LSTM only). One call at a time; different engines are independent. Holds 10 to 20 MB per language, 45 MB
// while it reads a page.
class Engine {
 public:
  // Loads the languages (50 ms each). Errors: InvalidArgument (a code that is no language code, none at all); Configuration:
  // language data missing or unreadable; the message names the Debian package and what is installed.
  static base::Result<Engine> load(const EngineOptions& options);
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  // Errors: InvalidArgument (options), Configuration (mode 1 without the data for `osd`), Cancelled, Timeout (asked between words
  // and lines: within about 20 ms once lines are being read; the layout of the page, usually tens of milliseconds, cannot be
  // interrupted), Internal. The engine stays usable after each.
  base::Result<Page> recognise(const Picture& picture, const PageOptions& options = {}, const Limits& limits = {});

  // Codes of the installed languages where this engine found its own, sorted.
  std::vector<std::string> installed_languages() const;

 private:
  explicit Engine(std::unique_ptr<tesseract::TessBaseAPI> api);
  std::unique_ptr<tesseract::TessBaseAPI> api_;
};

// "5.3.0"
std::string tesseract_version();

// "deu" -> "tesseract-ocr-deu", as Debian and Ubuntu name it.
std::string debian_package_of(const std::string& language);

}  // namespace ocr
