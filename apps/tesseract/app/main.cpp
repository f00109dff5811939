#include "clams/main.hpp"

#include "tesseract_app.hpp"
#include "video_pages.hpp"

int main(int argc, char** argv) {
  ocr_app::quiet_video_library();
  return clams::main<ocr_app::TesseractApp>(argc, argv);
}
