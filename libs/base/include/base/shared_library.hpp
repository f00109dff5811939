// A library loaded at run time.
#pragma once
#include <string>

#include "base/result.hpp"

namespace base {

// dlopen(RTLD_NOW | RTLD_LOCAL). Move-only; closed on destruction unless `leak()` was called (driver libraries are never unloaded:
// their threads may still run during process exit).
class SharedLibrary {
 public:
  SharedLibrary() = default;
  SharedLibrary(SharedLibrary&& other) noexcept;
  SharedLibrary& operator=(SharedLibrary&& other) noexcept;
  SharedLibrary(const SharedLibrary&) = delete;
  SharedLibrary& operator=(const SharedLibrary&) = delete;
  ~SharedLibrary();

  static Result<SharedLibrary> open(const std::string& path);
  // nullptr when absent.
  void* symbol(const char* name) const noexcept;
  explicit operator bool() const noexcept { return handle_ != nullptr; }
  void leak() noexcept { leaked_ = true; }

 private:
  void* handle_ = nullptr;
  bool leaked_ = false;
};

}  // namespace base
