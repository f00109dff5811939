#include <exception>
#include <type_traits>

#include "clams/main.hpp"

// What the guides tell apps to throw comes with the header of apps.
static_assert(std::is_base_of_v<std::exception, vram::OutOfMemory>);

namespace {

class Outsider final : public clams::App {
 public:
  clams::AppMetadata metadata() const override {
    clams::AppMetadata metadata;
    metadata.name = "Outsider";
    metadata.description = "Adds one time frame.";
    metadata.app_license = "Apache-2.0";
    metadata.identifier = "outsider";
    metadata.url = "https://example.org/outsider";
    metadata.app_version = "1.0.0";
    metadata.inputs = {clams::Input{.type = std::string(mmif::types::VideoDocument)}};
    metadata.outputs = {clams::Output{.type = std::string(mmif::types::TimeFrame)}};
    return metadata;
  }
  void annotate(mmif::Mmif&, const clams::Parameters&, clams::Run& run) override {
    run.new_view().new_annotation(mmif::types::TimeFrame, {{"start", 0}, {"end", 1000}});
  }
};

}  // namespace

int main(int argc, char** argv) { return clams::main<Outsider>(argc, argv); }
