#include "app/transcript_writer.hpp"

#include <cmath>
#include <cstddef>
#include <optional>
#include <string_view>

namespace whisper_app {
namespace {

namespace types = mmif::types;

std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return count;
}

std::string full_text(const asr::Transcript& transcript) {
  std::string text;
  for (const auto& segment : transcript.segments) text += (text.empty() || segment.text.empty() ? "" : " ") + segment.text;
  return text;
}

double rounded(double value) { return std::round(value * 1e6) / 1e6; }

class Writer {
 public:
  Writer(mmif::View& view, const asr::Transcript& transcript, const WriteOptions& options)
      : view_(view), options_(options), text_(full_text(transcript)) {}

  void begin(const mmif::Annotation& source) {
    view_.new_contain(types::TextDocument, {{"@lang", options_.language}});
    const mmif::Annotation& document = view_.new_text_document(text_, options_.language);
    view_.new_contain(types::Token, {{"document", document.id()}});
    view_.new_contain(types::TimeFrame, {{"timeUnit", "milliseconds"}, {"document", source.id()}});
    // Without sourceType and targetType: the view holds Alignments of two kinds, and readers take those as true for all.
    view_.new_contain(types::Alignment);
    view_.new_contain(types::Sentence);
    align(source.id(), document.id());
  }

  void add(const asr::Segment& segment) {
    mmif::Array tokens;
    for (const auto& word : segment.words) tokens.emplace_back(add_word(word));
    const mmif::Annotation& sentence = view_.new_annotation(
        types::Sentence, {{"targets", std::move(tokens)}, {"text", segment.text}, {"confidence", rounded(segment.confidence)}});
    if (!options_.word_times) align(add_time(segment.start, segment.end), sentence.id());
  }

 private:
  std::string add_word(const asr::Word& word) {
    mmif::Object properties{{"text", word.text}};
    if (const auto place = place_of(word.text)) {
      properties.set("start", place->first);
      properties.set("end", place->second);
    }
    const std::string token = view_.new_annotation(types::Token, std::move(properties)).id();
    if (options_.word_times) align(add_time(word.start, word.end), token);
    return token;
  }

  // Where the word comes next in the text, in characters. None only where the text holds bytes that are no characters.
  std::optional<std::pair<std::size_t, std::size_t>> place_of(const std::string& word) {
    const std::size_t found = text_.find(word, at_);
    if (found == std::string::npos) return std::nullopt;
    const std::string_view text(text_);
    const std::size_t start = characters_ + characters(text.substr(at_, found - at_));
    at_ = found + word.size();
    characters_ = start + characters(word);
    return std::pair(start, characters_);
  }

  std::string add_time(std::chrono::milliseconds start, std::chrono::milliseconds end) {
    return view_.new_annotation(types::TimeFrame, {{"label", "speech"}, {"start", start.count()}, {"end", end.count()}}).id();
  }

  void align(const std::string& source, const std::string& target) {
    view_.new_annotation(types::Alignment, {{"source", source}, {"target", target}});
  }

  mmif::View& view_;
  const WriteOptions& options_;
  const std::string text_;
  std::size_t at_ = 0, characters_ = 0;  // how far words have been found
};

}  // namespace

void write_transcript(mmif::View& view, const mmif::Annotation& source, const asr::Transcript& transcript,
                      const WriteOptions& options) {
  Writer writer(view, transcript, options);
  writer.begin(source);
  for (const auto& segment : transcript.segments) writer.add(segment);
}

}  // namespace whisper_app
