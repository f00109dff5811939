#include "odd_numbers.hpp"

#include <algorithm>

namespace clams {
namespace {

// The spelling of the first one in it; null: there is none.
const std::string* odd_number_in(const mmif::Value& value) {
  if (const mmif::Number* number = value.number()) {
    const std::string& text = number->text();
    return text.ends_with('N') || text.ends_with('y') ? &text : nullptr;  // NaN, Infinity, -Infinity
  }
  if (const mmif::Array* array = value.array()) {
    for (const mmif::Value& element : *array) {
      if (const std::string* found = odd_number_in(element)) return found;
    }
  }
  if (const mmif::Object* object = value.object()) {
    for (const auto& [name, member] : *object) {
      if (const std::string* found = odd_number_in(member)) return found;
    }
  }
  return nullptr;
}

}  // namespace

std::optional<std::string> odd_numbers(const mmif::Mmif& mmif) {
  std::string first;
  std::size_t more = 0;
  for (const mmif::View* view : mmif.new_views()) {
    for (const auto& annotation : view->annotations()) {
      for (const auto& [name, value] : annotation->properties()) {
        const std::string* odd = odd_number_in(value);
        if (odd == nullptr) continue;
        if (first.empty())
          first = "property \"" + name + "\" of " + std::string(annotation->id()) + " is or holds " + *odd;
        else
          ++more;
      }
    }
  }
  if (first.empty()) return std::nullopt;
  if (more > 0) first += ", and " + std::to_string(more) + (more == 1 ? " other property does" : " other properties do");
  return first + "; JSON has no such number: Python reads the document, most clients do not";
}

}  // namespace clams
