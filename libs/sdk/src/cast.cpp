#include "cast.hpp"

#include <algorithm>
#include <map>

#include "clams/metadata_reader.hpp"
#include "mmif/json.hpp"
#include "python_numbers.hpp"

namespace clams {
namespace {

using base::Error;
using base::ErrorCode;
using mmif::Array;
using mmif::Object;
using mmif::Value;

// Python's ==: 1, 1.0 and True are equal.
bool same(const Value& a, const Value& b) {
  const auto as_number = [](const Value& value) { return value.boolean() == nullptr ? value : Value(*value.boolean() ? 1 : 0); };
  const Value p = as_number(a), q = as_number(b);
  const auto x = p.as_double(), y = q.as_double();
  const bool both_integers = p.number() != nullptr && q.number() != nullptr && p.number()->is_integer() && q.number()->is_integer();
  return x && y && !both_integers ? *x == *y : p == q;
}

bool is_one_of(const std::vector<Value>& choices, const Value& value) {
  return std::any_of(choices.begin(), choices.end(), [&](const Value& choice) { return same(choice, value); });
}

// A default as texts, the way the Python SDK casts it: str() of each element.
std::vector<std::string> default_texts(const Parameter& parameter) {
  std::vector<std::string> texts;
  if (const Array* list = parameter.default_value->array()) {
    for (const Value& element : *list) texts.push_back(mmif::python_str(element));
  } else {
    texts.push_back(mmif::python_str(*parameter.default_value));
  }
  return texts;
}

}  // namespace

base::Result<Value> cast_text(ParameterType type, const std::string& text) {
  switch (type) {
    case ParameterType::Boolean: return Value(is_true_text(text));
    case ParameterType::Integer: {
      BASE_TRY_ASSIGN(auto number, python_int(text));
      return Value(std::move(number));
    }
    case ParameterType::Number: {
      BASE_TRY_ASSIGN(auto number, python_float(text));
      return Value(std::move(number));
    }
    case ParameterType::Map:
    case ParameterType::String: break;
  }
  return Value(text);
}

base::Result<Value> cast_values(const Parameter& parameter, const std::vector<std::string>& values) {
  if (parameter.type == ParameterType::Map) {
    Object map;
    for (const std::string& text : values) {
      const std::size_t colon = text.find(':');
      if (colon == std::string::npos) return Error{ErrorCode::InvalidArgument, "not enough values to unpack (expected 2, got 1)"};
      map.set(text.substr(0, colon), text.substr(colon + 1));
    }
    return Value(std::move(map));
  }
  if (!parameter.multivalued) return cast_text(parameter.type, values.empty() ? std::string() : values.front());
  Array list;
  for (const std::string& text : values) {
    BASE_TRY_ASSIGN(Value value, cast_text(parameter.type, text));
    list.push_back(std::move(value));
  }
  return Value(std::move(list));
}

base::Result<Value> cast_default(const Parameter& parameter) {
  if (!parameter.multivalued && parameter.default_value->is_null()) return Value(nullptr);
  return cast_values(parameter, default_texts(parameter));
}

bool is_allowed(const Parameter& parameter, const Value& value) {
  if (parameter.choices.empty() || value.object() != nullptr) return true;
  if (const Array* list = value.array())
    return std::all_of(list->begin(), list->end(), [&](const Value& element) { return is_one_of(parameter.choices, element); });
  return is_one_of(parameter.choices, value);
}

base::Result<Parameters> refine(const AppMetadata& metadata, RawParameters raw) {
  std::map<std::string_view, Value> given;
  for (const auto& [name, values] : raw) {
    const Parameter* parameter = metadata.find_parameter(name);
    if (parameter == nullptr || (values.empty() && !parameter->multivalued)) continue;
    BASE_TRY_ASSIGN(Value value, cast_values(*parameter, values));
    given.insert_or_assign(parameter->name, std::move(value));
  }
  Object typed;
  for (const Parameter& parameter : metadata.parameters) {
    const auto at = given.find(parameter.name);
    if (at != given.end()) {
      if (!is_allowed(parameter, at->second)) {
        return Error{ErrorCode::InvalidArgument, "Value for parameter \"" + parameter.name + "\" must be one of " +
                                                     mmif::python_repr(Value(Array(parameter.choices))) + "."};
      }
      typed.append(parameter.name, std::move(at->second));
    } else if (parameter.default_value) {
      BASE_TRY_ASSIGN(Value value, cast_default(parameter));
      typed.append(parameter.name, std::move(value));
    } else {
      return Error{ErrorCode::InvalidArgument, "Cannot find configuration for a required parameter \"" + parameter.name + "\"."};
    }
  }
  return Parameters(std::move(typed), std::move(raw));
}

}  // namespace clams
