#include "profile/canonical_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

namespace vram::profile {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDepth = 64;
constexpr std::string_view kHex = "0123456789abcdef";

void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view kShort = "\b\t\n\f\r\"\\";
  constexpr std::string_view kLetter = "btnfr\"\\";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const std::size_t at = kShort.find(c);
    if (c != '\0' && at != std::string_view::npos) {
      out += '\\';
      out += kLetter[at];
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

// An integer of any length, as Python writes it: "-0" is 0.
std::string integer_text(std::string_view token) { return token == "-0" ? "0" : std::string(token); }

bool is_integer(std::string_view token) { return token.find_first_of(".eE") == std::string_view::npos; }

// 3 and 3.0 agree where a double holds the value exactly; longer integers are compared by their digits.
std::string loose_number(std::string_view token) {
  double value = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error != std::errc() || end != token.data() + token.size()) return std::string(token);
  if (std::abs(value) >= 9007199254740992.0) return is_integer(token) ? integer_text(token) : python_repr(value);
  if (value == std::trunc(value)) return std::to_string(static_cast<std::int64_t>(value));
  return python_repr(value);
}

std::string loose_string(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (lower == "true" || lower == "false") return lower;
  if (!text.empty() && (text.front() == '-' || (text.front() >= '0' && text.front() <= '9'))) return loose_number(text);
  return std::string(text);
}

// Receives the parser's events and joins each finished container into its text; nothing recurses, so depth costs no stack.
class Builder final : public nlohmann::json_sax<json> {
 public:
  explicit Builder(Form form) : form_(form) {}

  bool null() override { return scalar("null", false); }
  bool boolean(bool value) override { return scalar(value ? "true" : "false", false); }
  bool number_integer(std::int64_t value) override { return scalar(std::to_string(value), false); }
  bool number_unsigned(std::uint64_t value) override { return scalar(std::to_string(value), false); }
  bool number_float(double value, const std::string& token) override {
    // An integer too long for 64 bits arrives here as well; its digits are kept.
    if (form_ == Form::Loose) return scalar(loose_number(token), false);
    return scalar(is_integer(token) ? integer_text(token) : python_repr(value), false);
  }
  bool string(std::string& value) override { return scalar(form_ == Form::Loose ? loose_string(value) : value, true); }
  bool binary(json::binary_t&) override { return fail("binary values are not JSON"); }
  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }
  bool key(std::string& name) override {
    frames_.back().name = name;
    return true;
  }
  bool end_object() override {
    Members members = std::move(frames_.back().members);
    frames_.pop_back();
    if (frames_.empty()) {
      members_ = std::move(members);
      return true;
    }
    return value(object_text(members));
  }
  bool end_array() override {
    std::string text = "[";
    for (const std::string& item : frames_.back().items) {
      if (text.size() > 1) text += ',';
      text += item;
    }
    frames_.pop_back();
    return value(text + "]");
  }
  bool parse_error(std::size_t position, const std::string&, const json::exception& reason) override {
    return fail("at byte " + std::to_string(position) + ": " + reason.what());
  }

  const std::string& problem() const { return problem_; }
  Members take() { return std::move(members_); }

 private:
  struct Frame {
    bool object = false;
    std::string name;
    Members members;
    std::vector<std::string> items;
  };

  bool fail(std::string reason) {
    problem_ = std::move(reason);
    return false;
  }
  bool open(bool object) {
    if (frames_.empty() && !object) return fail("an object is needed");
    if (frames_.size() == kMaxDepth) return fail("nested deeper than " + std::to_string(kMaxDepth));
    frames_.push_back(Frame{object, {}, {}, {}});
    return true;
  }
  bool scalar(std::string_view text, bool is_string) {
    if (frames_.empty()) return fail("an object is needed");
    return value(is_string || form_ == Form::Loose ? json_string(text) : std::string(text));
  }
  bool value(std::string text) {
    if (frames_.empty()) return fail("an object is needed");
    Frame& frame = frames_.back();
    if (frame.object) {
      frame.members.insert_or_assign(frame.name, std::move(text));
    } else {
      frame.items.push_back(std::move(text));
    }
    return true;
  }

  Form form_;
  std::vector<Frame> frames_;
  Members members_;
  std::string problem_;
};

}  // namespace

base::Result<Members> parse_members(std::string_view text, Form form) {
  Builder builder(form);
  if (!json::sax_parse(text, &builder)) {
    return base::Error{base::ErrorCode::InvalidArgument, "not a usable JSON object (" + builder.problem() + ")"};
  }
  return builder.take();
}

std::string object_text(const Members& members) {
  std::string text = "{";
  for (const auto& [name, value] : members) {
    if (text.size() > 1) text += ',';
    append_quoted(text, name);
    text += ':';
    text += value;
  }
  return text + "}";
}

std::string json_string(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

std::string python_repr(double value) {
  // Shortest digits that read back the same; Python writes an exponent below 1e-4 and from 1e16 on.
  std::array<char, 64> buffer{};
  const double size = std::abs(value);
  const bool exponent = size != 0 && (size < 1e-4 || size >= 1e16);
  const auto format = exponent ? std::chars_format::scientific : std::chars_format::fixed;
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format);
  std::string text(buffer.data(), error == std::errc() ? end : buffer.data());
  if (!exponent && text.find('.') == std::string::npos) text += ".0";
  return text;
}

}  // namespace vram::profile
