// Passages of a transcript, with their words and times, whatever app wrote it: Alignments, Tokens and Sentences alone decide.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "mmif/mmif.hpp"
#include "mmif/time.hpp"
#include "summary_graph.hpp"

namespace clams::tool {

// One word as it is spoken.
struct Word {
  std::string text;
  bool touches = false;              // no blank stands between it and the word before
  std::optional<mmif::Extent> time;  // milliseconds
};

struct Passage {
  const SummaryNode* node = nullptr;  // the Sentence or TextDocument; nullptr: a run of Tokens outside all Sentences
  std::vector<Word> words;            // empty where the app gave no Tokens
  std::string text;                   // the words, else the text of `node`
  std::optional<mmif::Extent> own;    // milliseconds: of the TimeFrame that `node` is aligned with

  // First word's start and last word's end, each else that of `own`.
  std::optional<double> start() const;
  std::optional<double> end() const;
};

// In the order of the view: each Sentence is a passage; Tokens outside all Sentences make passages of at most 12. A view without
// either has a passage for each text that is not empty.
std::vector<Passage> passages_of(const mmif::Mmif& document, const SummaryGraph& graph, const mmif::View& view);

// Times of a TimeFrame or TimePoint in milliseconds; none for nullptr and for times that cannot be worked out.
std::optional<mmif::Extent> times_of(const mmif::Mmif& document, const SummaryNode* place);

}  // namespace clams::tool
