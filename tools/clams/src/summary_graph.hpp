// Annotations of an MMIF with what they are anchored to, directly or through alignments: what `clams summarize` reads.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mmif/mmif.hpp"

namespace clams::tool {

struct SummaryNode {
  const mmif::Annotation* annotation = nullptr;  // never nullptr in a graph
  const mmif::View* view = nullptr;              // nullptr for a document at the top level
  std::string_view type;                         // short name
  const SummaryNode* document = nullptr;         // what its property "document" names; nullptr if none

  // Anchors have the names and the meaning that the Python summarizer gives them. Two of them read oddly and are kept, since they
  // show in the output: start and end of a TimeFrame are its text offsets until targets or an alignment give it time offsets, and
  // those of everything else are time offsets.
  using Pair = std::pair<mmif::Value, mmif::Value>;
  std::optional<Pair> time_offsets, text_offsets;
  std::optional<mmif::Value> time_point;
  std::optional<mmif::Array> representatives;

  // Texts only: what an Alignment, in either direction, names as their place. The last Alignment counts.
  const SummaryNode* aligned_frame = nullptr;  // a TimeFrame
  const SummaryNode* aligned_point = nullptr;  // a TimePoint
  const SummaryNode* aligned_media = nullptr;  // an AudioDocument or a VideoDocument

  const std::string& id() const { return annotation->id(); }
  const mmif::Value* find(std::string_view name) const { return annotation->find(name); }
};

// Alignments are edges, not nodes. Refers to the Mmif.
class SummaryGraph {
 public:
  explicit SummaryGraph(const mmif::Mmif& document);

  const SummaryNode* find(std::string_view id) const;
  // All, in the order of the document.
  const std::vector<std::unique_ptr<SummaryNode>>& nodes() const noexcept { return nodes_; }
  // In the order of the document. `view`: only those of this view.
  std::vector<const SummaryNode*> of_type(std::string_view short_name, const mmif::View* view = nullptr) const;
  // Alignments whose ends do not exist, and the like.
  const std::vector<std::string>& notes() const noexcept { return notes_; }

 private:
  void add(const mmif::View* view, const mmif::Annotation& annotation);
  void anchor(SummaryNode& node);
  void anchor_to_targets(SummaryNode& node, const mmif::Array& targets);
  void align(const mmif::Annotation& alignment);
  SummaryNode* find_node(std::string_view id);

  std::vector<std::unique_ptr<SummaryNode>> nodes_;
  std::unordered_map<std::string_view, SummaryNode*> by_id_;
  std::vector<std::string> notes_;
};

}  // namespace clams::tool
