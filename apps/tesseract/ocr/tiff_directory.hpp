// How many pages a TIFF file has, by its chain of directories.
#pragma once
#include <cstdio>

namespace ocr {

struct TiffPages {
  int readable = 0;    // directories that lie within the file, from the first on
  bool whole = false;  // the chain ends as it should; else pages may be lost after the last one
};

// Looks at the directories only, not at the pages. libtiff's own count ends silently where the chain is broken.
TiffPages pages_of_tiff(std::FILE* file);

}  // namespace ocr
