// Errors of engines and files, told as an app tells them.
#pragma once
#include <string>
#include <utility>

#include "base/result.hpp"

namespace speech {

// Throws the exception that fits: FileNotFoundError, ValueError (what the client can put right), Cancelled, vram::OutOfMemory, else
// RuntimeError. `context` goes before the message.
[[noreturn]] void fail(const base::Error& error, const std::string& context = {});

template <class T>
T value_or_fail(base::Result<T> result, const std::string& context = {}) {
  if (!result) fail(result.error(), context);
  return std::move(result).value();
}

}  // namespace speech
