#include <algorithm>

#include "mmif/json.hpp"
#include "python_number.hpp"
#include "summary_parts.hpp"
#include "summary_views.hpp"

namespace clams::tool {
namespace {

constexpr std::size_t kTokensPerSentence = 12;  // where the recogniser gives no sentences

std::vector<std::string_view> code_points(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

// The text of a view, put together from its tokens; blanks where there is none. Positions are code points.
class Page {
 public:
  explicit Page(std::int64_t size) : characters_(static_cast<std::size_t>(std::clamp<std::int64_t>(size, 0, kMost)), " ") {}

  // As Python assigns to a slice: a text of another length moves what follows.
  void put(std::int64_t start, std::int64_t end, std::string_view text) {
    const auto points = code_points(text);
    const auto from = characters_.begin() + place(start);
    const auto to = std::max(from, characters_.begin() + place(end));
    if (static_cast<std::size_t>(to - from) == points.size()) {
      std::copy(points.begin(), points.end(), from);
    } else {
      characters_.insert(characters_.erase(from, to), points.begin(), points.end());
    }
  }
  std::string text(std::int64_t start, std::int64_t end) const {
    std::string out;
    for (auto i = place(start); i < place(end); ++i) out += characters_[static_cast<std::size_t>(i)];
    return out;
  }

 private:
  static constexpr std::int64_t kMost = std::int64_t{1} << 22;  // days of speech; a mistaken offset must not take the host's memory
  std::ptrdiff_t place(std::int64_t at) const {
    const auto size = static_cast<std::int64_t>(characters_.size());
    return static_cast<std::ptrdiff_t>(std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size));
  }
  std::vector<std::string_view> characters_;
};

std::int64_t offset(const SummaryNode& token, std::string_view name) {
  const auto number = PythonNumber::from(token.find(name));
  return number ? number->truncated() : 0;
}

struct Sentence {
  const SummaryNode* node;  // nullptr if it was cut by length
  std::vector<const SummaryNode*> tokens;
};

std::vector<Sentence> sentences_of(const SummaryGraph& graph, const mmif::View* view) {
  std::vector<Sentence> sentences;
  const auto tokens = graph.of_type("Token", view);
  if (tokens.empty()) return sentences;
  for (const SummaryNode* node : graph.of_type("Sentence", view)) {
    Sentence sentence{node, {}};
    const mmif::Value* targets = node->find("targets");
    if (targets != nullptr && targets->array() != nullptr) {
      for (const mmif::Value& target : *targets->array()) {
        if (const SummaryNode* token = graph.find(target.as_string())) sentence.tokens.push_back(token);
      }
    }
    if (!sentence.tokens.empty()) sentences.push_back(std::move(sentence));
  }
  if (!sentences.empty()) return sentences;
  for (std::size_t i = 0; i < tokens.size(); i += kTokensPerSentence) {
    const auto from = tokens.begin() + static_cast<std::ptrdiff_t>(i);
    sentences.push_back({nullptr, {from, from + static_cast<std::ptrdiff_t>(std::min(kTokensPerSentence, tokens.size() - i))}});
  }
  return sentences;
}

mmif::Object written(const Sentence& sentence, Page& page) {
  for (const SummaryNode* token : sentence.tokens)
    page.put(offset(*token, "start"), offset(*token, "end"), token->annotation->string("text"));
  const SummaryNode& first = *sentence.tokens.front();
  const SummaryNode& last = *sentence.tokens.back();
  mmif::Object out{{"start-time", first.time_offsets ? first.time_offsets->first : mmif::Value()},
                   {"end-time", last.time_offsets ? last.time_offsets->second : mmif::Value()},
                   {"text", page.text(offset(first, "start"), offset(last, "end"))}};
  if (sentence.node != nullptr) out.set("id", sentence.node->id());
  return out;
}

}  // namespace

std::string_view inline_text(const SummaryNode& document) {
  const mmif::Value* text = document.find("text");
  const mmif::Value* value = text != nullptr && text->object() != nullptr ? text->object()->find("@value") : nullptr;
  return value == nullptr ? std::string_view() : value->as_string();
}

mmif::Object caption(const SummaryNode& document, const mmif::Value& time_point) {
  constexpr std::string_view kAsked = "[/INST]";
  const std::string_view whole = inline_text(document);
  const std::size_t at = whole.rfind(kAsked);
  const std::string_view answer = at == std::string_view::npos ? whole : whole.substr(at + kAsked.size());
  return mmif::Object{{"identifier", document.id()}, {"time-point", time_point}, {"text", answer}};
}

mmif::Array summarize_transcript(const mmif::Mmif& document, const SummaryGraph& graph, std::vector<std::string>& notes) {
  const FoundView found = transcript_view(document, graph);
  if (found.view == nullptr) return {};
  if (graph.of_type("TextDocument", found.view).size() > 1)
    notes.push_back("More than one TextDocument in ASR view " + found.view->id());
  if (!found.known_to_python) return transcript_by_types(document, graph, *found.view);
  const std::vector<Sentence> sentences = sentences_of(graph, found.view);
  mmif::Array out;
  if (sentences.empty()) return out;
  Page page(offset(*sentences.back().tokens.back(), "end"));
  for (const Sentence& sentence : sentences) out.emplace_back(written(sentence, page));
  return out;
}

mmif::Array summarize_captions(const mmif::Mmif& document, const SummaryGraph& graph) {
  const FoundView found = caption_view(document, graph);
  if (found.view == nullptr) return {};
  if (!found.known_to_python) return captions_by_types(document, graph, *found.view);
  mmif::Array out;
  for (const SummaryNode* text : graph.of_type("TextDocument", found.view)) {
    if (text->time_offsets && text->representatives && !text->representatives->empty()) {
      const SummaryNode* point = graph.find(text->representatives->front().as_string());
      const mmif::Value* time = point == nullptr ? nullptr : point->find("timePoint");
      if (time != nullptr) out.emplace_back(caption(*text, *time));
    }
    if (text->time_point) out.emplace_back(caption(*text, *text->time_point));
  }
  return out;
}

}  // namespace clams::tool
