#include "json_diagnose.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

#include "mmif/json.hpp"
#include "utf8.hpp"

namespace mmif {
namespace {

using base::Error;
using base::ErrorCode;

Error at_position(std::string_view text, std::size_t offset, std::string_view message) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t line_start = lines == 0 ? 0 : before.rfind('\n') + 1;
  return {ErrorCode::InvalidDocument, std::string(message) + ": line " + std::to_string(lines + 1) + " column " +
                                          std::to_string(count_code_points(before.substr(line_start)) + 1) + " (char " +
                                          std::to_string(count_code_points(before)) + ")"};
}

// A recogniser of JSON as Python reads it; stops at the first fault. Depth is bounded by kMaxDepth.
class Finder {
 public:
  explicit Finder(std::string_view text) : text_(text) {}

  bool find() {
    if (!value(0)) return true;
    skip_space();
    return at_ < text_.size() && fail(at_, "Extra data");
  }
  std::size_t offset() const { return offset_; }
  std::string_view message() const { return message_; }
  bool too_deep() const { return too_deep_; }

 private:
  bool fail(std::size_t offset, std::string_view message) {
    offset_ = offset;
    message_ = message;
    return true;
  }
  bool bad(std::size_t offset, std::string_view message) { return !fail(offset, message); }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() && (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t')) ++at_;
  }

  bool value(std::size_t depth) {
    skip_space();
    if (depth >= kMaxDepth && (peek() == '{' || peek() == '[')) {
      too_deep_ = true;
      return bad(at_, "nesting");
    }
    switch (peek()) {
      case '{': return object(depth);
      case '[': return array(depth);
      case '"': return string();
      default: return literal() || number() || bad(at_, "Expecting value");
    }
  }

  bool literal() {
    for (const std::string_view word : {"true", "false", "null", "NaN", "Infinity", "-Infinity"}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return true;
      }
    }
    return false;
  }

  std::size_t digits() {
    const std::size_t from = at_;
    while (at_ < text_.size() && peek() >= '0' && peek() <= '9') ++at_;
    return at_ - from;
  }

  bool number() {
    const std::size_t from = at_;
    if (peek() == '-') ++at_;
    if (peek() == '0')
      ++at_;
    else if (digits() == 0) {
      at_ = from;
      return false;
    }
    const std::size_t whole = at_;
    if (peek() == '.') {
      ++at_;
      if (digits() == 0) at_ = whole;
    }
    const std::size_t fraction = at_;
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (digits() == 0) at_ = fraction;
    }
    return true;
  }

  bool escape() {
    if (at_ + 1 == text_.size()) return ++at_ != 0;  // the string does not end
    const char c = text_[at_ + 1];
    if (c == 'u') {
      for (std::size_t i = at_ + 2; i < at_ + 6; ++i) {
        if (i >= text_.size() || !std::isxdigit(static_cast<unsigned char>(text_[i])))
          return bad(at_ + 1, "Invalid \\uXXXX escape");
      }
      at_ += 6;
      return true;
    }
    if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) return bad(at_, "Invalid \\escape");
    at_ += 2;
    return true;
  }

  bool string() {
    const std::size_t from = at_++;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return bad(at_, "Invalid control character at");
      if (c == '\\') {
        if (!escape()) return false;
      } else {
        ++at_;
      }
    }
    return bad(from, "Unterminated string starting at");
  }

  bool object(std::size_t depth) {
    ++at_;
    skip_space();
    if (peek() == '}') return ++at_, true;
    for (;;) {
      skip_space();
      if (peek() != '"') return bad(at_, "Expecting property name enclosed in double quotes");
      if (!string()) return false;
      skip_space();
      if (peek() != ':') return bad(at_, "Expecting ':' delimiter");
      ++at_;
      if (!value(depth + 1)) return false;
      skip_space();
      if (peek() == '}') return ++at_, true;
      if (peek() != ',') return bad(at_, "Expecting ',' delimiter");
      ++at_;
    }
  }

  bool array(std::size_t depth) {
    ++at_;
    skip_space();
    if (peek() == ']') return ++at_, true;
    for (;;) {
      if (!value(depth + 1)) return false;
      skip_space();
      if (peek() == ']') return ++at_, true;
      if (peek() != ',') return bad(at_, "Expecting ',' delimiter");
      ++at_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0, offset_ = 0;
  std::string_view message_;
  bool too_deep_ = false;
};

}  // namespace

Error diagnose_json(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) return at_position(text, 0, "Unexpected UTF-8 BOM (decode using utf-8-sig)");
  if (const std::size_t bad = first_invalid_utf8(text); bad != std::string_view::npos) {
    std::array<char, 96> message{};
    std::snprintf(message.data(), message.size(), "'utf-8' codec can't decode byte 0x%02x in position %zu: the text must be UTF-8",
                  static_cast<unsigned>(static_cast<unsigned char>(text[bad])), bad);
    return {ErrorCode::InvalidDocument, message.data()};
  }
  Finder finder(text);
  if (finder.find()) {
    if (finder.too_deep()) {
      return at_position(text, finder.offset(), "Nesting of more than " + std::to_string(kMaxDepth) + " levels is not supported");
    }
    return at_position(text, finder.offset(), finder.message());
  }
  return {ErrorCode::InvalidDocument, "the text is not valid JSON"};
}

}  // namespace mmif
