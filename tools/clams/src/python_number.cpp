#include "python_number.hpp"

#include <cmath>
#include <limits>

namespace clams::tool {
namespace {

using Integer = std::int64_t;

const Integer* integer(const std::variant<Integer, double>& value) { return std::get_if<Integer>(&value); }

// Rounds down also below zero, where C++ rounds towards zero.
Integer floored(Integer a, Integer b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

std::optional<PythonNumber> PythonNumber::from(const mmif::Value* value) {
  if (value == nullptr || value->number() == nullptr) return std::nullopt;
  if (const auto whole = value->as_int64()) return PythonNumber(*whole);
  const double number = value->number()->as_double();
  return std::isnan(number) ? std::nullopt : std::optional(PythonNumber(number));
}

mmif::Value PythonNumber::to_value() const {
  return std::visit([](auto number) { return mmif::Value(number); }, value_);
}

double PythonNumber::as_double() const {
  return std::visit([](auto number) { return static_cast<double>(number); }, value_);
}

Integer PythonNumber::truncated() const {
  if (const Integer* whole = integer(value_)) return *whole;
  const double number = std::get<double>(value_);
  constexpr double kBound = 9223372036854775808.0;
  if (number >= kBound) return std::numeric_limits<Integer>::max();
  if (number < -kBound) return std::numeric_limits<Integer>::min();
  return static_cast<Integer>(number);
}

PythonNumber operator+(PythonNumber a, PythonNumber b) {
  const Integer* x = integer(a.value_);
  const Integer* y = integer(b.value_);
  Integer sum = 0;
  if (x != nullptr && y != nullptr && !__builtin_add_overflow(*x, *y, &sum)) return PythonNumber(sum);
  return PythonNumber(a.as_double() + b.as_double());
}

PythonNumber operator-(PythonNumber a, PythonNumber b) {
  const Integer* x = integer(a.value_);
  const Integer* y = integer(b.value_);
  Integer difference = 0;
  if (x != nullptr && y != nullptr && !__builtin_sub_overflow(*x, *y, &difference)) return PythonNumber(difference);
  return PythonNumber(a.as_double() - b.as_double());
}

PythonNumber floor_divide(PythonNumber a, Integer b) {
  if (const Integer* whole = integer(a.value_)) return PythonNumber(floored(*whole, b));
  const double divisor = static_cast<double>(b);
  const double number = a.as_double();
  double rest = std::fmod(number, divisor);
  if (rest < 0) rest += divisor;
  return PythonNumber(std::round((number - rest) / divisor));
}

bool operator<(PythonNumber a, PythonNumber b) {
  const Integer* x = integer(a.value_);
  const Integer* y = integer(b.value_);
  return x != nullptr && y != nullptr ? *x < *y : a.as_double() < b.as_double();
}

}  // namespace clams::tool
