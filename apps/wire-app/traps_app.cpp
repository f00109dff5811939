#include "wire_apps.hpp"

namespace {

using clams::ParameterType;
using mmif::Array;

class TrapsApp final : public clams::App {
 public:
  clams::AppMetadata metadata() const override {
    clams::AppMetadata m;
    m.name = "Wire Traps";
    m.description = "Odd defaults.";
    m.app_license = "Apache-2.0";
    m.identifier = "wire-traps";
    m.url = "https://example.org/wire-traps";
    m.add_input(mmif::types::VideoDocument).add_output(mmif::types::TimeFrame);
    const auto add = [&](std::string name, std::string description, ParameterType type, mmif::Value value) {
      m.add_parameter(
          {.name = std::move(name), .description = std::move(description), .type = type, .default_value = std::move(value)});
    };
    add("word_no", "String that looks false.", ParameterType::String, "no");
    add("word_yes", "String that looks true.", ParameterType::String, "yes");
    add("zeros", "String that looks like an integer.", ParameterType::String, "007");
    add("real", "String that looks like a number.", ParameterType::String, "1.50");
    add("padded", "String with spaces round a number.", ParameterType::String, " 5 ");
    add("nothing", "Empty string.", ParameterType::String, "");
    add("null_word", "The word None.", ParameterType::String, "None");
    add("one", "Number 1.0.", ParameterType::Number, 1.0);
    add("half", "Number 0.5.", ParameterType::Number, 0.5);
    add("many", "Number 1e5.", ParameterType::Number, 1e5);
    add("tiny", "Number 1e-7.", ParameterType::Number, 1e-7);
    add("vast", "Number 1e22.", ParameterType::Number, 1e22);
    add("max64", "Largest 64 bit integer.", ParameterType::Integer, INT64_MAX);
    add("minus", "Negative integer.", ParameterType::Integer, -3);
    m.add_parameter({.name = "ones",
                     .description = "Several integers.",
                     .type = ParameterType::Integer,
                     .default_value = Array{1, 0},
                     .multivalued = true});
    m.add_parameter({.name = "single",
                     .description = "Several strings, one default, not in a list.",
                     .type = ParameterType::String,
                     .default_value = "solo",
                     .multivalued = true});
    m.add_parameter({.name = "kinds",
                     .description = "Several strings with choices.",
                     .type = ParameterType::String,
                     .choices = {"a", "b", "c"},
                     .default_value = Array{"a"},
                     .multivalued = true});
    m.add_parameter({.name = "levels",
                     .description = "Several integers with choices.",
                     .type = ParameterType::Integer,
                     .choices = {1, 2, 3},
                     .default_value = Array{1},
                     .multivalued = true});
    m.add_parameter({.name = "colon",
                     .description = "Map with a colon in the value.",
                     .type = ParameterType::Map,
                     .default_value = Array{"url:http://e.org:80/x"}});
    return m;
  }

  void annotate(mmif::Mmif&, const clams::Parameters&, clams::Run& run) override {
    run.new_view().new_annotation(mmif::types::TimeFrame, {{"start", 0}, {"end", 1}, {"label", "trap"}});
  }
};

}  // namespace

std::unique_ptr<clams::App> make_traps_app() { return std::make_unique<TrapsApp>(); }
