#include "speech/testing/sounds.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <fstream>
#include <numbers>
#include <system_error>

namespace speech::testing {
namespace {

std::string little(std::uint32_t value, int bytes) {
  std::string text;
  for (int n = 0; n < bytes; ++n) text += static_cast<char>(value >> (8 * n) & 0xFFU);
  return text;
}

std::string document(std::string_view type, const std::string& mime, const std::string& id, const std::string& path) {
  return R"({"@type": ")" + std::string(type) + R"(", "properties": {"mime": ")" + mime + R"(", "id": ")" + id +
         R"(", "location": "file://)" + path + R"("}})";
}

}  // namespace

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "clams-speech-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "cannot make a folder like " << name;
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  if (!::testing::Test::HasFailure()) std::filesystem::remove_all(path_, ignored);
}

std::vector<float> tone(double hertz, double seconds, int rate) {
  std::vector<float> samples(static_cast<std::size_t>(seconds * rate));
  for (std::size_t n = 0; n < samples.size(); ++n)
    samples[n] = static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(n) / rate));
  return samples;
}

std::vector<float> four_passages() {
  std::vector<float> all;
  for (const double hertz : {300.0, 3500.0, 0.0, 3500.0}) {
    const auto passage = tone(hertz, 5);
    all.insert(all.end(), passage.begin(), passage.end());
  }
  return all;
}

void write_raw_wav(const std::string& path, const std::string& bytes, int kind, int bits, int channels, int rate) {
  const auto number = [](int value) { return static_cast<std::uint32_t>(value); };
  const int frame = channels * bits / 8;
  std::ofstream out(path, std::ios::binary);
  out << "RIFF" << little(static_cast<std::uint32_t>(36 + bytes.size()), 4) << "WAVEfmt " << little(16, 4)
      << little(number(kind), 2) << little(number(channels), 2) << little(number(rate), 4) << little(number(rate * frame), 4)
      << little(number(frame), 2) << little(number(bits), 2) << "data" << little(static_cast<std::uint32_t>(bytes.size()), 4)
      << bytes;
  ASSERT_TRUE(out.flush().good()) << path;
}

void write_wav(const std::string& path, const std::vector<float>& samples, int rate, int channels) {
  std::string bytes;
  for (const float sample : samples)
    for (int c = 0; c < channels; ++c) bytes += little(static_cast<std::uint32_t>(std::lround(sample * 32767)), 2);
  write_raw_wav(path, bytes, 1, 16, channels, rate);
}

std::string audio(const std::string& id, const std::string& path) {
  return document(mmif::types::AudioDocument, "audio/wav", id, path);
}
std::string video(const std::string& id, const std::string& path) {
  return document(mmif::types::VideoDocument, "video/mp4", id, path);
}

std::string mmif_with(const std::vector<std::string>& documents) {
  std::string list;
  for (const auto& document : documents) list += (list.empty() ? "" : ", ") + document;
  return R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [)" + list + R"(], "views": []})";
}

Reply post(clams::Service& service, const std::string& body, const std::string& query, std::stop_token stop) {
  clams::RequestContext context;
  context.stop = std::move(stop);
  const auto answer = service.annotate(body, clams::RawParameters::from_query(query), context);
  Reply reply{answer.status, answer.body.to_string(), nullptr};
  if (auto parsed = mmif::Mmif::parse(reply.bytes)) reply.mmif = std::move(parsed).value();
  return reply;
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

std::string text_of(const Reply& reply) {
  if (!reply.mmif || reply.mmif->views().empty()) return "(no view) " + reply.bytes;
  const auto documents = last_view(reply).annotations(mmif::types::TextDocument);
  return documents.empty() ? "(no text) " + reply.bytes : documents.front()->text().value_or("(none)");
}

std::vector<std::pair<std::int64_t, std::int64_t>> frames_of(const Reply& reply) {
  std::vector<std::pair<std::int64_t, std::int64_t>> frames;
  if (!reply.mmif || reply.mmif->views().empty()) return frames;
  for (const auto* frame : last_view(reply).annotations(mmif::types::TimeFrame))
    frames.emplace_back(frame->integer("start").value_or(-1), frame->integer("end").value_or(-1));
  return frames;
}

}  // namespace speech::testing
