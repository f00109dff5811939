#include "clams/parameters.hpp"

#include <algorithm>
#include <limits>

#include "base/text.hpp"
#include "clams/exceptions.hpp"
#include "mmif/json.hpp"

namespace clams {
namespace {

using mmif::Array;
using mmif::Object;
using mmif::Value;

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned a = byte(at), b = byte(at + 1);
  if (a < 0x80) return 1;
  if (a >= 0xC2 && a < 0xE0 && continues(at + 1)) return 2;
  if (a >= 0xE0 && a < 0xF0 && continues(at + 1) && continues(at + 2) && !(a == 0xE0 && b < 0xA0) && !(a == 0xED && b > 0x9F))
    return 3;
  if (a >= 0xF0 && a < 0xF5 && continues(at + 1) && continues(at + 2) && continues(at + 3) && !(a == 0xF0 && b < 0x90) &&
      !(a == 0xF4 && b > 0x8F))
    return 4;
  return 0;
}

// Bytes of the decoded text that are no UTF-8 are written back as %XX.
std::string repaired(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) {
      const auto byte = static_cast<unsigned char>(text[at++]);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out.append(text, at, length);
      at += length;
    }
  }
  return out;
}

std::string url_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return repaired(out);
}

std::vector<std::string> envelope_values(const Value& value) {
  std::vector<std::string> texts;
  if (const Array* list = value.array()) {
    for (const Value& element : *list) texts.push_back(mmif::python_str(element));
  } else if (const Object* map = value.object()) {
    for (const auto& [key, member] : *map) texts.push_back(key + ":" + mmif::python_str(member));
  } else {
    texts.push_back(mmif::python_str(value));
  }
  return texts;
}

[[noreturn]] void wrong_type(std::string_view name, std::string_view wanted) {
  throw ValueError("parameter \"" + std::string(name) + "\" is not " + std::string(wanted));
}

template <class T>
struct Getter;
template <>
struct Getter<Value> {
  static Value get(std::string_view, const Value& value) { return value; }
};
template <>
struct Getter<std::string> {
  static std::string get(std::string_view name, const Value& value) {
    if (value.string() == nullptr) wrong_type(name, "a string");
    return *value.string();
  }
};
template <>
struct Getter<bool> {
  static bool get(std::string_view name, const Value& value) {
    if (value.boolean() == nullptr) wrong_type(name, "a boolean");
    return *value.boolean();
  }
};
template <>
struct Getter<std::int64_t> {
  static std::int64_t get(std::string_view name, const Value& value) {
    const auto number = value.as_int64();
    if (!number) wrong_type(name, "an integer of 64 bits");
    return *number;
  }
};
template <>
struct Getter<int> {
  static int get(std::string_view name, const Value& value) {
    const std::int64_t number = Getter<std::int64_t>::get(name, value);
    if (number < std::numeric_limits<int>::min() || number > std::numeric_limits<int>::max())
      wrong_type(name, "an integer of 32 bits");
    return static_cast<int>(number);
  }
};
template <>
struct Getter<double> {
  static double get(std::string_view name, const Value& value) {
    const auto number = value.as_double();
    if (!number) wrong_type(name, "a number");
    return *number;
  }
};
template <class T>
struct Getter<std::vector<T>> {
  static std::vector<T> get(std::string_view name, const Value& value) {
    if (value.array() == nullptr) wrong_type(name, "a list");
    std::vector<T> list;
    for (const Value& element : *value.array()) list.push_back(Getter<T>::get(name, element));
    return list;
  }
};
template <>
struct Getter<std::vector<std::pair<std::string, std::string>>> {
  static std::vector<std::pair<std::string, std::string>> get(std::string_view name, const Value& value) {
    if (value.object() == nullptr) wrong_type(name, "a map");
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& [key, member] : *value.object()) pairs.emplace_back(key, std::string(member.as_string()));
    return pairs;
  }
};

}  // namespace

const std::vector<std::string>* RawParameters::find(std::string_view name) const noexcept {
  const auto at = index_.find(std::string(name));
  return at == index_.end() ? nullptr : &entries_[at->second].second;
}

RawParameters::Entry& RawParameters::entry(std::string_view name) {
  const auto [at, fresh] = index_.emplace(std::string(name), entries_.size());
  if (fresh) entries_.emplace_back(std::string(name), std::vector<std::string>());
  return entries_[at->second];
}

void RawParameters::add(std::string_view name, std::string value) { entry(name).second.push_back(std::move(value)); }
void RawParameters::replace(std::string_view name, std::vector<std::string> values) { entry(name).second = std::move(values); }

RawParameters RawParameters::from_query(std::string_view query) {
  RawParameters raw;
  for (const std::string_view piece : base::split(query, '&')) {
    if (piece.empty()) continue;
    const std::size_t equals = piece.find('=');
    raw.add(url_decoded(piece.substr(0, equals)), equals == std::string_view::npos ? "" : url_decoded(piece.substr(equals + 1)));
  }
  return raw;
}

RawParameters RawParameters::from_envelope(const Object& parameters) {
  RawParameters raw;
  for (const auto& [name, value] : parameters) raw.replace(name, envelope_values(value));
  return raw;
}

void RawParameters::merge(const RawParameters& other) {
  for (const auto& [name, values] : other) replace(name, values);
}

template <class T>
T Parameters::get_as(std::string_view name) const {
  const Value* value = typed_.find(name);
  if (value == nullptr) throw ValueError("there is no parameter \"" + std::string(name) + "\"; declare it in metadata()");
  return Getter<T>::get(name, *value);
}

template Value Parameters::get_as<Value>(std::string_view) const;
template std::string Parameters::get_as<std::string>(std::string_view) const;
template bool Parameters::get_as<bool>(std::string_view) const;
template std::int64_t Parameters::get_as<std::int64_t>(std::string_view) const;
template int Parameters::get_as<int>(std::string_view) const;
template double Parameters::get_as<double>(std::string_view) const;
template std::vector<std::string> Parameters::get_as<std::vector<std::string>>(std::string_view) const;
template std::vector<std::int64_t> Parameters::get_as<std::vector<std::int64_t>>(std::string_view) const;
template std::vector<double> Parameters::get_as<std::vector<double>>(std::string_view) const;
template std::vector<std::pair<std::string, std::string>> Parameters::get_as<std::vector<std::pair<std::string, std::string>>>(
    std::string_view) const;

std::string Parameters::time_frame_sampling_mode() const { return get<std::string>("tfSamplingMode"); }

}  // namespace clams
