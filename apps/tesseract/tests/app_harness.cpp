#include "app_harness.hpp"

#include "app/tesseract_app.hpp"

namespace ocr_app::test {

namespace {

std::unique_ptr<clams::Service> shared_service;

// Ended with the tests and not with the program: libtesseract's own statics, made later, would be gone before the engines it holds.
class EndsTheService final : public ::testing::Environment {
 public:
  void TearDown() override { shared_service.reset(); }
};
const auto* const kRegistered = ::testing::AddGlobalTestEnvironment(new EndsTheService);  // gtest owns it

}  // namespace

clams::Service& service() {
  if (shared_service == nullptr) shared_service = clams::Service::create(std::make_unique<TesseractApp>(), {}).value();
  return *shared_service;
}

Reply post(const std::string& body, const std::string& query, std::stop_token stop) {
  return app_testing::post(service(), body, query, std::move(stop));
}

std::vector<std::string> texts_of(const mmif::View& view) {
  std::vector<std::string> texts;
  for (const auto* document : view.annotations(mmif::types::TextDocument)) texts.push_back(document->text().value_or("(none)"));
  return texts;
}

}  // namespace ocr_app::test
