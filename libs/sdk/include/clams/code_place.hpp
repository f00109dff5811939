// Where in the source something was said.
#pragma once

namespace clams {

// std::source_location in short: clang 14 with libstdc++ does not have it.
struct CodePlace {
  const char* file;
  int line;
  static constexpr CodePlace here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

}  // namespace clams
