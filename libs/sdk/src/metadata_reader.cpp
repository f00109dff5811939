#include "clams/metadata_reader.hpp"

#include <array>

#include "cast.hpp"
#include "mmif/json.hpp"

namespace clams {
namespace {

using base::Error;
using base::ErrorCode;

base::Result<Parameter> read_parameter(const mmif::Value& entry) {
  const mmif::Object* object = entry.object();
  const mmif::Value* name = object == nullptr ? nullptr : object->find("name");
  const mmif::Value* type = object == nullptr ? nullptr : object->find("type");
  if (name == nullptr || type == nullptr) return Error{ErrorCode::InvalidDocument, "a parameter has no name or no type"};
  Parameter parameter;
  parameter.name = name->as_string();
  constexpr std::array kTypes{ParameterType::Integer, ParameterType::Number, ParameterType::String, ParameterType::Boolean,
                              ParameterType::Map};
  bool known = false;
  for (const ParameterType candidate : kTypes) {
    if (to_string(candidate) != type->as_string()) continue;
    parameter.type = candidate;
    known = true;
  }
  if (!known)
    return Error{ErrorCode::InvalidDocument,
                 "parameter '" + parameter.name + "' has the unknown type '" + std::string(type->as_string()) + "'"};
  if (const mmif::Value* choices = object->find("choices"); choices != nullptr && choices->array() != nullptr)
    parameter.choices = *choices->array();
  if (const mmif::Value* value = object->find("default"); value != nullptr && !value->is_null()) parameter.default_value = *value;
  if (const mmif::Value* many = object->find("multivalued"); many != nullptr && many->boolean() != nullptr)
    parameter.multivalued = *many->boolean();
  return parameter;
}

}  // namespace

base::Result<AppMetadata> read_app_metadata(std::string_view json) {
  BASE_TRY_ASSIGN(const mmif::Value value, mmif::parse_json(json));
  const mmif::Object* object = value.object();
  if (object == nullptr) return Error{ErrorCode::InvalidDocument, "it is no JSON object"};
  const auto text = [&](std::string_view key) {
    return object->find(key) == nullptr ? std::string() : std::string(object->find(key)->as_string());
  };
  const auto number = [&](std::string_view key) {
    return object->find(key) == nullptr ? 0 : object->find(key)->as_int64().value_or(0);
  };
  AppMetadata metadata;
  metadata.name = text("name");
  metadata.identifier = text("identifier");
  metadata.app_version = text("app_version");
  metadata.est_gpu_mem_min = number("est_gpu_mem_min");
  metadata.est_gpu_mem_typ = number("est_gpu_mem_typ");
  if (metadata.identifier.empty()) return Error{ErrorCode::InvalidDocument, "it has no identifier"};
  if (const mmif::Value* list = object->find("parameters"); list != nullptr && list->array() != nullptr) {
    for (const mmif::Value& entry : *list->array()) {
      BASE_TRY_ASSIGN(Parameter parameter, read_parameter(entry));
      metadata.parameters.push_back(std::move(parameter));
    }
  }
  return metadata;
}

base::Result<Parameters> refine_parameters(const AppMetadata& metadata, RawParameters raw) {
  return refine(metadata, std::move(raw));
}

bool is_true_text(std::string_view text) noexcept {
  return !(text == "False" || text == "false" || text == "F" || text == "f" || text == "0");
}

}  // namespace clams
