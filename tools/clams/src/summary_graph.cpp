#include "summary_graph.hpp"

namespace clams::tool {
namespace {

std::optional<SummaryNode::Pair> pair_of(const mmif::Value* first, const mmif::Value* second) {
  if (first == nullptr || second == nullptr) return std::nullopt;
  return SummaryNode::Pair(*first, *second);
}

void note_place(SummaryNode& node, const SummaryNode& place) {
  if (place.type == "TimeFrame") node.aligned_frame = &place;
  if (place.type == "TimePoint") node.aligned_point = &place;
  if (place.type == "AudioDocument" || place.type == "VideoDocument") node.aligned_media = &place;
}

// What a text document or token learns from the place it is aligned with.
void learn(SummaryNode& node, const SummaryNode& place) {
  if (node.type == "TextDocument" || node.type == "Token" || node.type == "Sentence" || node.type == "Paragraph")
    note_place(node, place);
  const bool is_text = node.type == "TextDocument";
  if ((is_text || node.type == "Token") && place.type == "TimeFrame") {
    if (auto own = pair_of(place.find("start"), place.find("end"))) node.time_offsets = std::move(own);
  }
  if (is_text && place.type == "TimeFrame") {
    if (place.time_offsets) node.time_offsets = place.time_offsets;
    if (const mmif::Value* representatives = place.find("representatives");
        representatives != nullptr && representatives->array() != nullptr) {
      node.representatives = *representatives->array();
    }
  }
  if (is_text && place.type == "TimePoint" && place.time_point) node.time_point = place.time_point;
}

}  // namespace

SummaryGraph::SummaryGraph(const mmif::Mmif& document) {
  for (const auto& source : document.documents()) add(nullptr, *source);
  std::vector<const mmif::Annotation*> alignments;
  for (const auto& view : document.views()) {
    for (const auto& annotation : view->annotations()) {
      if (mmif::short_name(annotation->type()) == "Alignment")
        alignments.push_back(annotation.get());
      else
        add(view.get(), *annotation);
    }
  }
  for (const auto& node : nodes_) anchor(*node);
  for (const mmif::Annotation* alignment : alignments) align(*alignment);
}

void SummaryGraph::add(const mmif::View* view, const mmif::Annotation& annotation) {
  auto node = std::make_unique<SummaryNode>();
  node->annotation = &annotation;
  node->view = view;
  node->type = mmif::short_name(annotation.type());
  const auto [at, is_new] = by_id_.emplace(annotation.id(), node.get());
  if (is_new)
    nodes_.push_back(std::move(node));
  else
    *at->second = *node;  // of two with one id the last counts, at the place of the first
}

SummaryNode* SummaryGraph::find_node(std::string_view id) {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : at->second;
}

const SummaryNode* SummaryGraph::find(std::string_view id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : at->second;
}

void SummaryGraph::anchor(SummaryNode& node) {
  if (const mmif::Value* document = node.find("document")) node.document = find(document->as_string());
  if (auto own = pair_of(node.find("start"), node.find("end"))) {
    (node.type == "TimeFrame" ? node.text_offsets : node.time_offsets) = std::move(own);
  }
  if (const mmif::Value* point = node.find("timePoint")) node.time_point = *point;
  if (const mmif::Value* targets = node.find("targets"); targets != nullptr && targets->array() != nullptr)
    anchor_to_targets(node, *targets->array());
}

void SummaryGraph::anchor_to_targets(SummaryNode& node, const mmif::Array& targets) {
  if (targets.empty()) {
    notes_.push_back("the targets of " + node.id() + " are empty");
    return;
  }
  const SummaryNode* first = find(targets.front().as_string());
  const SummaryNode* last = find(targets.back().as_string());
  if (first == nullptr || last == nullptr) {
    notes_.push_back("a target of " + node.id() + " does not exist");
    return;
  }
  if (node.type == "TimeFrame") {
    if (auto times = pair_of(first->find("timePoint"), last->find("timePoint"))) node.time_offsets = std::move(times);
  } else if (auto offsets = pair_of(first->find("start"), last->find("end"))) {
    node.text_offsets = std::move(offsets);
  }
}

void SummaryGraph::align(const mmif::Annotation& alignment) {
  SummaryNode* source = find_node(alignment.string("source"));
  SummaryNode* target = find_node(alignment.string("target"));
  if (source == nullptr || target == nullptr) {
    notes_.push_back("alignment " + alignment.id() + " has an end that does not exist");
    return;
  }
  learn(*source, *target);
  learn(*target, *source);
}

std::vector<const SummaryNode*> SummaryGraph::of_type(std::string_view short_name, const mmif::View* view) const {
  std::vector<const SummaryNode*> out;
  for (const auto& node : nodes_) {
    if (node->type == short_name && (view == nullptr || node->view == view)) out.push_back(node.get());
  }
  return out;
}

}  // namespace clams::tool
