#include <array>
#include <cstdio>

#include "mmif/json.hpp"
#include "utf8.hpp"

namespace mmif {
namespace {

void append_escape(std::string& out, std::uint32_t unit) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(unit >> shift) & 0xF];
}

// Escapes that both forms share; false if the character needs none of them.
bool append_short_escape(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; return true;
    case '\\': out += "\\\\"; return true;
    case '\b': out += "\\b"; return true;
    case '\f': out += "\\f"; return true;
    case '\n': out += "\\n"; return true;
    case '\r': out += "\\r"; return true;
    case '\t': out += "\\t"; return true;
    default: return false;
  }
}

bool is_surrogate(std::uint32_t c) { return c >= 0xD800 && c <= 0xDFFF; }

void append_utf8_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (append_short_escape(out, c)) {
      ++at;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      append_escape(out, static_cast<unsigned char>(c));
      ++at;
    } else if (static_cast<unsigned char>(c) < 0x80) {
      out += c;
      ++at;
    } else {
      const std::uint32_t point = next_code_point(text, at);
      if (is_surrogate(point))
        append_escape(out, point);
      else
        append_code_point(out, point);
    }
  }
  out += '"';
}

std::string short_exponent(const std::string& number) {
  const std::size_t e = number.find('e');
  if (e == std::string::npos || e + 2 >= number.size() || number[e + 2] != '0') return number;
  return number.substr(0, e + 2) + number.substr(e + 3);
}

struct Form {
  bool ascii;
  bool spaced;  // blanks after , and : when not pretty
  bool metadata_numbers;
};

class Writer {
 public:
  Writer(std::string& out, Form form, bool pretty) : out_(out), form_(form), pretty_(pretty) {}

  void write(const Value& value, std::size_t level) {
    if (value.is_null())
      out_ += "null";
    else if (const bool* b = value.boolean())
      out_ += *b ? "true" : "false";
    else if (const Number* n = value.number())
      number(*n);
    else if (const std::string* s = value.string())
      string(*s);
    else if (const Array* a = value.array())
      array(*a, level);
    else
      object(*value.object(), level);
  }

 private:
  void number(const Number& n) {
    if (!form_.metadata_numbers)
      out_ += n.text();
    else if (n.text().find('N') != std::string::npos || n.text().find('I') != std::string::npos)
      out_ += "null";
    else
      out_ += short_exponent(n.text());
  }
  void string(std::string_view text) {
    if (form_.ascii)
      append_mmif_string(out_, text);
    else
      append_utf8_string(out_, text);
  }
  void line(std::size_t level) {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(level * 2, ' ');
  }
  void comma(std::size_t level) {
    out_ += ',';
    if (!pretty_ && form_.spaced) out_ += ' ';
    line(level);
  }
  void array(const Array& a, std::size_t level) {
    if (a.empty()) return void(out_ += "[]");
    out_ += '[';
    line(level + 1);
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (i != 0) comma(level + 1);
      write(a[i], level + 1);
    }
    line(level);
    out_ += ']';
  }
  void object(const Object& o, std::size_t level) {
    if (o.empty()) return void(out_ += "{}");
    out_ += '{';
    line(level + 1);
    bool first = true;
    for (const auto& [key, value] : o) {
      if (!first) comma(level + 1);
      first = false;
      string(key);
      out_ += pretty_ || form_.spaced ? ": " : ":";
      write(value, level + 1);
    }
    line(level);
    out_ += '}';
  }

  std::string& out_;
  Form form_;
  bool pretty_;
};

std::string written(const Value& value, Form form, bool pretty) {
  std::string out;
  Writer(out, form, pretty).write(value, 0);
  return out;
}

}  // namespace

void append_mmif_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    std::size_t plain = at;
    while (plain < text.size() && text[plain] >= 0x20 && text[plain] < 0x7F && text[plain] != '"' && text[plain] != '\\') ++plain;
    out.append(text, at, plain - at);
    at = plain;
    if (at == text.size()) break;
    if (append_short_escape(out, text[at])) {
      ++at;
      continue;
    }
    const std::uint32_t c = next_code_point(text, at);
    if (c < 0x10000) {
      append_escape(out, c);
    } else {
      append_escape(out, 0xD800 + ((c - 0x10000) >> 10));
      append_escape(out, 0xDC00 + ((c - 0x10000) & 0x3FF));
    }
  }
  out += '"';
}

std::string to_mmif_text(const Value& value, bool pretty) {
  return written(value, {.ascii = true, .spaced = true, .metadata_numbers = false}, pretty);
}
std::string to_metadata_text(const Value& value, bool pretty) {
  return written(value, {.ascii = false, .spaced = false, .metadata_numbers = true}, pretty);
}
std::string to_plain_text(const Value& value, bool pretty) {
  return written(value, {.ascii = false, .spaced = true, .metadata_numbers = false}, pretty);
}

}  // namespace mmif
