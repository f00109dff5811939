#include "json_grammar.hpp"

#include <cstring>
#include <vector>

#include "json_scan.hpp"
#include "mmif/json.hpp"

namespace mmif {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// What may follow a scalar. Anything else would be swallowed by it, since only the first byte of a run of scalar bytes is structural; nor is a quote that follows one.
bool ends_token(std::string_view text, std::size_t at) {
  return at >= text.size() || std::string_view(" \n\r\t,:[]{}").find(text[at]) != std::string_view::npos;
}

bool is_string(std::string_view text, std::size_t at) {
  const std::size_t end = skip_value(text, at) - 1;
  for (++at;;) {
    const void* found = std::memchr(text.data() + at, '\\', end - at);
    if (found == nullptr) return true;
    at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    const char escaped = text[at + 1];
    if (escaped == 'u') {
      if (end - at < 6 || !is_hex(text[at + 2]) || !is_hex(text[at + 3]) || !is_hex(text[at + 4]) || !is_hex(text[at + 5])) return false;
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

bool is_word(std::string_view text, std::size_t at, std::string_view word) { return text.substr(at).starts_with(word) && ends_token(text, at + word.size()); }

bool is_scalar(std::string_view text, std::size_t at) {
  switch (text[at]) {
    case '"': return is_string(text, at);
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

}  // namespace

bool is_json_value(std::string_view text, Structurals structurals) {
  std::vector<char> open;  // '{' or '[' of each level
  Expect expect = Expect::Value;
  bool finished = false;
  for (const std::uint32_t at : structurals) {
    if (finished) return false;
    const char c = text[at];
    switch (expect) {
      case Expect::ValueOrEnd:
      case Expect::Value:
        if (c == '{' || c == '[') {
          if (open.size() >= kMaxDepth) return false;
          open.push_back(c);
          expect = c == '{' ? Expect::KeyOrEnd : Expect::ValueOrEnd;
          continue;
        }
        if (c == ']' && expect == Expect::ValueOrEnd) {
          open.pop_back();
        } else if (!is_scalar(text, at)) {
          return false;
        }
        break;
      case Expect::KeyOrEnd:
      case Expect::Key:
        if (c == '"') {
          if (!is_string(text, at)) return false;
          expect = Expect::Colon;
          continue;
        }
        if (c != '}' || expect == Expect::Key) return false;
        open.pop_back();
        break;
      case Expect::Colon:
        if (c != ':') return false;
        expect = Expect::Value;
        continue;
      case Expect::CommaOrEnd:
        if (c == ',') {
          expect = open.back() == '{' ? Expect::Key : Expect::Value;
          continue;
        }
        if (c != (open.back() == '{' ? '}' : ']')) return false;
        open.pop_back();
        break;
    }
    finished = open.empty();  // a value has just ended
    expect = Expect::CommaOrEnd;
  }
  return finished;
}

}  // namespace mmif
