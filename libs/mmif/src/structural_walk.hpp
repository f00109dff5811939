// Moving over a checked JSON text by its structural characters, without looking at what lies between.
#pragma once
#include <algorithm>
#include <cstddef>
#include <string_view>

#include "json_check.hpp"
#include "json_scan.hpp"

namespace mmif {

class StructuralWalk {
 public:
  StructuralWalk(std::string_view text, Structurals structurals) : text_(text), structurals_(structurals) {}

  char kind(std::size_t i) const { return text_[structurals_[i]]; }  // { [ " or the first byte of a number or literal
  std::size_t offset(std::size_t i) const { return structurals_[i]; }
  std::string_view text() const { return text_; }
  bool is_string(std::size_t i) const { return kind(i) == '"'; }
  bool is_object(std::size_t i) const { return kind(i) == '{'; }
  bool is_array(std::size_t i) const { return kind(i) == '['; }

  // Index one past the value at i.
  std::size_t skip(std::size_t i) const {
    if (!is_object(i) && !is_array(i)) return i + 1;
    for (std::size_t depth = 0;; ++i) {
      const char c = kind(i);
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return i + 1;
    }
  }
  // The same at once for containers that `wide` knows.
  std::size_t skip_wide(std::size_t i) const {
    const auto at = std::lower_bound(structurals_.wide.begin(), structurals_.wide.end(), i,
                                     [](const Bracketed& b, std::size_t open) { return b.open < open; });
    return at != structurals_.wide.end() && at->open == i ? at->close + std::size_t{1} : skip(i);
  }
  bool is_empty_string(std::size_t i) const { return text_[offset(i) + 1] == '"'; }
  std::string_view slice(std::size_t i) const {
    const std::size_t begin = offset(i);
    const std::size_t end = is_object(i) || is_array(i) ? offset(skip_wide(i) - 1) + 1 : skip_value(text_, begin);
    return text_.substr(begin, end - begin);
  }
  // visit(key index, value index) -> false stops. REQUIRES: object at i. `wide`: its values may be long.
  template <class Visit>
  void members(std::size_t i, Visit&& visit, bool wide = false) const {
    for (++i; kind(i) != '}';) {
      const std::size_t value = i + 2;
      const std::size_t next = wide ? skip_wide(value) : skip(value);
      if (!visit(i, value)) return;
      i = kind(next) == ',' ? next + 1 : next;
    }
  }
  // visit(element index) -> false stops. REQUIRES: array at i.
  template <class Visit>
  void elements(std::size_t i, Visit&& visit, bool wide = false) const {
    for (++i; kind(i) != ']';) {
      const std::size_t next = wide ? skip_wide(i) : skip(i);
      if (!visit(i)) return;
      i = kind(next) == ',' ? next + 1 : next;
    }
  }
  bool key_is(std::size_t key, std::string_view name) const { return string_equals(text_, offset(key), name); }
  std::string key(std::size_t i) const { return read_string(text_, offset(i)); }

 private:
  std::string_view text_;
  Structurals structurals_;
};

}  // namespace mmif
