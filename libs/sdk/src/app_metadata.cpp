#include "clams/app_metadata.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "cast.hpp"
#include "mmif/json.hpp"
#include "mmif/mmif.hpp"
#include "url.hpp"

namespace clams {
namespace {

using base::Error;
using base::ErrorCode;
using mmif::Array;
using mmif::Object;
using mmif::Value;

Error bad_field(std::string_view field, std::string_view what) {
  return {ErrorCode::Configuration, "app metadata: " + std::string(field) + " " + std::string(what)};
}

std::string_view strip_slashes(std::string_view text) {
  while (text.starts_with('/')) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

Object typed_entry(std::string_view type, const std::string& description, const Object& properties) {
  Object entry{{"@type", type}};
  if (!description.empty()) entry.set("description", description);
  if (!properties.empty()) entry.set("properties", properties);
  return entry;
}

Object input_entry(const Input& input) {
  Object entry = typed_entry(input.type, input.description, input.properties);
  entry.set("required", input.required);
  return entry;
}

// A number default shows as an integer when it is whole (1.0 as 1), list elements show as texts: as pydantic writes them.
Value shown_default(const Parameter& parameter) {
  const Value& value = *parameter.default_value;
  if (const Array* list = value.array()) {
    Array texts;
    for (const Value& element : *list) texts.emplace_back(mmif::python_str(element));
    return texts;
  }
  if (parameter.multivalued) return Array{Value(mmif::python_str(value))};
  const mmif::Number* number = value.number();
  if (number != nullptr && number->text().ends_with(".0"))
    return mmif::Number::from_token(number->text().substr(0, number->text().size() - 2));
  return value;
}

Object parameter_entry(const Parameter& parameter) {
  Object entry{{"name", parameter.name}, {"description", parameter.description}, {"type", to_string(parameter.type)}};
  if (!parameter.choices.empty()) entry.set("choices", Array(parameter.choices));
  if (parameter.default_value) entry.set("default", shown_default(parameter));
  entry.set("multivalued", parameter.multivalued);
  return entry;
}

Array strings(const std::vector<std::string>& list) { return Array(list.begin(), list.end()); }

Object string_map(const std::vector<std::pair<std::string, std::string>>& pairs) {
  Object object;
  for (const auto& [key, value] : pairs) object.set(key, value);
  return object;
}

// Control characters would tear the line that shows them.
std::string shown(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') c = '?';
  }
  return out;
}

bool is_blank_or_control(char c) { return static_cast<unsigned char>(c) <= 0x20 || c == '\x7f'; }
bool has_blank(std::string_view text) { return std::any_of(text.begin(), text.end(), is_blank_or_control); }

// A word that becomes part of a URL as it is, or a URL.
bool is_identifier(std::string_view text) {
  if (text.find("://") != std::string_view::npos)
    return !has_blank(text) && text.find_first_of("\"<>\\^`{|}") == std::string_view::npos;
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("._~-").find(c) != std::string_view::npos;
  };
  return text != "." && text != ".." && std::all_of(text.begin(), text.end(), fits);
}

base::Status check_type(std::string_view field, const std::string& type) {
  if (type.empty()) return bad_field(field, "has an empty type");
  if (has_blank(type)) return bad_field(field, "has the type '" + shown(type) + "', which holds a blank or a control character");
  return {};
}

base::Status check_choices(const Parameter& parameter, const std::string& field) {
  for (std::size_t i = 0; i < parameter.choices.size(); ++i) {
    const Value& choice = parameter.choices[i];
    const std::string text = "'" + shown(mmif::python_str(choice)) + "'";
    const auto cast = cast_text(parameter.type, mmif::python_str(choice));
    const bool fits = parameter.type == ParameterType::String ? choice.string() != nullptr
                                                              : choice.array() == nullptr && choice.object() == nullptr;
    if (!fits || !cast)
      return bad_field(field, "has the choice " + text + ", which is no " + std::string(to_string(parameter.type)));
    for (std::size_t j = 0; j < i; ++j) {
      if (parameter.choices[j] == choice) return bad_field(field, "has the choice " + text + " twice");
    }
  }
  return {};
}

base::Status check_parameter(const Parameter& parameter) {
  const std::string field = "parameter '" + shown(parameter.name) + "'";
  if (parameter.name.empty()) return bad_field("a parameter", "has no name");
  if (parameter.name.front() == '-' || parameter.name.find('=') != std::string::npos || has_blank(parameter.name))
    return bad_field(field, "has a name that no flag can have: it begins with '-', or holds '=', a blank or a control character");
  BASE_TRY(check_choices(parameter, field));
  if (parameter.description.empty()) return bad_field(field, "has no description");
  if (parameter.multivalued && parameter.type == ParameterType::Boolean)
    return bad_field(field, "is a boolean and cannot be multivalued");
  if (parameter.default_value) {
    if (parameter.default_value->array() != nullptr && !parameter.multivalued)
      return bad_field(field, "has a list as default, but is not multivalued");
    const auto cast = cast_default(parameter);
    if (!cast) return bad_field(field, "has a default that does not fit its type: " + cast.error().message);
    if (!is_allowed(parameter, *cast)) return bad_field(field, "has a default that is not one of its choices");
  }
  return {};
}

}  // namespace

std::string_view to_string(ParameterType type) noexcept {
  constexpr std::array<std::string_view, 5> kNames{"integer", "number", "string", "boolean", "map"};
  return kNames[static_cast<std::size_t>(type)];
}

const std::vector<Parameter>& universal_parameters() {
  static const std::vector<Parameter> list{
      {.name = "pretty",
       .description = "The JSON body of the HTTP response will be re-formatted with 2-space indentation",
       .type = ParameterType::Boolean,
       .default_value = false},
      {.name = "runningTime",
       .description = "The running time of the app will be recorded in the view metadata",
       .type = ParameterType::Boolean,
       .default_value = true},
      {.name = "hwFetch",
       .description = "The hardware information (architecture, GPU and vRAM) will be recorded in the view metadata",
       .type = ParameterType::Boolean,
       .default_value = false},
      {.name = "tfSamplingMode",
       .description = "Sampling mode for TimeFrame annotations. Has no effect when the app does not process TimeFrames. "
                      "\"representatives\" uses all representative timepoints if present, "
                      "otherwise skips the TimeFrame. \"single\" uses the middle representative if present, otherwise extracts an "
                      "image from the midpoint of the start/end interval (midpoint is "
                      "calculated by floor division of the sum of start and end). \"all\" uses all target timepoints if present, "
                      "otherwise extracts all images from the time interval.",
       .type = ParameterType::String,
       .choices = {"representatives", "single", "all"},
       .default_value = "representatives"}};
  return list;
}

bool is_universal_parameter(std::string_view name) noexcept {
  const auto& list = universal_parameters();
  return std::any_of(list.begin(), list.end(), [&](const Parameter& parameter) { return parameter.name == name; });
}

AppMetadata& AppMetadata::add_input(std::string_view type, bool required, Object properties) {
  inputs.emplace_back(Input{std::string(type), std::move(properties), required, {}});
  return *this;
}

AppMetadata& AppMetadata::add_input_one_of(std::vector<std::string> types) {
  std::vector<Input> choice;
  for (std::string& type : types) choice.push_back(Input{std::move(type), {}, true, {}});
  if (choice.size() == 1)
    inputs.emplace_back(std::move(choice.front()));
  else
    inputs.emplace_back(std::move(choice));
  return *this;
}

AppMetadata& AppMetadata::add_output(std::string_view type, Object properties) {
  outputs.push_back(Output{std::string(type), std::move(properties), {}});
  return *this;
}

AppMetadata& AppMetadata::add_parameter(Parameter parameter) {
  if (parameter.type == ParameterType::Map) parameter.multivalued = true;
  if (parameter.type == ParameterType::Boolean) parameter.multivalued = false;
  parameters.push_back(std::move(parameter));
  return *this;
}

AppMetadata& AppMetadata::add_tag(std::string_view tag) {
  if (std::find(app_tags.begin(), app_tags.end(), tag) == app_tags.end()) app_tags.emplace_back(tag);
  return *this;
}

base::Status AppMetadata::complete(std::string_view environment_version, std::vector<std::string>& notes) {
  const std::pair<std::string_view, const std::string*> needed[] = {
      {"name", &name}, {"description", &description}, {"app_license", &app_license}, {"identifier", &identifier}, {"url", &url}};
  for (const auto& [field, value] : needed) {
    if (value->empty()) return bad_field(field, "is missing");
  }
  if (!environment_version.empty()) app_version = environment_version;
  if (app_version.empty()) app_version = "unresolvable";
  if (has_blank(app_version)) return bad_field("app_version", "'" + shown(app_version) + "' holds a blank or a control character");
  if (!is_identifier(identifier))
    return bad_field(
        "identifier",
        "'" + shown(identifier) + "' is neither a plain word nor an http(s) URL: a word has letters, digits and any of . _ ~ -");
  const std::string prefix = identifier.find('/') == std::string::npos ? "http://apps.clams.ai/" : "";
  const auto full =
      normalise_http_url(prefix + std::string(strip_slashes(identifier)) + "/" + std::string(strip_slashes(app_version)));
  if (!full) return bad_field("identifier", "'" + shown(identifier) + "' is neither a plain word nor an http(s) URL");
  identifier = *full;
  const auto source = normalise_http_url(url);
  // A blank in a path is encoded, as the Python SDK does.
  if (!source || std::any_of(url.begin(), url.end(), [](char c) { return c != ' ' && is_blank_or_control(c); }))
    return bad_field("url", "'" + shown(url) + "' is not an http(s) URL");
  url = *source;

  std::set<std::string_view> seen_inputs;
  for (const auto& input : inputs) {
    if (const auto* single = std::get_if<Input>(&input)) {
      BASE_TRY(check_type("input", single->type));
      if (!seen_inputs.insert(single->type).second) return bad_field("input", "has the type " + single->type + " twice");
      continue;
    }
    const auto& choice = std::get<std::vector<Input>>(input);
    if (choice.empty()) return bad_field("input", "offers a choice of nothing");
    for (const Input& one : choice) {
      BASE_TRY(check_type("input", one.type));
      if (!one.required)
        return bad_field("input", "offers a choice in which " + one.type + " is not required; leave it out instead");
    }
  }
  for (const Output& output : outputs) BASE_TRY(check_type("output", output.type));
  if (std::any_of(app_tags.begin(), app_tags.end(), [](const std::string& tag) { return tag.empty(); }))
    return bad_field("app_tags", "has an empty tag");
  if (est_gpu_mem_min < 0 || est_gpu_mem_typ < 0) return bad_field("est_gpu_mem_min and est_gpu_mem_typ", "must not be negative");
  if (est_gpu_mem_min > 0 && est_gpu_mem_typ > 0 && est_gpu_mem_typ < est_gpu_mem_min) {
    notes.push_back("app metadata: est_gpu_mem_typ (" + std::to_string(est_gpu_mem_typ) + " MB) is less than est_gpu_mem_min (" +
                    std::to_string(est_gpu_mem_min) + " MB); " + std::to_string(est_gpu_mem_min) + " MB is used for both");
    est_gpu_mem_typ = est_gpu_mem_min;
  }
  std::set<std::string_view> names;
  for (const Parameter& parameter : parameters) {
    BASE_TRY(check_parameter(parameter));
    const std::string field = "parameter '" + parameter.name + "'";
    if (is_universal_parameter(parameter.name)) return bad_field(field, "has the name of a parameter that every app has");
    if (!names.insert(parameter.name).second) return bad_field(field, "is declared twice");
  }
  for (const Parameter& universal : universal_parameters()) parameters.push_back(universal);
  complete_ = true;
  return {};
}

const Parameter* AppMetadata::find_parameter(std::string_view parameter_name) const noexcept {
  const auto at = std::find_if(parameters.begin(), parameters.end(), [&](const Parameter& p) { return p.name == parameter_name; });
  return at == parameters.end() ? nullptr : &*at;
}

Object AppMetadata::to_object() const {
  Object out{{"name", name}, {"description", description}, {"app_version", app_version}, {"mmif_version", mmif::kSpecVersion}};
  if (analyzer_version) out.set("analyzer_version", *analyzer_version);
  if (!analyzer_versions.empty()) out.set("analyzer_versions", string_map(analyzer_versions));
  out.set("app_license", app_license);
  if (analyzer_license) out.set("analyzer_license", *analyzer_license);
  out.set("identifier", identifier);
  out.set("url", url);
  Array list;
  for (const auto& input : inputs) {
    if (const auto* single = std::get_if<Input>(&input)) {
      list.emplace_back(input_entry(*single));
      continue;
    }
    Array choice;
    for (const Input& one : std::get<std::vector<Input>>(input)) choice.emplace_back(input_entry(one));
    list.emplace_back(std::move(choice));
  }
  if (!list.empty()) out.set("input", std::exchange(list, {}));
  for (const Output& output : outputs) list.emplace_back(typed_entry(output.type, output.description, output.properties));
  if (!list.empty()) out.set("output", std::exchange(list, {}));
  for (const Parameter& parameter : parameters) list.emplace_back(parameter_entry(parameter));
  if (!list.empty()) out.set("parameters", std::exchange(list, {}));
  if (!dependencies.empty()) out.set("dependencies", strings(dependencies));
  if (!more.empty()) out.set("more", string_map(more));
  if (!app_tags.empty()) out.set("app_tags", strings(app_tags));
  if (est_gpu_mem_min != 0) out.set("est_gpu_mem_min", est_gpu_mem_min);
  if (est_gpu_mem_typ != 0) out.set("est_gpu_mem_typ", est_gpu_mem_typ);
  return out;
}

}  // namespace clams
