#include "json_neutral.hpp"

#include <cstring>
#include <string_view>

namespace mmif {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '+' || c == '-' || c == '_'; }

int hex(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Code unit of "\uXXXX" at `at`, -1 if it is none.
int code_unit(std::string_view text, std::size_t at) {
  if (text.size() - at < 6 || text[at] != '\\' || text[at + 1] != 'u') return -1;
  int unit = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i) {
    const int digit = hex(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

bool is_high(int unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low(int unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

// Length of the number at `at` in JSON's grammar when nothing number-like follows, else 0.
std::size_t number_length(std::string_view text, std::size_t at, bool& risky) {
  std::size_t i = at;
  const auto digits = [&] {
    const std::size_t from = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - from;
  };
  if (i < text.size() && text[i] == '-') ++i;
  const bool leading_zero = i < text.size() && text[i] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (leading_zero && whole > 1)) return 0;
  risky = whole > 18;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return 0;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return 0;
    risky = true;
  }
  if (i < text.size() && is_word(text[i])) return 0;
  return i - at;
}

class Neutraliser {
 public:
  explicit Neutraliser(std::string& text) : text_(text) {}

  bool run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') string();
      else if (is_word(c)) word();
      else ++at_;
    }
    return changed_;
  }

 private:
  void blank(std::size_t length, bool zero) {
    std::memset(text_.data() + at_, ' ', length);
    if (zero) text_[at_] = '0';
    at_ += length;
    changed_ = true;
  }

  void string() {
    ++at_;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] != '\\') { ++at_; continue; }
      const int unit = code_unit(text_, at_);
      if (is_high(unit) && at_ + 6 < text_.size() && is_low(code_unit(text_, at_ + 6))) at_ += 12;
      else if (is_high(unit) || is_low(unit)) blank(6, false);
      else at_ += 2;
    }
    ++at_;
  }

  void word() {
    const std::string_view rest = std::string_view(text_).substr(at_);
    for (const std::string_view name : {"NaN", "Infinity", "-Infinity"}) {
      if (rest.starts_with(name) && (rest.size() == name.size() || !is_word(rest[name.size()]))) return blank(name.size(), true);
    }
    bool risky = false;
    const std::size_t length = number_length(text_, at_, risky);
    if (length != 0 && risky) return blank(length, true);
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
  }

  std::string& text_;
  std::size_t at_ = 0;
  bool changed_ = false;
};

}  // namespace

bool neutralise_json(std::string& text) { return Neutraliser(text).run(); }

}  // namespace mmif
