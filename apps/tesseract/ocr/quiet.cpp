#include "quiet.hpp"

#include <dlfcn.h>
#include <leptonica/allheaders.h>
#include <tesseract/baseapi.h>

#include <mutex>

namespace ocr {

void silence_libraries() {
  static std::once_flag once;
  std::call_once(once, [] {
    setMsgSeverity(L_SEVERITY_NONE);
    tesseract::TessBaseAPI api;  // the variable is one per process, the way to it is an object
    api.SetVariable("debug_file", "/dev/null");
  });
}

void forbid_openmp_in_this_thread() {
  // By name, so that a Tesseract built without OpenMP, or with another runtime of it, will do.
  using SetLevels = void (*)(int);
  static const auto set_levels = reinterpret_cast<SetLevels>(::dlsym(RTLD_DEFAULT, "omp_set_max_active_levels"));
  thread_local bool done = false;
  if (done || set_levels == nullptr) return;
  set_levels(0);
  done = true;
}

}  // namespace ocr
