// The parts of a summary that are more than a list; each is the value of one key.
#pragma once
#include <string>
#include <vector>

#include "mmif/value.hpp"
#include "summary_graph.hpp"

namespace clams::tool {

// Sentences of the last view of a known speech recogniser, with their times.
mmif::Array summarize_transcript(const mmif::Mmif& document, const SummaryGraph& graph, std::vector<std::string>& notes);
// Texts of the last view of a known captioner, with their time points.
mmif::Array summarize_captions(const mmif::Mmif& document, const SummaryGraph& graph);

// TimeFrames with a label by app, sorted by their start, and counts and durations by app and label.
struct TimeFrameSummary {
  mmif::Object frames;
  mmif::Object statistics;
};
TimeFrameSummary summarize_time_frames(const SummaryGraph& graph, std::vector<std::string>& notes);

// NamedEntities by their text; those less than a second apart have the same group.
mmif::Array summarize_entities(const mmif::Mmif& document, const SummaryGraph& graph);

}  // namespace clams::tool
