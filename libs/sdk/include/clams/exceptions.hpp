// What an app throws to say why it failed. The client finds "<class 'Name'>: text" in the error view, as from a Python app.
#pragma once
#include <exception>
#include <string>
#include <string_view>

namespace clams {

// Any other exception works too: std::invalid_argument is told as ValueError, std::out_of_range as IndexError, std::bad_alloc as
// MemoryError, std::runtime_error as RuntimeError, the rest by its C++ class name.
class AppError : public std::exception {
 public:
  // `class_name`: as Python writes classes, "ValueError" or "myapp.NoSpeech".
  AppError(std::string class_name, std::string text) : class_name_(std::move(class_name)), text_(std::move(text)) {}
  const char* what() const noexcept override { return text_.c_str(); }
  const std::string& class_name() const noexcept { return class_name_; }
  const std::string& text() const noexcept { return text_; }

 private:
  std::string class_name_;
  std::string text_;
};

class ValueError : public AppError {
 public:
  explicit ValueError(std::string text) : AppError("ValueError", std::move(text)) {}
};
class RuntimeError : public AppError {
 public:
  explicit RuntimeError(std::string text) : AppError("RuntimeError", std::move(text)) {}
};
class TypeError : public AppError {
 public:
  explicit TypeError(std::string text) : AppError("TypeError", std::move(text)) {}
};
// Its text is quoted in the error view, as Python quotes keys.
class KeyError : public AppError {
 public:
  explicit KeyError(const std::string& key);
};
class FileNotFoundError : public AppError {
 public:
  explicit FileNotFoundError(std::string text) : AppError("FileNotFoundError", std::move(text)) {}
};

// Thrown by Run::throw_if_cancelled: the client has gone, the deadline passed or the server is going down.
class Cancelled : public AppError {
 public:
  explicit Cancelled(std::string why) : AppError("clams.Cancelled", std::move(why)) {}
};

// "<class 'ValueError'>: text" of whatever is being handled. REQUIRES: called within a catch block.
std::string describe_current_exception();

}  // namespace clams
