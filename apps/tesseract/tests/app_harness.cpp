#include "app_harness.hpp"

#include "app/tesseract_app.hpp"

namespace ocr_app::test {

clams::Service& service() {
  // Never destroyed: libtesseract's own statics, made later, would be gone before the engines it holds.
  static clams::Service& instance = *clams::Service::create(std::make_unique<TesseractApp>(), {}).value().release();
  return instance;
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
