#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "mmif/json.hpp"
#include "utf8.hpp"

namespace mmif {
namespace {

struct Range {
  std::uint32_t first, last;
};
constexpr Range kPrintable[] = {
#include "printable_table.inc"
};

bool is_printable(std::uint32_t c) {
  if (c < 0x80) return c >= 0x20 && c < 0x7F;
  const auto* at = std::upper_bound(std::begin(kPrintable), std::end(kPrintable), c,
                                    [](std::uint32_t value, const Range& r) { return value < r.first; });
  return at != std::begin(kPrintable) && c <= (at - 1)->last;
}

void append_escaped(std::string& out, std::uint32_t c) {
  std::array<char, 16> buffer{};
  switch (c < 0x100 ? 0 : c < 0x10000 ? 1 : 2) {
    case 0: std::snprintf(buffer.data(), buffer.size(), "\\x%02x", c); break;
    case 1: std::snprintf(buffer.data(), buffer.size(), "\\u%04x", c); break;
    default: std::snprintf(buffer.data(), buffer.size(), "\\U%08x", c);
  }
  out += buffer.data();
}

std::string number_repr(const Number& number) {
  if (number.text() == "NaN") return "nan";
  if (number.text() == "Infinity") return "inf";
  if (number.text() == "-Infinity") return "-inf";
  return number.text();
}

}  // namespace

std::string python_repr(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t c = next_code_point(text, at);
    if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\\')
      out += "\\\\";
    else if (c == static_cast<std::uint32_t>(quote))
      out += std::string("\\") + quote;
    else if (is_printable(c))
      append_code_point(out, c);
    else
      append_escaped(out, c);
  }
  return out + quote;
}

std::string python_repr(const Value& value) {
  if (value.is_null()) return "None";
  if (const bool* b = value.boolean()) return *b ? "True" : "False";
  if (const Number* n = value.number()) return number_repr(*n);
  if (const std::string* s = value.string()) return python_repr(std::string_view(*s));
  std::string out;
  if (const Array* a = value.array()) {
    for (const Value& element : *a) out += (out.empty() ? "" : ", ") + python_repr(element);
    return "[" + out + "]";
  }
  for (const auto& [key, member] : *value.object())
    out += (out.empty() ? "" : ", ") + python_repr(std::string_view(key)) + ": " + python_repr(member);
  return "{" + out + "}";
}

std::string python_str(const Value& value) { return value.string() != nullptr ? *value.string() : python_repr(value); }

std::string_view python_type_name(const Value& value) {
  if (value.is_null()) return "NoneType";
  if (value.boolean() != nullptr) return "bool";
  if (const Number* n = value.number()) return n->is_integer() ? "int" : "float";
  if (value.string() != nullptr) return "str";
  return value.array() != nullptr ? "list" : "dict";
}

}  // namespace mmif
