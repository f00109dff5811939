// Which view of an MMIF holds the transcript, and which one the captions.
#pragma once
#include "mmif/mmif.hpp"
#include "summary_graph.hpp"

namespace clams::tool {

// A view and how it was found. `view` is nullptr if the document has none.
struct FoundView {
  const mmif::View* view = nullptr;
  // The Python summarizer knows the app by its URI. Such a view is read exactly as Python reads it; any other one by its types.
  bool known_to_python = false;
};

// The last view of an app that the Python summarizer knows as a speech recogniser. Without such a view: the last one with Tokens
// or Sentences that are aligned with TimeFrames, else the last one with a TextDocument that is aligned with a whole sound or video.
// Views with warnings or an error are passed over.
FoundView transcript_view(const mmif::Mmif& document, const SummaryGraph& graph);

// The last view of an app that the Python summarizer knows as a captioner. Without such a view: the last one with TextDocuments
// that are aligned with TimePoints or TimeFrames. Views with boxes or parts of texts (text recognition) count only where no other
// view has texts at times; transcripts never count.
FoundView caption_view(const mmif::Mmif& document, const SummaryGraph& graph);

}  // namespace clams::tool
