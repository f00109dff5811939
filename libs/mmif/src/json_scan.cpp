#include "json_scan.hpp"

#include <cstring>
#include <unordered_map>

#include "json_check.hpp"
#include "mmif/json.hpp"
#include "utf8.hpp"

namespace mmif {
namespace {

std::uint32_t hex4(std::string_view text, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const char c = text[i];
    value = value * 16 + static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return value;
}

std::size_t skip_string(std::string_view text, std::size_t at) noexcept {
  for (++at;;) {
    const void* quote = std::memchr(text.data() + at, '"', text.size() - at);
    at = static_cast<std::size_t>(static_cast<const char*>(quote) - text.data());
    std::size_t backslashes = 0;
    while (text[at - 1 - backslashes] == '\\') ++backslashes;
    ++at;
    if (backslashes % 2 == 0) return at;
  }
}

bool ends_scalar(char c) { return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// Of a key that occurs twice the last value counts, at the place of the first. Large objects get an index, so that hostile input
// stays linear.
class ObjectBuilder {
 public:
  void add(std::string key, Value value) {
    Value* existing = nullptr;
    if (object_.size() < kIndexFrom) {
      existing = object_.find(key);
    } else {
      if (index_.empty()) {
        for (std::size_t i = 0; i < object_.size(); ++i)
          index_.emplace((object_.begin() + static_cast<std::ptrdiff_t>(i))->first, i);
      }
      const auto [at, fresh] = index_.emplace(key, object_.size());
      if (!fresh) existing = &(object_.begin() + static_cast<std::ptrdiff_t>(at->second))->second;
    }
    if (existing != nullptr)
      *existing = std::move(value);
    else
      object_.append(std::move(key), std::move(value));
  }
  Object take() { return std::move(object_); }

 private:
  static constexpr std::size_t kIndexFrom = 32;
  Object object_;
  std::unordered_map<std::string, std::size_t> index_;
};

// Reads the value at `at` and moves behind it: each byte is looked at once, however deep it lies.
Value take_value(std::string_view text, std::size_t& at);

Value take_object(std::string_view text, std::size_t& at) {
  ObjectBuilder builder;
  at = skip_space(text, at + 1);
  while (text[at] != '}') {
    const std::size_t key = at;
    at = skip_space(text, skip_space(text, skip_string(text, at)) + 1);  // over the key and the colon
    builder.add(read_string(text, key), take_value(text, at));
    at = skip_space(text, at);
    if (text[at] == ',') at = skip_space(text, at + 1);
  }
  ++at;
  return builder.take();
}

Value take_array(std::string_view text, std::size_t& at) {
  Array array;
  at = skip_space(text, at + 1);
  while (text[at] != ']') {
    array.push_back(take_value(text, at));
    at = skip_space(text, at);
    if (text[at] == ',') at = skip_space(text, at + 1);
  }
  ++at;
  return array;
}

Value take_value(std::string_view text, std::size_t& at) {
  const std::size_t begin = at;
  if (text[at] == '{') return take_object(text, at);
  if (text[at] == '[') return take_array(text, at);
  at = skip_value(text, at);
  switch (text[begin]) {
    case '"': return read_string(text, begin);
    case 't': return true;
    case 'f': return false;
    case 'n': return nullptr;
    default: return Number::from_token(text.substr(begin, at - begin));
  }
}

}  // namespace

std::size_t skip_space(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) ++at;
  return at;
}

std::size_t skip_value(std::string_view text, std::size_t at) noexcept {
  const char first = text[at];
  if (first == '"') return skip_string(text, at);
  if (first != '{' && first != '[') {
    while (at < text.size() && !ends_scalar(text[at])) ++at;
    return at;
  }
  for (std::size_t depth = 0;;) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at;
  }
}

std::string read_string(std::string_view text, std::size_t at) {
  std::string out;
  const std::size_t end = skip_string(text, at) - 1;
  for (++at; at < end;) {
    const void* found = std::memchr(text.data() + at, '\\', end - at);
    const std::size_t backslash = found == nullptr ? end : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    out.append(text, at, backslash - at);
    at = backslash;
    if (at == end) break;
    const char escaped = text[at + 1];
    at += 2;
    switch (escaped) {
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'u': {
        std::uint32_t unit = hex4(text, at);
        at += 4;
        const bool pair = unit >= 0xD800 && unit <= 0xDBFF && at + 6 <= end && text[at] == '\\' && text[at + 1] == 'u';
        if (pair) {
          if (const std::uint32_t low = hex4(text, at + 2); low >= 0xDC00 && low <= 0xDFFF) {
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            at += 6;
          }
        }
        append_code_point(out, unit);
        break;
      }
      default: out += escaped;
    }
  }
  return out;
}

bool string_equals(std::string_view text, std::size_t at, std::string_view plain) {
  if (text.compare(at + 1, plain.size(), plain) == 0 && text[at + 1 + plain.size()] == '"') return true;
  for (std::size_t i = at + 1; text[i] != '"'; ++i) {
    if (text[i] == '\\') return read_string(text, at) == plain;
  }
  return false;
}

Value read_value(std::string_view text) {
  std::size_t at = skip_space(text, 0);
  return take_value(text, at);
}

base::Result<Value> parse_json(std::string_view text) {
  std::string padded;
  padded.reserve(text.size() + kPadding);
  padded.assign(text);
  const CheckerScope checker;
  BASE_TRY(checker->check(padded));
  return read_value(padded);
}

}  // namespace mmif
