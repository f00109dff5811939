#include <algorithm>

#include "wire_apps.hpp"

namespace {

using clams::ParameterType;
using mmif::Array;
using mmif::Object;
namespace types = mmif::types;

class EchoApp final : public clams::App {
 public:
  clams::AppMetadata metadata() const override {
    clams::AppMetadata m;
    m.name = "Wire Echo";
    m.description = "Writes back what it was asked.\nSecond line: \u00e9 \u6587\u5b57 \U0001F600 \"quoted\" <b>&amp; / \\";
    m.app_license = "Apache-2.0";
    m.identifier = "wire-echo";
    m.url = "https://example.org/wire-echo";
    m.add_input(types::VideoDocument).add_input(types::TextDocument, false, {{"language", "en"}});
    m.add_output(types::TimeFrame, {{"timeUnit", "milliseconds"}, {"label", "*"}});
    m.add_output(types::TextDocument).add_output(types::Alignment).add_output(types::BoundingBox);
    m.add_parameter(
        {.name = "text", .description = "Text of the text document.", .type = ParameterType::String, .default_value = "hello"});
    m.add_parameter({.name = "label",
                     .description = "Label stem of the time frames.",
                     .type = ParameterType::String,
                     .choices = {"intro", "slate", "credits"},
                     .default_value = "slate"});
    m.add_parameter({.name = "count",
                     .description = "Number of time frames, 100 at most.",
                     .type = ParameterType::Integer,
                     .default_value = 2});
    m.add_parameter({.name = "level",
                     .description = "A number to choose.",
                     .type = ParameterType::Integer,
                     .choices = {1, 2, 3},
                     .default_value = 1});
    m.add_parameter(
        {.name = "ratio", .description = "Confidence of the bounding box.", .type = ParameterType::Number, .default_value = 0.5});
    m.add_parameter({.name = "step",
                     .description = "A number with choices.",
                     .type = ParameterType::Number,
                     .choices = {0.5, 1.0, 2.5},
                     .default_value = 0.5});
    m.add_parameter(
        {.name = "flag", .description = "A switch that is off.", .type = ParameterType::Boolean, .default_value = false});
    m.add_parameter({.name = "on", .description = "A switch that is on.", .type = ParameterType::Boolean, .default_value = true});
    m.add_parameter({.name = "tags",
                     .description = "Several strings.",
                     .type = ParameterType::String,
                     .default_value = Array{"x", "y"},
                     .multivalued = true});
    m.add_parameter({.name = "nums",
                     .description = "Several integers.",
                     .type = ParameterType::Integer,
                     .default_value = Array{1, 2},
                     .multivalued = true});
    m.add_parameter({.name = "weights",
                     .description = "Several numbers.",
                     .type = ParameterType::Number,
                     .default_value = Array{0.25},
                     .multivalued = true});
    m.add_parameter({.name = "none",
                     .description = "Several strings, none by default.",
                     .type = ParameterType::String,
                     .default_value = Array{},
                     .multivalued = true});
    m.add_parameter({.name = "pairs", .description = "A map.", .type = ParameterType::Map, .default_value = Array{"k:v", "k2:v2"}});
    return m;
  }

  void annotate(mmif::Mmif& mmif, const clams::Parameters& p, clams::Run& run) override {
    mmif::View& view = run.new_view();
    Object contain;
    if (!mmif.documents().empty()) contain.set("document", mmif.documents().front()->id());
    contain.set("timeUnit", "milliseconds");
    view.new_contain(types::TimeFrame, std::move(contain));
    const auto count = count_of(p);
    const mmif::Annotation* first = nullptr;
    for (std::int64_t i = 0; i < count; ++i) {
      const mmif::Annotation& frame = view.new_annotation(
          types::TimeFrame,
          {{"start", 1000 * i}, {"end", 1000 * i + 500}, {"label", p.get<std::string>("label") + "-" + std::to_string(i + 1)}});
      if (first == nullptr) first = &frame;
    }
    const mmif::Annotation& text = view.new_text_document(p.get<std::string>("text"));
    if (first != nullptr) view.new_annotation(types::Alignment, {{"source", first->id()}, {"target", text.id()}});
    view.new_annotation(
        types::BoundingBox,
        {{"coordinates", Array{Array{0, 0}, Array{10.5, -20}}}, {"label", "box"}, {"confidence", p.get<mmif::Value>("ratio")}});
  }

 private:
  // The count may have more digits than fit 64 bits.
  static std::int64_t count_of(const clams::Parameters& p) {
    const auto value = p.get<mmif::Value>("count");
    if (const auto small = value.as_int64()) return std::clamp<std::int64_t>(*small, 0, 100);
    return value.number()->text().front() == '-' ? 0 : 100;
  }
};

}  // namespace

std::unique_ptr<clams::App> make_echo_app() { return std::make_unique<EchoApp>(); }
