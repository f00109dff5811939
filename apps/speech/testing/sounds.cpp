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

const mmif::View* annotated_view(const Reply& reply) {
  const mmif::View* found = nullptr;
  if (reply.mmif)
    for (const auto& view : reply.mmif->views())
      if (!view->has_warnings()) found = view.get();
  return found;
}

std::string text_of(const Reply& reply) {
  const mmif::View* view = annotated_view(reply);
  if (view == nullptr) return "(no view) " + reply.bytes;
  const auto documents = view->annotations(mmif::types::TextDocument);
  return documents.empty() ? "(no text) " + reply.bytes : documents.front()->text().value_or("(none)");
}

std::vector<std::pair<std::int64_t, std::int64_t>> frames_of(const Reply& reply) {
  std::vector<std::pair<std::int64_t, std::int64_t>> frames;
  const mmif::View* view = annotated_view(reply);
  if (view == nullptr) return frames;
  for (const auto* frame : view->annotations(mmif::types::TimeFrame))
    frames.emplace_back(frame->integer("start").value_or(-1), frame->integer("end").value_or(-1));
  return frames;
}

}  // namespace speech::testing
