// Strict check of a JSON text that also gives the place of every structural character.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.hpp"

namespace mmif {

inline constexpr std::size_t kPadding = 64;  // bytes after the text that the checker may read (not use)

// The two brackets of a container, as structural indices.
struct Bracketed {
  std::uint32_t open, close;
};
inline constexpr std::size_t kWideDepth = 5;  // root, views, view, annotations; one more in an envelope

// Offsets of { } [ ] : , and of the first byte of every string, number and literal, in order.
struct Structurals {
  std::span<const std::uint32_t> offsets;
  // Containers down to kWideDepth, in order of their opening: what would take long to skip one structural at a time.
  std::span<const Bracketed> wide;
  std::uint32_t operator[](std::size_t i) const { return offsets[i]; }
};

// Keeps the parser's buffers between documents (up to a few MiB). One per thread.
class JsonChecker {
 public:
  JsonChecker();
  ~JsonChecker();
  JsonChecker(const JsonChecker&) = delete;
  JsonChecker& operator=(const JsonChecker&) = delete;

  // `text` must be followed by kPadding readable bytes. The span lives until the next call or `shrink`. Errors as parse_json.
  base::Result<Structurals> check(std::string_view text);
  // Frees the buffers when the last text was large.
  void shrink() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// This thread's checker.
JsonChecker& thread_checker();

// Shrinks this thread's checker on destruction.
class CheckerScope {
 public:
  CheckerScope() : checker_(thread_checker()) {}
  CheckerScope(const CheckerScope&) = delete;
  CheckerScope& operator=(const CheckerScope&) = delete;
  ~CheckerScope() { checker_.shrink(); }
  JsonChecker& operator*() const noexcept { return checker_; }
  JsonChecker* operator->() const noexcept { return &checker_; }

 private:
  JsonChecker& checker_;
};

}  // namespace mmif
