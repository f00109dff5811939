#include "clams/exceptions.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <typeinfo>

#include "mmif/json.hpp"

namespace clams {
namespace {

std::string message(std::string_view class_name, std::string_view text) {
  return "<class '" + std::string(class_name) + "'>: " + std::string(text);
}

std::string demangled(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  std::string text = status == 0 ? name.get() : type.name();
  for (std::size_t at = text.find("::"); at != std::string::npos; at = text.find("::", at)) text.replace(at, 2, ".");
  return text;
}

}  // namespace

KeyError::KeyError(const std::string& key) : AppError("KeyError", mmif::python_repr(std::string_view(key))) {}

std::string describe_current_exception() {
  try {
    throw;
  } catch (const AppError& error) { return message(error.class_name(), error.text()); } catch (const std::bad_alloc&) {
    return message("MemoryError", "out of memory");
  } catch (const std::out_of_range& error) {
    return message("IndexError", error.what());
  } catch (const std::invalid_argument& error) { return message("ValueError", error.what()); } catch (const std::exception& error) {
    return message(typeid(error) == typeid(std::runtime_error) ? "RuntimeError" : demangled(typeid(error)), error.what());
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return message(type == nullptr ? "unknown" : demangled(*type), "the app threw something that is no std::exception");
  }
}

}  // namespace clams
