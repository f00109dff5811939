#include "texts.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "passages.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;

bool has_text(const SummaryGraph& graph, const mmif::View& view) {
  const auto texts = graph.of_type("TextDocument", &view);
  return std::any_of(texts.begin(), texts.end(), [](const SummaryNode* node) {
    const auto text = node->annotation->text();
    return !text || !base::trim(*text).empty();
  });
}

// The views to read; of a run of an app all that have a text.
std::vector<const mmif::View*> last_run(const mmif::Mmif& document, const SummaryGraph& graph) {
  std::vector<const mmif::View*> out;
  for (auto at = document.views().rbegin(); at != document.views().rend(); ++at) {
    const mmif::View& view = **at;
    const bool same_run = out.empty() || (view.app() == out.front()->app() && view.timestamp() == out.front()->timestamp());
    if (same_run && has_text(graph, view)) out.push_back(&view);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

base::Status read_view(std::vector<TimedText>& out, const mmif::Mmif& document, const SummaryGraph& graph, const mmif::View& view) {
  for (const SummaryNode* node : graph.of_type("TextDocument", &view)) {
    BASE_TRY_ASSIGN(const std::string text, node->annotation->text());
    const std::string_view trimmed = base::trim(text);
    if (trimmed.empty()) continue;
    const SummaryNode* place = node->aligned_point != nullptr ? node->aligned_point : node->aligned_frame;
    const auto time = times_of(document, place);
    out.push_back({std::string(trimmed), time ? std::optional(time->start) : std::nullopt});
  }
  return {};
}

}  // namespace

base::Result<std::vector<TimedText>> texts_of(const mmif::Mmif& document, const SummaryGraph& graph,
                                              const std::optional<std::string>& view) {
  std::vector<const mmif::View*> views;
  if (view) {
    views.push_back(document.view(*view));
    if (views.front() == nullptr) return Error{ErrorCode::NotFound, "there is no view '" + *view + "'"};
    if (!has_text(graph, *views.front())) return Error{ErrorCode::NotFound, "the view '" + *view + "' has no text"};
  } else {
    views = last_run(document, graph);
  }
  if (views.empty()) return Error{ErrorCode::InvalidDocument, "no view has a text: no app has written a TextDocument"};
  std::vector<TimedText> out;
  for (const mmif::View* one : views) { BASE_TRY(read_view(out, document, graph, *one)); }
  return out;
}

}  // namespace clams::tool
