#include "bench_apps.hpp"

namespace {

namespace types = mmif::types;

clams::AppMetadata described(std::string name, std::string description) {
  clams::AppMetadata m;
  m.name = "Bench " + name;
  m.description = std::move(description);
  m.app_license = "Apache-2.0";
  m.identifier = "bench-" + name;
  m.url = "https://github.com/clamsproject/clams-cpp";
  m.add_output(types::TimeFrame).add_output(types::TextDocument);
  return m;
}

void add_result(clams::Run& run) {
  mmif::View& view = run.new_view();
  view.new_annotation(types::TimeFrame, {{"start", 0}, {"end", 1000}, {"label", "speech"}});
  view.new_text_document("hello world");
}

class EchoApp final : public clams::App {
 public:
  clams::AppMetadata metadata() const override { return described("echo", "Adds one view to any document, as fast as it can."); }
  void annotate(mmif::Mmif&, const clams::Parameters&, clams::Run& run) override { add_result(run); }
};

}  // namespace

std::unique_ptr<clams::App> make_echo_app() { return std::make_unique<EchoApp>(); }
