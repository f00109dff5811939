#include <algorithm>
#include <map>

#include "mmif/json.hpp"
#include "mmif/time.hpp"
#include "python_number.hpp"
#include "summary_parts.hpp"

namespace clams::tool {
namespace {

constexpr double kGroupMilliseconds = 1000;  // entities of one text less than this apart are one group

struct Frame {
  mmif::Object data;
  std::string label;
  PythonNumber start, end;
};

// Keys of JSON objects are texts; a label that is none is written as JSON writes it.
std::string label_text(const mmif::Value& label) { return label.string() != nullptr ? *label.string() : mmif::to_mmif_text(label); }

mmif::Array representatives_of(const SummaryGraph& graph, const SummaryNode& node) {
  mmif::Array out;
  const mmif::Value* ids = node.find("representatives");
  if (ids == nullptr || ids->array() == nullptr) return out;
  for (const mmif::Value& id : *ids->array()) {
    const SummaryNode* point = graph.find(id.as_string());
    const mmif::Value* time = point == nullptr ? nullptr : point->find("timePoint");
    if (time != nullptr) out.push_back(*time);
  }
  return out;
}

mmif::Value score_of(const SummaryNode& node, const std::string& label) {
  const mmif::Value* scores = node.find("classification");
  const mmif::Value* score = scores != nullptr && scores->object() != nullptr ? scores->object()->find(label) : nullptr;
  return score == nullptr ? mmif::Value() : *score;
}

std::optional<Frame> frame_of(const SummaryGraph& graph, const SummaryNode& node) {
  const mmif::Value* label = node.find("label");
  const mmif::Value* start = node.time_offsets ? &node.time_offsets->first : node.find("start");
  const mmif::Value* end = node.time_offsets ? &node.time_offsets->second : node.find("end");
  const auto from = PythonNumber::from(start);
  const auto to = PythonNumber::from(end);
  if (!from || !to) return std::nullopt;
  const std::string name = label_text(*label);
  return Frame{mmif::Object{{"identifier", node.id()},
                            {"label", *label},
                            {"score", score_of(node, name)},
                            {"start-time", *start},
                            {"end-time", *end},
                            {"representatives", representatives_of(graph, node)}},
               name, *from, *to};
}

// Of one label of one app; `frames` is sorted by start and not empty.
mmif::Object label_statistics(const std::vector<const Frame*>& frames) {
  PythonNumber duration(std::int64_t{0});
  for (const Frame* frame : frames) duration = duration + (frame->end - frame->start);
  const Frame* longest = *std::max_element(frames.begin(), frames.end(),
                                           [](const Frame* a, const Frame* b) { return a->end - a->start < b->end - b->start; });
  return mmif::Object{{"count", frames.size()},
                      {"duration", duration.to_value()},
                      {"average", floor_divide(duration, static_cast<std::int64_t>(frames.size())).to_value()},
                      {"first", frames.front()->start.to_value()},
                      {"longest", longest->start.to_value()}};
}

mmif::Object app_statistics(const std::vector<Frame>& frames) {
  std::vector<std::pair<std::string_view, std::vector<const Frame*>>> by_label;
  for (const Frame& frame : frames) {
    auto at = std::find_if(by_label.begin(), by_label.end(), [&](const auto& entry) { return entry.first == frame.label; });
    if (at == by_label.end()) at = by_label.insert(at, {frame.label, {}});
    at->second.push_back(&frame);
  }
  mmif::Object out;
  for (const auto& [label, of_label] : by_label) out.set(label, label_statistics(of_label));
  return out;
}

mmif::Value time_of(const SummaryNode& entity) {
  return entity.document != nullptr && entity.document->time_point ? *entity.document->time_point : mmif::Value(-1);
}

double position_of(const SummaryNode& entity) {
  const mmif::Value time = time_of(entity);
  const auto number = PythonNumber::from(&time);
  return number ? number->as_double() : -1;
}

std::string text_of_entity(const mmif::Mmif& document, const SummaryNode& entity) {
  if (const mmif::Value* text = entity.find("text")) return std::string(text->as_string());
  return mmif::text_of(document, *entity.annotation).value_or("");
}

mmif::Value value_or_null(const mmif::Value* value) { return value == nullptr ? mmif::Value() : *value; }

mmif::Object entity_object(const SummaryNode& entity, std::int64_t group) {
  mmif::Array offsets{mmif::Value(-1), mmif::Value(-1)};
  if (entity.text_offsets) offsets = {entity.text_offsets->first, entity.text_offsets->second};
  return mmif::Object{{"id", entity.id()},
                      {"group", group},
                      {"cat", value_or_null(entity.find("category"))},
                      {"document", entity.document == nullptr ? mmif::Value() : mmif::Value(entity.document->id())},
                      {"time-point", time_of(entity)},
                      {"text-offsets", std::move(offsets)}};
}

mmif::Array instances_of(std::vector<const SummaryNode*>& entities) {
  std::stable_sort(entities.begin(), entities.end(),
                   [](const auto* a, const auto* b) { return position_of(*a) < position_of(*b); });
  mmif::Array out;
  std::int64_t group = 0;
  for (std::size_t i = 0; i < entities.size(); ++i) {
    if (i > 0 && position_of(*entities[i]) - position_of(*entities[i - 1]) >= kGroupMilliseconds) ++group;
    out.emplace_back(entity_object(*entities[i], group));
  }
  return out;
}

}  // namespace

TimeFrameSummary summarize_time_frames(const SummaryGraph& graph, std::vector<std::string>& notes) {
  std::vector<std::pair<std::string_view, std::vector<Frame>>> by_app;
  for (const SummaryNode* node : graph.of_type("TimeFrame")) {
    const mmif::Value* label = node->find("label");
    if (label == nullptr || label->is_null() || node->view == nullptr) continue;
    auto frame = frame_of(graph, *node);
    if (!frame) {
      notes.push_back("TimeFrame " + node->id() + " has no start and end and is left out");
      continue;
    }
    const std::string_view app = node->view->app();
    auto at = std::find_if(by_app.begin(), by_app.end(), [&](const auto& entry) { return entry.first == app; });
    if (at == by_app.end()) at = by_app.insert(at, {app, {}});
    at->second.push_back(std::move(*frame));
  }
  TimeFrameSummary out;
  for (auto& [app, frames] : by_app) {
    std::stable_sort(frames.begin(), frames.end(), [](const Frame& a, const Frame& b) { return a.start < b.start; });
    out.statistics.set(app, app_statistics(frames));
    mmif::Array list;
    for (Frame& frame : frames) list.emplace_back(std::move(frame.data));
    out.frames.set(app, std::move(list));
  }
  return out;
}

mmif::Array summarize_entities(const mmif::Mmif& document, const SummaryGraph& graph) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const SummaryNode*>> by_text;
  for (const SummaryNode* entity : graph.of_type("NamedEntity")) {
    auto text = text_of_entity(document, *entity);
    auto& entities = by_text[text];
    if (entities.empty()) order.push_back(std::move(text));
    entities.push_back(entity);
  }
  mmif::Array out;
  for (const std::string& text : order) out.emplace_back(mmif::Object{{"text", text}, {"instances", instances_of(by_text[text])}});
  return out;
}

}  // namespace clams::tool
