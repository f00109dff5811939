// The parts of a summary that are more than a list; each is the value of one key.
#pragma once
#include <string>
#include <vector>

#include "mmif/value.hpp"
#include "summary_graph.hpp"

namespace clams::tool {

// Sentences of the view with the transcript (summary_views.hpp), with their times.
mmif::Array summarize_transcript(const mmif::Mmif& document, const SummaryGraph& graph, std::vector<std::string>& notes);
// Texts of the view with the captions (summary_views.hpp), with their time points.
mmif::Array summarize_captions(const mmif::Mmif& document, const SummaryGraph& graph);

// The same of a view whose app the Python summarizer does not know. Times are milliseconds, whatever the unit in the view is; a
// time that is not known is null.
// Each Sentence is an entry. Tokens outside all Sentences make entries of at most 12. A text without either is one entry.
mmif::Array transcript_by_types(const mmif::Mmif& document, const SummaryGraph& graph, const mmif::View& view);
// Each text at a time is an entry, in the order of the document. The time of a TimeFrame is its first representative, else its
// middle.
mmif::Array captions_by_types(const mmif::Mmif& document, const SummaryGraph& graph, const mmif::View& view);

// text.@value of a TextDocument; empty if there is none. Files that it names are not read.
std::string_view inline_text(const SummaryNode& document);
// An entry of the captions. Its text is what follows the last "[/INST]": before it stands what the model was asked.
mmif::Object caption(const SummaryNode& document, const mmif::Value& time_point);

// TimeFrames with a label by app, sorted by their start, and counts and durations by app and label.
struct TimeFrameSummary {
  mmif::Object frames;
  mmif::Object statistics;
};
TimeFrameSummary summarize_time_frames(const SummaryGraph& graph, std::vector<std::string>& notes);

// NamedEntities by their text; those less than a second apart have the same group.
mmif::Array summarize_entities(const mmif::Mmif& document, const SummaryGraph& graph);

}  // namespace clams::tool
