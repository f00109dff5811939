#include "wire_apps.hpp"

namespace {

using clams::ParameterType;

class FailingApp final : public clams::App {
 public:
  clams::AppMetadata metadata() const override {
    clams::AppMetadata m;
    m.name = "Wire Failing";
    m.description = "Fails on request.";
    m.analyzer_version = "0.1";
    m.app_license = "Apache-2.0";
    m.analyzer_license = "MIT";
    m.identifier = "https://example.org/apps/wire-failing";
    m.url = "https://example.org/wire-failing";
    m.add_input(mmif::types::VideoDocument).add_output(mmif::types::TimeFrame).add_tag("wire").add_tag("test");
    m.add_parameter({.name = "req", .description = "Must be given.", .type = ParameterType::String});
    m.add_parameter({.name = "kind",
                     .description = "What to raise.",
                     .type = ParameterType::String,
                     .choices = {"none", "value", "key", "runtime", "custom", "zero", "late", "unsigned", "json", "type"},
                     .default_value = "none"});
    m.add_parameter(
        {.name = "detail", .description = "The text of the error.", .type = ParameterType::String, .default_value = "boom"});
    m.add_parameter({.name = "size", .description = "An integer without use.", .type = ParameterType::Integer, .default_value = 1});
    return m;
  }

  void annotate(mmif::Mmif& mmif, const clams::Parameters& p, clams::Run& run) override {
    const auto kind = p.get<std::string>("kind"), detail = p.get<std::string>("detail");
    if (kind == "value") throw clams::ValueError(detail);
    if (kind == "key") throw clams::KeyError(detail);
    if (kind == "runtime") throw clams::RuntimeError(detail);
    if (kind == "custom") throw clams::AppError("wire_apps.AppError", detail);
    if (kind == "zero") throw clams::AppError("ZeroDivisionError", "integer division or modulo by zero");
    if (kind == "type") throw clams::TypeError("");
    if (kind == "json") throw clams::AppError("json.decoder.JSONDecodeError", detail + ": line 1 column 1 (char 0)");
    mmif::View& view = kind == "unsigned" ? mmif.new_view() : run.new_view();
    view.new_annotation(mmif::types::TimeFrame, {{"start", 0}, {"end", 1}, {"label", kind}});
    if (kind == "late") throw clams::ValueError(detail);
  }
};

}  // namespace

std::unique_ptr<clams::App> make_failing_app() { return std::make_unique<FailingApp>(); }
