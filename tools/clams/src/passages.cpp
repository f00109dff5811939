#include "passages.hpp"

#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "python_number.hpp"
#include "summary_parts.hpp"

namespace clams::tool {
namespace {

constexpr std::size_t kTokensPerPassage = 12;  // where the recogniser gives no sentences

using Tokens = std::vector<const SummaryNode*>;

class PassageReader {
 public:
  PassageReader(const mmif::Mmif& document, const SummaryGraph& graph, const mmif::View& view)
      : document_(document), graph_(graph), view_(view) {}

  // A sentence stands where it or its first token stands, whichever is first.
  std::vector<Passage> read() {
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
    if (run_.size() == kTokensPerPassage) close_run();
  }

  void add_sentence(const SummaryNode& sentence) {
    if (!written_.insert(&sentence).second) return;
    close_run();
    add(tokens_of(sentence), &sentence);
  }

  void close_run() {
    if (!run_.empty()) add(run_, nullptr);
    run_.clear();
  }

  void add(const Tokens& tokens, const SummaryNode* sentence) {
    Passage passage;
    passage.node = sentence;
    passage.words = words_of(tokens);
    for (const Word& word : passage.words) passage.text += (passage.text.empty() || word.touches ? "" : " ") + word.text;
    if (sentence != nullptr) {
      if (passage.text.empty()) passage.text = sentence->annotation->string("text");
      passage.own = times_of(document_, sentence->aligned_frame);
    }
    out_.push_back(std::move(passage));
  }

  // Two words touch that touch in the text: the first one's end is the second one's start.
  std::vector<Word> words_of(const Tokens& tokens) const {
    std::vector<Word> out;
    std::optional<PythonNumber> end;
    for (const SummaryNode* token : tokens) {
      const auto start = PythonNumber::from(token->find("start"));
      const bool touches = start && end && start->as_double() == end->as_double();
      out.push_back({std::string(token->annotation->string("text")), touches, times_of(document_, token->aligned_frame)});
      end = PythonNumber::from(token->find("end"));
    }
    return out;
  }

  void add_whole_texts() {
    for (const SummaryNode* text : graph_.of_type("TextDocument", &view_)) {
      const std::string_view whole = inline_text(*text);
      if (!whole.empty()) out_.push_back({text, {}, std::string(whole), times_of(document_, text->aligned_frame)});
    }
  }

  const mmif::Mmif& document_;
  const SummaryGraph& graph_;
  const mmif::View& view_;
  std::unordered_map<const SummaryNode*, const SummaryNode*> sentence_of_;
  std::unordered_set<const SummaryNode*> written_;
  Tokens run_;  // tokens outside all sentences, not yet in a passage
  std::vector<Passage> out_;
};

}  // namespace

std::optional<double> Passage::start() const {
  if (!words.empty() && words.front().time) return words.front().time->start;
  return own ? std::optional(own->start) : std::nullopt;
}

std::optional<double> Passage::end() const {
  if (!words.empty() && words.back().time) return words.back().time->end;
  return own ? std::optional(own->end) : std::nullopt;
}

std::vector<Passage> passages_of(const mmif::Mmif& document, const SummaryGraph& graph, const mmif::View& view) {
  return PassageReader(document, graph, view).read();
}

std::optional<mmif::Extent> times_of(const mmif::Mmif& document, const SummaryNode* place) {
  if (place == nullptr) return std::nullopt;
  const auto extent = mmif::extent_ms(document, *place->annotation);
  if (!extent || !std::isfinite(extent->start) || !std::isfinite(extent->end)) return std::nullopt;
  return *extent;
}

}  // namespace clams::tool
