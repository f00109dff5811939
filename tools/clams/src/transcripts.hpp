// Which views of an MMIF hold what was said, and of which sound or video.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "mmif/mmif.hpp"
#include "passages.hpp"
#include "summary_graph.hpp"

namespace clams::tool {

// A choice of a person among several; empty: none was made.
struct TranscriptChoice {
  std::optional<std::string> document;  // id of an AudioDocument or VideoDocument
  std::optional<std::string> view;      // id of a view
};

struct Transcript {
  const mmif::View* view;            // never nullptr
  const mmif::Annotation* document;  // the sound or video; nullptr if the view names none
  std::vector<Passage> passages;
};

// Without a choice of a view: the transcripts of the run of the app whose view `transcript_view` finds, in the order of the
// document; an app may write a view for each document. Errors, each naming what there is to choose from: NotFound for a view or a
// document that does not exist or has no transcript, InvalidDocument for a file without any transcript.
base::Result<std::vector<Transcript>> transcripts_of(const mmif::Mmif& document, const SummaryGraph& graph,
                                                     const TranscriptChoice& choice);

}  // namespace clams::tool
