#include "wire_apps.hpp"

namespace {

using clams::ParameterType;
using mmif::Array;
using mmif::Object;
namespace types = mmif::types;

class GpuApp final : public clams::App {
 public:
  clams::AppMetadata metadata() const override {
    clams::AppMetadata m;
    m.name = "Wire GPU";
    m.description = "Declares GPU memory.";
    m.analyzer_versions = {{"org/small", "abc123"}, {"org/large", "def456"}};
    m.app_license = "Apache-2.0";
    m.analyzer_license = "MIT";
    m.identifier = "wire-gpu";
    m.url = "https://example.org/a b";
    m.add_input_one_of({std::string(types::VideoDocument), std::string(types::AudioDocument)});
    m.inputs.emplace_back(clams::Input{.type = std::string(types::TimeFrame),
                                       .properties = {{"label", Array{"slate", "bars"}}, {"timeUnit", "*"}},
                                       .required = false,
                                       .description = "Frames to look at."});
    m.outputs.push_back({.type = std::string(types::TimeFrame),
                         .properties = {{"limits", Object{{"low", 1}, {"high", 2}}}, {"exact", true}, {"n", 3}},
                         .description = "Out."});
    m.add_output("http://vocab.lappsgrid.org/SemanticTag");
    m.dependencies = {"libfoo==1.2.3", "libbar"};
    m.more = {{"sponsor", "nobody"}, {"note", "\u00e9"}};
    m.add_tag("gpu");
    m.est_gpu_mem_min = 600;
    m.est_gpu_mem_typ = 500;
    m.add_parameter({.name = "model",
                     .description = "Which model.",
                     .type = ParameterType::String,
                     .choices = {"org/small", "org/large"},
                     .default_value = "org/small"});
    m.add_parameter({.name = "batch", .description = "Batch size.", .type = ParameterType::Integer, .default_value = 8});
    return m;
  }

  void annotate(mmif::Mmif&, const clams::Parameters& p, clams::Run& run) override {
    mmif::View& view = run.new_view();
    view.new_contain(types::TimeFrame, {{"timeUnit", "seconds"}, {"_model", p.get<std::string>("model")}});
    view.new_annotation(types::TimeFrame, {{"start", 0}, {"end", 1.5}, {"label", "gpu"}});
  }
};

}  // namespace

std::unique_ptr<clams::App> make_gpu_app() { return std::make_unique<GpuApp>(); }
