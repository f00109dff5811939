#include "json_grammar.hpp"

#include <array>
#include <cstring>

#include "mmif/json.hpp"

namespace mmif {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// What may follow a scalar. Anything else would be swallowed by it, since only the first byte of a run of scalar bytes is
// structural; nor is a quote that follows one.
bool ends_token(std::string_view text, std::size_t at) {
  return at >= text.size() || std::string_view(" \n\r\t,:[]{}").find(text[at]) != std::string_view::npos;
}

// Escapes of the string between its quotes.
bool has_good_escapes(std::string_view text, std::size_t at, std::size_t end) {
  for (;;) {
    const void* found = std::memchr(text.data() + at, '\\', end - at);
    if (found == nullptr) return true;
    at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    const char escaped = text[at + 1];
    if (escaped == 'u') {
      if (end - at < 6 || !is_hex(text[at + 2]) || !is_hex(text[at + 3]) || !is_hex(text[at + 4]) || !is_hex(text[at + 5]))
        return false;
      at += 6;
    } else {
      if (std::string_view("\"\\/bfnrt").find(escaped) == std::string_view::npos) return false;
      at += 2;
    }
  }
}

bool is_number(std::string_view text, std::size_t at) {
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - from;
  };
  if (text[at] == '-') ++at;
  const bool zero = at < text.size() && text[at] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return ends_token(text, at);
}

bool is_word(std::string_view text, std::size_t at, std::string_view word) {
  return text.substr(at).starts_with(word) && ends_token(text, at + word.size());
}

bool is_word_or_number(std::string_view text, std::size_t at) {
  switch (text[at]) {
    case 't': return is_word(text, at, "true");
    case 'f': return is_word(text, at, "false");
    case 'n': return is_word(text, at, "null");
    case 'N': return is_word(text, at, "NaN");
    case 'I': return is_word(text, at, "Infinity");
    case '-': return is_number(text, at) || is_word(text, at, "-Infinity");
    default: return is_number(text, at);
  }
}

enum class Expect { Value, ValueOrEnd, Key, KeyOrEnd, Colon, CommaOrEnd };

// The containers that are open, and the shallow ones among all.
class Nesting {
 public:
  explicit Nesting(std::vector<Bracketed>& wide) : wide_(wide) { wide_.clear(); }
  bool open(char bracket, std::size_t structural) {
    if (open_.size() >= kMaxDepth) return false;
    open_.push_back(bracket);
    if (open_.size() <= kWideDepth) {
      at_depth_[open_.size() - 1] = wide_.size();
      wide_.push_back({static_cast<std::uint32_t>(structural), 0});
    }
    return true;
  }
  void close(std::size_t structural) {
    if (open_.size() <= kWideDepth) wide_[at_depth_[open_.size() - 1]].close = static_cast<std::uint32_t>(structural);
    open_.pop_back();
  }
  bool in_object() const { return open_.back() == '{'; }
  bool empty() const { return open_.empty(); }

 private:
  std::vector<Bracketed>& wide_;
  std::vector<char> open_;  // '{' or '[' of each level
  std::array<std::size_t, kWideDepth> at_depth_{};
};

}  // namespace

bool is_json_value(std::string_view text, std::span<const std::uint32_t> structurals, std::vector<Bracketed>& wide) {
  const bool escapes = text.find('\\') != std::string_view::npos;
  // A string ends at the last quote before the next structural: what stands between is white space.
  const auto is_string = [&](std::size_t i) {
    if (!escapes) return true;
    std::size_t end = i + 1 < structurals.size() ? structurals[i + 1] : text.size();
    while (text[end - 1] != '"') --end;
    return has_good_escapes(text, structurals[i] + std::size_t{1}, end - 1);
  };
  Nesting nesting(wide);
  Expect expect = Expect::Value;
  bool finished = false;
  for (std::size_t i = 0; i < structurals.size(); ++i) {
    if (finished) return false;
    const char c = text[structurals[i]];
    switch (expect) {
      case Expect::ValueOrEnd:
      case Expect::Value:
        if (c == '"') {
          if (!is_string(i)) return false;
        } else if (c == '{' || c == '[') {
          if (!nesting.open(c, i)) return false;
          expect = c == '{' ? Expect::KeyOrEnd : Expect::ValueOrEnd;
          continue;
        } else if (c == ']' && expect == Expect::ValueOrEnd) {
          nesting.close(i);
        } else if (!is_word_or_number(text, structurals[i])) {
          return false;
        }
        break;
      case Expect::KeyOrEnd:
      case Expect::Key:
        if (c == '"') {
          if (!is_string(i)) return false;
          expect = Expect::Colon;
          continue;
        }
        if (c != '}' || expect == Expect::Key) return false;
        nesting.close(i);
        break;
      case Expect::Colon:
        if (c != ':') return false;
        expect = Expect::Value;
        continue;
      case Expect::CommaOrEnd:
        if (c == ',') {
          expect = nesting.in_object() ? Expect::Key : Expect::Value;
          continue;
        }
        if (c != (nesting.in_object() ? '}' : ']')) return false;
        nesting.close(i);
        break;
    }
    finished = nesting.empty();  // a value has just ended
    expect = Expect::CommaOrEnd;
  }
  return finished;
}

}  // namespace mmif
