#include "summary_views.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace clams::tool {
namespace {

// As in mmif-python 1.5.4: exactly these versions are known.
constexpr std::array<std::string_view, 6> kRecognisers{
    "http://apps.clams.ai/aapb-pua-kaldi-wrapper/0.2.2", "http://apps.clams.ai/aapb-pua-kaldi-wrapper/0.2.3",
    "http://apps.clams.ai/aapb-pua-kaldi-wrapper/v3",    "http://apps.clams.ai/whisper-wrapper/v7",
    "http://apps.clams.ai/whisper-wrapper/v8",           "http://apps.clams.ai/whisper-wrapper/v8-3-g737e280"};
constexpr std::array<std::string_view, 2> kCaptioners{"http://apps.clams.ai/llava-captioner/v1.2-6-gc824c97",
                                                      "http://apps.clams.ai/smolvlm2-captioner"};

// What a view holds, as far as it tells transcripts, captions and recognised text apart.
struct Holds {
  bool timed_speech = false;  // Tokens or Sentences that are aligned with TimeFrames
  bool whole_text = false;    // a text that is aligned with a whole sound or video
  bool text_at_time = false;  // a text that is aligned with a TimePoint or a TimeFrame
  bool layout = false;        // boxes, or parts of texts
};

void note(Holds& holds, const SummaryNode& node) {
  const bool part = node.type == "Token" || node.type == "Sentence" || node.type == "Paragraph";
  if (part || node.type == "BoundingBox" || node.type == "Polygon") holds.layout = true;
  if (part && node.aligned_frame != nullptr) holds.timed_speech = true;
  if (node.type != "TextDocument") return;
  if (node.aligned_media != nullptr) holds.whole_text = true;
  if (node.aligned_point != nullptr || node.aligned_frame != nullptr) holds.text_at_time = true;
}

using HoldsOfViews = std::unordered_map<const mmif::View*, Holds>;

HoldsOfViews look_through(const SummaryGraph& graph) {
  HoldsOfViews out;
  for (const auto& node : graph.nodes()) {
    if (node->view != nullptr) note(out[node->view], *node);
  }
  return out;
}

// As Python takes a value for true: an empty list of warnings is none.
bool says_something(const mmif::View& view, std::string_view name) {
  const mmif::Value* value = view.metadata().find(name);
  if (value == nullptr || value->is_null()) return false;
  if (value->array() != nullptr) return !value->array()->empty();
  if (value->object() != nullptr) return !value->object()->empty();
  return true;
}

template <typename Predicate>
const mmif::View* last_view(const mmif::Mmif& document, Predicate wanted) {
  const auto& views = document.views();
  const auto at = std::find_if(views.rbegin(), views.rend(),
                               [&](const auto& view) { return !says_something(*view, "warnings") && wanted(*view); });
  return at == views.rend() ? nullptr : at->get();
}

template <std::size_t N>
const mmif::View* last_view_of(const mmif::Mmif& document, const std::array<std::string_view, N>& apps) {
  return last_view(document, [&](const mmif::View& view) { return std::find(apps.begin(), apps.end(), view.app()) != apps.end(); });
}

template <typename Predicate>
const mmif::View* last_view_holding(const mmif::Mmif& document, const HoldsOfViews& holds, Predicate wanted) {
  return last_view(document, [&](const mmif::View& view) {
    const auto at = holds.find(&view);
    return !says_something(view, "error") && at != holds.end() && wanted(at->second);
  });
}

}  // namespace

FoundView transcript_view(const mmif::Mmif& document, const SummaryGraph& graph) {
  if (const mmif::View* known = last_view_of(document, kRecognisers)) return {known, true};
  const HoldsOfViews holds = look_through(graph);
  if (const mmif::View* timed = last_view_holding(document, holds, [](const Holds& h) { return h.timed_speech; })) return {timed};
  return {last_view_holding(document, holds, [](const Holds& h) { return h.whole_text && !h.text_at_time; })};
}

FoundView caption_view(const mmif::Mmif& document, const SummaryGraph& graph) {
  if (const mmif::View* known = last_view_of(document, kCaptioners)) return {known, true};
  const HoldsOfViews holds = look_through(graph);
  const auto captions = [](const Holds& h) { return h.text_at_time && !h.layout; };
  if (const mmif::View* plain = last_view_holding(document, holds, captions)) return {plain};
  return {last_view_holding(document, holds, [](const Holds& h) { return h.text_at_time && !h.timed_speech; })};
}

}  // namespace clams::tool
