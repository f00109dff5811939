#include "base/shared_library.hpp"

#include <dlfcn.h>

#include <utility>

namespace base {

SharedLibrary::SharedLibrary(SharedLibrary&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), leaked_(std::exchange(other.leaked_, false)) {}

SharedLibrary& SharedLibrary::operator=(SharedLibrary&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(leaked_, other.leaked_);
  return *this;
}

SharedLibrary::~SharedLibrary() {
  if (handle_ != nullptr && !leaked_) ::dlclose(handle_);
}

Result<SharedLibrary> SharedLibrary::open(const std::string& path) {
  SharedLibrary library;
  library.handle_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library.handle_ == nullptr) {
    const char* reason = ::dlerror();
    return Error{ErrorCode::NotFound, "cannot load library '" + path + "': " + (reason != nullptr ? reason : "unknown reason")};
  }
  return library;
}

void* SharedLibrary::symbol(const char* name) const noexcept { return handle_ == nullptr ? nullptr : ::dlsym(handle_, name); }

}  // namespace base
