#include "transcripts.hpp"

#include <algorithm>

#include "summary_views.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;

bool is_sound(const SummaryNode& node) { return node.type == "AudioDocument" || node.type == "VideoDocument"; }

// What a TimeFrame is about, else what a text is aligned with.
const mmif::Annotation* sound_of(const SummaryGraph& graph, const mmif::View& view) {
  for (const auto& node : graph.nodes()) {
    if (node->view != &view) continue;
    if (node->type == "TimeFrame" && node->document != nullptr && is_sound(*node->document)) return node->document->annotation;
    if (node->type == "TextDocument" && node->aligned_media != nullptr) return node->aligned_media->annotation;
  }
  return nullptr;
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

// Views of the run that wrote `view`, itself included.
std::vector<const mmif::View*> run_of(const mmif::Mmif& document, const mmif::View& view) {
  std::vector<const mmif::View*> out;
  for (const auto& other : document.views()) {
    const bool same = other->app() == view.app() && other->timestamp() == view.timestamp();
    if (other.get() == &view || (same && !other->has_error() && !other->has_warnings())) out.push_back(other.get());
  }
  return out;
}

base::Result<std::vector<const mmif::View*>> chosen_views(const mmif::Mmif& document, const SummaryGraph& graph,
                                                          const std::optional<std::string>& id) {
  if (id) {
    const mmif::View* view = document.view(*id);
    if (view != nullptr) return std::vector<const mmif::View*>{view};
    std::vector<std::string> ids;
    for (const auto& other : document.views()) ids.push_back(other->id());
    return Error{ErrorCode::NotFound, "there is no view '" + *id + "'; the file has " + (ids.empty() ? "none" : listed(ids))};
  }
  const FoundView found = transcript_view(document, graph);
  if (found.view == nullptr)
    return Error{ErrorCode::InvalidDocument,
                 "no view has a transcript: Tokens or Sentences aligned with TimeFrames, or a text aligned with a sound or video"};
  return run_of(document, *found.view);
}

base::Status keep_document(std::vector<Transcript>& transcripts, const std::string& id) {
  std::vector<std::string> ids;
  for (const Transcript& transcript : transcripts) {
    if (transcript.document != nullptr) ids.push_back(transcript.document->id());
  }
  std::erase_if(transcripts, [&](const Transcript& t) { return t.document == nullptr || t.document->id() != id; });
  if (!transcripts.empty()) return {};
  return Error{ErrorCode::NotFound,
               "there is no transcript of a document '" + id + "'; there are some of: " + (ids.empty() ? "none" : listed(ids))};
}

}  // namespace

base::Result<std::vector<Transcript>> transcripts_of(const mmif::Mmif& document, const SummaryGraph& graph,
                                                     const TranscriptChoice& choice) {
  BASE_TRY_ASSIGN(const auto views, chosen_views(document, graph, choice.view));
  std::vector<Transcript> out;
  for (const mmif::View* view : views) {
    auto passages = passages_of(document, graph, *view);
    if (!passages.empty()) out.push_back({view, sound_of(graph, *view), std::move(passages)});
  }
  if (out.empty() && choice.view)
    return Error{ErrorCode::NotFound, "the view '" + *choice.view + "' has no transcript: neither Tokens, Sentences nor texts"};
  if (choice.document) { BASE_TRY(keep_document(out, *choice.document)); }
  return out;
}

}  // namespace clams::tool
