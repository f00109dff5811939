// What a fuzz target claims: a broken claim ends the program, which is how libFuzzer learns of it.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <string_view>

inline void claim(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "broken claim: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}
