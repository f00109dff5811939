#include "testing/reply.hpp"

namespace app_testing {

Reply post(clams::Service& service, const std::string& body, const std::string& query, std::stop_token stop) {
  clams::RequestContext context;
  context.stop = std::move(stop);
  const auto answer = service.annotate(body, clams::RawParameters::from_query(query), context);
  Reply reply{answer.status, answer.body.to_string(), nullptr};
  if (auto parsed = mmif::Mmif::parse(reply.bytes)) reply.mmif = std::move(parsed).value();
  return reply;
}

std::string document(std::string_view type, const std::string& mime, const std::string& id, const std::string& path) {
  return R"({"@type": ")" + std::string(type) + R"(", "properties": {"mime": ")" + mime + R"(", "id": ")" + id +
         R"(", "location": "file://)" + path + R"("}})";
}

std::string image(const std::string& id, const std::string& path) {
  return document(mmif::types::ImageDocument, "image/png", id, path);
}
std::string audio(const std::string& id, const std::string& path) {
  return document(mmif::types::AudioDocument, "audio/wav", id, path);
}
std::string video(const std::string& id, const std::string& path) {
  return document(mmif::types::VideoDocument, "video/mp4", id, path);
}

std::string mmif_with(const std::vector<std::string>& documents, const std::string& views) {
  std::string list;
  for (const auto& document : documents) list += (list.empty() ? "" : ", ") + document;
  return R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [)" + list + R"(], "views": [)" + views + "]}";
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

}  // namespace app_testing
