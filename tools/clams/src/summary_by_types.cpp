// Transcript and captions of apps that nobody listed: what Alignments, Tokens and times say themselves.
#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "mmif/time.hpp"
#include "python_number.hpp"
#include "summary_parts.hpp"

namespace clams::tool {
namespace {

constexpr std::size_t kTokensPerEntry = 12;  // where the recogniser gives no sentences

using Tokens = std::vector<const SummaryNode*>;

mmif::Value number(double value) {
  const bool whole = std::trunc(value) == value && std::abs(value) < 9e15;
  return whole ? mmif::Value(static_cast<std::int64_t>(value)) : mmif::Value(value);
}

std::optional<mmif::Extent> times_of(const mmif::Mmif& document, const SummaryNode* place) {
  if (place == nullptr) return std::nullopt;
  const auto extent = mmif::extent_ms(document, *place->annotation);
  if (!extent || !std::isfinite(extent->start) || !std::isfinite(extent->end)) return std::nullopt;
  return *extent;
}

class TranscriptByTypes {
 public:
  TranscriptByTypes(const mmif::Mmif& document, const SummaryGraph& graph, const mmif::View& view)
      : document_(document), graph_(graph), view_(view) {}

  // In the order of the document: a sentence stands where it or its first token stands, whichever is first.
  mmif::Array entries() {
    for (const SummaryNode* sentence : graph_.of_type("Sentence", &view_)) {
      for (const SummaryNode* token : tokens_of(*sentence)) sentence_of_.emplace(token, sentence);
    }
    for (const auto& node : graph_.nodes()) {
      if (node->view != &view_) continue;
      if (node->type == "Token") add_token(*node);
      if (node->type == "Sentence") add_sentence(*node);
    }
    close_run();
    if (out_.empty()) add_whole_texts();
    return std::move(out_);
  }

 private:
  Tokens tokens_of(const SummaryNode& sentence) const {
    Tokens out;
    const mmif::Value* targets = sentence.find("targets");
    if (targets == nullptr || targets->array() == nullptr) return out;
    for (const mmif::Value& target : *targets->array()) {
      const SummaryNode* token = graph_.find(target.as_string());
      if (token != nullptr && token->type == "Token") out.push_back(token);
    }
    return out;
  }

  void add_token(const SummaryNode& token) {
    if (const auto at = sentence_of_.find(&token); at != sentence_of_.end()) return add_sentence(*at->second);
    run_.push_back(&token);
    if (run_.size() == kTokensPerEntry) close_run();
  }

  void add_sentence(const SummaryNode& sentence) {
    if (!written_.insert(&sentence).second) return;
    close_run();
    const Tokens tokens = tokens_of(sentence);
    std::string text = text_of(tokens);
    if (text.empty()) text = sentence.annotation->string("text");
    add(tokens, times_of(document_, sentence.aligned_frame), std::move(text), &sentence);
  }

  void close_run() {
    if (!run_.empty()) add(run_, std::nullopt, text_of(run_), nullptr);
    run_.clear();
  }

  // The times of the first and the last token count before those of the sentence itself.
  void add(const Tokens& tokens, std::optional<mmif::Extent> own, std::string text, const SummaryNode* sentence) {
    const auto first = tokens.empty() ? std::nullopt : times_of(document_, tokens.front()->aligned_frame);
    const auto last = tokens.empty() ? std::nullopt : times_of(document_, tokens.back()->aligned_frame);
    const auto value = [&](const std::optional<mmif::Extent>& of_token, double mmif::Extent::*bound) {
      if (of_token) return number((*of_token).*bound);
      return own ? number((*own).*bound) : mmif::Value();
    };
    mmif::Object entry{{"start-time", value(first, &mmif::Extent::start)},
                       {"end-time", value(last, &mmif::Extent::end)},
                       {"text", std::move(text)}};
    if (sentence != nullptr) entry.set("id", sentence->id());
    out_.emplace_back(std::move(entry));
  }

  // The words with a blank between two that do not touch each other in the text.
  static std::string text_of(const Tokens& tokens) {
    std::string out;
    std::optional<PythonNumber> end;
    for (const SummaryNode* token : tokens) {
      const auto start = PythonNumber::from(token->find("start"));
      const bool touches = start && end && start->as_double() == end->as_double();
      if (!out.empty() && !touches) out += ' ';
      out += token->annotation->string("text");
      end = PythonNumber::from(token->find("end"));
    }
    return out;
  }

  void add_whole_texts() {
    for (const SummaryNode* text : graph_.of_type("TextDocument", &view_)) {
      const std::string_view whole = inline_text(*text);
      if (!whole.empty()) add({}, times_of(document_, text->aligned_frame), std::string(whole), text);
    }
  }

  const mmif::Mmif& document_;
  const SummaryGraph& graph_;
  const mmif::View& view_;
  std::unordered_map<const SummaryNode*, const SummaryNode*> sentence_of_;
  std::unordered_set<const SummaryNode*> written_;
  Tokens run_;  // tokens outside all sentences, not yet written
  mmif::Array out_;
};

const SummaryNode* first_representative(const SummaryGraph& graph, const SummaryNode& frame) {
  const mmif::Value* ids = frame.find("representatives");
  if (ids == nullptr || ids->array() == nullptr || ids->array()->empty()) return nullptr;
  return graph.find(ids->array()->front().as_string());
}

mmif::Value time_of(const mmif::Mmif& document, const SummaryGraph& graph, const SummaryNode& text) {
  if (const auto point = times_of(document, text.aligned_point)) return number(point->start);
  if (text.aligned_frame == nullptr) return {};
  if (const auto point = times_of(document, first_representative(graph, *text.aligned_frame))) return number(point->start);
  const auto frame = times_of(document, text.aligned_frame);
  return frame ? number(std::floor((frame->start + frame->end) / 2)) : mmif::Value();
}

}  // namespace

mmif::Array transcript_by_types(const mmif::Mmif& document, const SummaryGraph& graph, const mmif::View& view) {
  return TranscriptByTypes(document, graph, view).entries();
}

mmif::Array captions_by_types(const mmif::Mmif& document, const SummaryGraph& graph, const mmif::View& view) {
  mmif::Array out;
  for (const SummaryNode* text : graph.of_type("TextDocument", &view)) {
    if (text->aligned_point == nullptr && text->aligned_frame == nullptr) continue;
    out.emplace_back(caption(*text, time_of(document, graph, *text)));
  }
  return out;
}

}  // namespace clams::tool
