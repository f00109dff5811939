// Request bodies through the whole service: whatever comes is answered, and every JSON answer can be read again.
#include <cstdint>
#include <memory>

#include "clams/service.hpp"
#include "fuzz_check.hpp"
#include "mmif/json.hpp"

namespace {

class Echo final : public clams::App {
 public:
  clams::AppMetadata metadata() const override {
    clams::AppMetadata metadata;
    metadata.name = metadata.description = metadata.app_license = metadata.identifier = "echo";
    metadata.url = "http://example.org/echo";
    metadata.add_parameter({.name = "n", .description = "d", .type = clams::ParameterType::Integer, .default_value = 1});
    metadata.add_parameter({.name = "l",
                            .description = "d",
                            .type = clams::ParameterType::Number,
                            .default_value = mmif::Value(mmif::Array{}),
                            .multivalued = true});
    metadata.add_parameter(
        {.name = "m", .description = "d", .type = clams::ParameterType::Map, .default_value = mmif::Value(mmif::Array{})});
    return metadata;
  }
  bool uses_gpu() const override { return false; }
  void annotate(mmif::Mmif& mmif, const clams::Parameters& parameters, clams::Run& run) override {
    mmif::View& view = run.new_view();
    for (const auto& document : mmif.documents())
      view.new_annotation(mmif::types::TimeFrame,
                          {{"document", document->id()}, {"n", parameters.get<mmif::Value>("n")}, {"label", "x"}});
    if (!mmif.documents().empty()) mmif.documents().front()->set("fps", 25);
  }
};

clams::Service& service() {
  static const std::unique_ptr<clams::Service> instance = [] {
    auto created = clams::Service::create(std::make_unique<Echo>(), {});
    claim(created.has_value(), "the service cannot be made");
    return std::move(*created);
  }();
  return *instance;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string body(reinterpret_cast<const char*>(data), size);
  const auto envelope = mmif::parse_envelope(body);
  const auto answer = service().annotate(std::move(body), {}, {});
  const std::string text = answer.body.to_string();
  claim(envelope.has_value() || answer.status == 400, "a malformed body is not a 400");
  claim(answer.status == 200 || answer.status == 400 || answer.status == 500, "an answer of another status");
  if (answer.status == 400) {
    claim(answer.content_type == "text/plain; charset=utf-8", "a refusal that is no text");
    return 0;
  }
  const auto again = mmif::Mmif::parse(text);
  claim(again.has_value(), "an answer that is no MMIF");
  claim((*again)->views().back()->has_error() == (answer.status == 500), "an error view and a status that do not agree");
  return 0;
}
