#include "clams/main.hpp"
#include "tesseract_app.hpp"

int main(int argc, char** argv) { return clams::main<ocr_app::TesseractApp>(argc, argv); }
