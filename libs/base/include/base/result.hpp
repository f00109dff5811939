// Result<T>: a value or an Error. Construction that can fail is a static `open`/`create` that returns one.
#pragma once
#include <cassert>
#include <cstdlib>
#include <optional>
#include <utility>
#include <variant>

#include "base/error.hpp"

namespace base {

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor): as std::expected
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  // REQUIRES: has_value(). Asking the other way round is a bug of the caller and ends the process.
  T& value() & {
    check(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    check(has_value());
    return *std::get_if<0>(&state_);
  }
  // By value, so that `for (auto& x : *make())` keeps what it walks over alive.
  T value() && {
    check(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // REQUIRES: !has_value().
  const Error& error() const& {
    check(!has_value());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    check(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

  T value_or(T other) const& { return has_value() ? value() : std::move(other); }

 private:
  static void check(bool ok) {
    if (!ok) std::abort();
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)
  bool has_value() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }
  const Error& error() const& {
    if (!error_) std::abort();
    return *error_;
  }
  Error&& error() && {
    if (!error_) std::abort();
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace base

// Evaluates an expression of type Result<...>; on failure returns its error from the calling function.
#define BASE_TRY(expression)                                           \
  do {                                                                 \
    auto base_try_result_ = (expression);                              \
    if (!base_try_result_) return std::move(base_try_result_).error(); \
  } while (false)

#define BASE_CONCAT_INNER_(a, b) a##b
#define BASE_CONCAT_(a, b) BASE_CONCAT_INNER_(a, b)
// BASE_TRY_ASSIGN(auto x, f()): `auto x = value of f()`, or return f()'s error.
#define BASE_TRY_ASSIGN(declaration, expression) BASE_TRY_ASSIGN_(BASE_CONCAT_(base_result_, __LINE__), declaration, expression)
#define BASE_TRY_ASSIGN_(temporary, declaration, expression) \
  auto temporary = (expression);                             \
  if (!temporary) return std::move(temporary).error();       \
  declaration = std::move(temporary).value()
