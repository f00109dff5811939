// A JSON value as MMIF needs it: keys keep their order, numbers keep their value to the last digit.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mmif {

class Value;
using Array = std::vector<Value>;

// A number as text, in the spelling of Python's json module: integers of any size ("18446744073709551616"), floats by shortest repr
// ("0.1", "1.0", "1e-07", "1e+22"), and "NaN", "Infinity", "-Infinity". 1 and 1.0 are different numbers.
class Number {
 public:
  explicit Number(std::int64_t value);
  explicit Number(std::uint64_t value);
  explicit Number(double value);
  // `token`: a JSON number, NaN, Infinity or -Infinity, in any valid spelling; brought into the canonical one.
  static Number from_token(std::string_view token);

  const std::string& text() const noexcept { return text_; }
  bool is_integer() const noexcept;
  std::optional<std::int64_t> as_int64() const noexcept;  // integers that fit; none for floats
  double as_double() const noexcept;                      // nearest double; huge integers become infinity
  friend bool operator==(const Number&, const Number&) = default;

 private:
  Number() = default;
  std::string text_;
};

// Object with keys in order of insertion, each once. Lookup is linear: meant for property maps, not for indexes.
class Object {
 public:
  using Entry = std::pair<std::string, Value>;
  Object() = default;
  Object(std::initializer_list<Entry> entries);

  using const_iterator = std::vector<Entry>::const_iterator;
  using iterator = std::vector<Entry>::iterator;
  std::size_t size() const noexcept;
  bool empty() const noexcept;
  const_iterator begin() const noexcept;
  const_iterator end() const noexcept;
  iterator begin() noexcept;
  iterator end() noexcept;

  const Value* find(std::string_view key) const noexcept;
  Value* find(std::string_view key) noexcept;
  bool contains(std::string_view key) const noexcept { return find(key) != nullptr; }
  // Replaces in place, or appends.
  Value& set(std::string_view key, Value value);
  bool erase(std::string_view key);
  // For readers that have made sure that the key is new.
  void append(std::string key, Value value);
  friend bool operator==(const Object& a, const Object& b);  // as Python: whatever the order

 private:
  std::vector<Entry> entries_;
};

class Value {
 public:
  Value() noexcept : data_(nullptr) {}
  Value(std::nullptr_t) noexcept : data_(nullptr) {}  // NOLINT(google-explicit-constructor): a value is what it is made of
  Value(bool value) noexcept : data_(value) {}        // NOLINT(google-explicit-constructor)
  template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>) Value(T value)  // NOLINT(google-explicit-constructor)
      : data_(Number(static_cast<std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>(value))) {}
  Value(double value) : data_(Number(value)) {}                 // NOLINT(google-explicit-constructor)
  Value(Number value) : data_(std::move(value)) {}              // NOLINT(google-explicit-constructor)
  Value(const char* value) : data_(std::string(value)) {}       // NOLINT(google-explicit-constructor)
  Value(std::string value) : data_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Value(std::string_view value) : data_(std::string(value)) {}  // NOLINT(google-explicit-constructor)
  Value(Array value) : data_(std::move(value)) {}               // NOLINT(google-explicit-constructor)
  Value(Object value) : data_(std::move(value)) {}              // NOLINT(google-explicit-constructor)

  bool is_null() const noexcept { return std::holds_alternative<std::nullptr_t>(data_); }
  // Pointers to the content when the value is of that kind, else nullptr.
  const bool* boolean() const noexcept { return std::get_if<bool>(&data_); }
  const Number* number() const noexcept { return std::get_if<Number>(&data_); }
  const std::string* string() const noexcept { return std::get_if<std::string>(&data_); }
  const Array* array() const noexcept { return std::get_if<Array>(&data_); }
  const Object* object() const noexcept { return std::get_if<Object>(&data_); }
  Array* array() noexcept { return std::get_if<Array>(&data_); }
  Object* object() noexcept { return std::get_if<Object>(&data_); }

  std::optional<std::int64_t> as_int64() const noexcept { return number() ? number()->as_int64() : std::nullopt; }
  std::optional<double> as_double() const noexcept { return number() ? std::optional(number()->as_double()) : std::nullopt; }
  std::string_view as_string(std::string_view otherwise = {}) const noexcept {
    return string() ? std::string_view(*string()) : otherwise;
  }

  friend bool operator==(const Value&, const Value&) = default;

 private:
  std::variant<std::nullptr_t, bool, Number, std::string, Array, Object> data_;
};

// Defined here because Value is complete only now.
inline std::size_t Object::size() const noexcept { return entries_.size(); }
inline bool Object::empty() const noexcept { return entries_.empty(); }
inline Object::const_iterator Object::begin() const noexcept { return entries_.begin(); }
inline Object::const_iterator Object::end() const noexcept { return entries_.end(); }
inline Object::iterator Object::begin() noexcept { return entries_.begin(); }
inline Object::iterator Object::end() noexcept { return entries_.end(); }

}  // namespace mmif
