#include "app_harness.hpp"

#include "app/tesseract_app.hpp"

namespace ocr_app::test {

clams::Service& service() {
  // Never destroyed: libtesseract's own statics, made later, would be gone before the engines it holds.
  static clams::Service& instance = *clams::Service::create(std::make_unique<TesseractApp>(), {}).value().release();
  return instance;
}

Reply post(const std::string& body, const std::string& query, std::stop_token stop) {
  clams::RequestContext context;
  context.stop = std::move(stop);
  const auto answer = service().annotate(body, clams::RawParameters::from_query(query), context);
  Reply reply{answer.status, answer.body.to_string(), nullptr};
  if (auto parsed = mmif::Mmif::parse(reply.bytes)) reply.mmif = std::move(parsed).value();
  return reply;
}

std::string mmif_with(const std::vector<std::string>& documents, const std::string& views) {
  std::string list;
  for (const auto& document : documents) list += (list.empty() ? "" : ", ") + document;
  return R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [)" + list + R"(], "views": [)" + views + "]}";
}

namespace {

std::string document(std::string_view type, const std::string& mime, const std::string& id, const std::string& path) {
  return R"({"@type": ")" + std::string(type) + R"(", "properties": {"mime": ")" + mime + R"(", "id": ")" + id +
         R"(", "location": "file://)" + path + R"("}})";
}

}  // namespace

std::string image(const std::string& id, const std::string& path) {
  return document(mmif::types::ImageDocument, "image/png", id, path);
}
std::string video(const std::string& id, const std::string& path) {
  return document(mmif::types::VideoDocument, "video/mp4", id, path);
}

std::vector<std::string> texts_of(const mmif::View& view) {
  std::vector<std::string> texts;
  for (const auto* document : view.annotations(mmif::types::TextDocument)) texts.push_back(document->text().value_or("(none)"));
  return texts;
}

const mmif::View& last_view(const Reply& reply) { return *reply.mmif->views().back(); }

std::string error_of(const Reply& reply) {
  if (!reply.mmif || reply.mmif->views().empty()) return "(no view) " + reply.bytes;
  const mmif::Value* error = last_view(reply).metadata().find("error");
  if (error == nullptr || error->object() == nullptr) return "(no error) " + reply.bytes;
  return std::string(error->object()->find("message")->as_string());
}

std::string warnings_of(const Reply& reply) {
  std::string all;
  if (!reply.mmif) return all;
  for (const auto& view : reply.mmif->views()) {
    const mmif::Value* warnings = view->metadata().find("warnings");
    if (warnings == nullptr || warnings->array() == nullptr) continue;
    for (const auto& warning : *warnings->array()) all += std::string(warning.as_string()) + "\n";
  }
  return all;
}

}  // namespace ocr_app::test
