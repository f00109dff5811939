// Transcript and captions of apps that nobody listed: what Alignments, Tokens and times say themselves.
#include <cmath>

#include "passages.hpp"
#include "summary_parts.hpp"

namespace clams::tool {
namespace {

mmif::Value number(double value) {
  const bool whole = std::trunc(value) == value && std::abs(value) < 9e15;
  return whole ? mmif::Value(static_cast<std::int64_t>(value)) : mmif::Value(value);
}

mmif::Value number(const std::optional<double>& value) { return value ? number(*value) : mmif::Value(); }

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
  mmif::Array out;
  for (Passage& passage : passages_of(document, graph, view)) {
    mmif::Object entry{{"start-time", number(passage.start())}, {"end-time", number(passage.end())}};
    entry.set("text", std::move(passage.text));
    if (passage.node != nullptr) entry.set("id", passage.node->id());
    out.emplace_back(std::move(entry));
  }
  return out;
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
