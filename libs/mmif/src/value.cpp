#include "mmif/value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "number_text.hpp"

namespace mmif {

Number::Number(std::int64_t value) : text_(std::to_string(value)) {}
Number::Number(std::uint64_t value) : text_(std::to_string(value)) {}
Number::Number(double value) : text_(python_float(value)) {}

Number Number::from_token(std::string_view token) {
  Number number;
  const bool is_float = token.find_first_of(".eEN") != std::string_view::npos || token.find("Inf") != std::string_view::npos;
  if (!is_float)
    number.text_ = token == "-0" ? "0" : std::string(token);
  else if (token == "NaN" || token == "Infinity" || token == "-Infinity")
    number.text_ = std::string(token);
  else
    number.text_ = python_float(double_of(token));
  return number;
}

bool Number::is_integer() const noexcept { return text_.find_first_not_of("-0123456789") == std::string::npos; }

std::optional<std::int64_t> Number::as_int64() const noexcept {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
  if (error != std::errc() || end != text_.data() + text_.size()) return std::nullopt;
  return value;
}

double Number::as_double() const noexcept { return double_of(text_); }

Object::Object(std::initializer_list<Entry> entries) {
  for (const Entry& entry : entries) set(entry.first, entry.second);
}

const Value* Object::find(std::string_view key) const noexcept {
  const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.first == key; });
  return at == entries_.end() ? nullptr : &at->second;
}
Value* Object::find(std::string_view key) noexcept { return const_cast<Value*>(std::as_const(*this).find(key)); }

Value& Object::set(std::string_view key, Value value) {
  if (Value* existing = find(key)) return *existing = std::move(value);
  entries_.emplace_back(std::string(key), std::move(value));
  return entries_.back().second;
}

bool Object::erase(std::string_view key) {
  const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.first == key; });
  if (at == entries_.end()) return false;
  entries_.erase(at);
  return true;
}

void Object::append(std::string key, Value value) { entries_.emplace_back(std::move(key), std::move(value)); }

bool operator==(const Object& a, const Object& b) {
  if (a.size() != b.size()) return false;
  return std::all_of(a.begin(), a.end(), [&](const Object::Entry& entry) {
    const Value* other = b.find(entry.first);
    return other != nullptr && *other == entry.second;
  });
}

}  // namespace mmif
