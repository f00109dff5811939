// Query strings up to typed parameters: nothing crashes, and what was typed has the type that was declared.
#include <cstdint>
#include <string>

#include "cast.hpp"
#include "clams/parameters.hpp"
#include "fuzz_check.hpp"
#include "mmif/json.hpp"
#include "view_signer.hpp"

namespace {

using mmif::Array;
using mmif::Value;

const clams::AppMetadata& metadata() {
  static const clams::AppMetadata instance = [] {
    using clams::ParameterType;
    clams::AppMetadata all;
    all.name = all.description = all.app_license = all.identifier = "x";
    all.url = "http://example.org/x";
    all.add_parameter({.name = "i", .description = "d", .type = ParameterType::Integer, .default_value = 1});
    all.add_parameter({.name = "n", .description = "d", .type = ParameterType::Number, .default_value = 0.5});
    all.add_parameter({.name = "s", .description = "d", .type = ParameterType::String, .default_value = "x"});
    all.add_parameter({.name = "b", .description = "d", .type = ParameterType::Boolean, .default_value = false});
    all.add_parameter({.name = "m", .description = "d", .type = ParameterType::Map, .default_value = Value(Array{"k:v"})});
    all.add_parameter(
        {.name = "is", .description = "d", .type = ParameterType::Integer, .default_value = Value(Array{1}), .multivalued = true});
    all.add_parameter(
        {.name = "ns", .description = "d", .type = ParameterType::Number, .default_value = Value(Array{}), .multivalued = true});
    all.add_parameter(
        {.name = "c", .description = "d", .type = ParameterType::String, .choices = {"a", "b"}, .default_value = "a"});
    std::vector<std::string> notes;
    claim(all.complete("1", notes).has_value(), "the metadata is in order");
    return all;
  }();
  return instance;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  const auto raw = clams::RawParameters::from_query(query);
  for (const auto& [name, values] : raw) {
    claim(!values.empty(), "a name of a query without a value");
    claim(raw.find(name) == &values, "a name that is not found");
  }
  const std::string recorded = mmif::to_mmif_text(clams::recorded_parameters(raw));
  claim(mmif::parse_json(recorded).has_value(), "recorded parameters that are no JSON");
  const auto parameters = clams::refine(metadata(), raw);
  if (!parameters) {
    claim(!parameters.error().message.empty(), "a refusal without a reason");
    return 0;
  }
  claim(parameters->typed().size() == metadata().parameters.size(), "a parameter is missing");
  claim(parameters->get<Value>("i").number() != nullptr && parameters->get<Value>("i").number()->is_integer(),
        "an integer that is none");
  claim(parameters->get<Value>("n").number() != nullptr && !parameters->get<Value>("n").number()->is_integer(),
        "a number that is no float");
  (void)parameters->get<std::string>("s");
  (void)parameters->get<bool>("b");
  (void)parameters->get<std::vector<std::pair<std::string, std::string>>>("m");
  (void)parameters->get<std::vector<double>>("is");
  (void)parameters->get<std::vector<double>>("ns");
  claim(parameters->get<std::string>("c") == "a" || parameters->get<std::string>("c") == "b", "a value that is no choice");
  return 0;
}
