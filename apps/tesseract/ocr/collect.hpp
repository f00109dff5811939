// From Tesseract's result to a Page.
#pragma once
#include <tesseract/resultiterator.h>

#include "ocr/page.hpp"

namespace ocr {

// Appends everything `it` (at its beginning, not null) walks over to `page`.
void collect(tesseract::ResultIterator& it, Page& page);

}  // namespace ocr
