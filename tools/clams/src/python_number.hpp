// Arithmetic on JSON numbers with Python's results: whole numbers stay whole, a float makes the result a float.
#pragma once
#include <cstdint>
#include <optional>
#include <variant>

#include "mmif/value.hpp"

namespace clams::tool {

class PythonNumber {
 public:
  explicit PythonNumber(std::int64_t value) : value_(value) {}
  explicit PythonNumber(double value) : value_(value) {}
  // nullopt when the value is no number or NaN, which has no place in an order. Whole numbers beyond 64 bits count as floats.
  static std::optional<PythonNumber> from(const mmif::Value* value);

  mmif::Value to_value() const;
  double as_double() const;
  std::int64_t truncated() const;  // int(x); the nearest bound beyond 64 bits

  friend PythonNumber operator+(PythonNumber a, PythonNumber b);
  friend PythonNumber operator-(PythonNumber a, PythonNumber b);
  // a // b, rounded down. REQUIRES: b > 0.
  friend PythonNumber floor_divide(PythonNumber a, std::int64_t b);
  friend bool operator<(PythonNumber a, PythonNumber b);

 private:
  std::variant<std::int64_t, double> value_;
};

}  // namespace clams::tool
