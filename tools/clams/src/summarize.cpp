#include "summarize.hpp"

#include <array>
#include <cstdio>
#include <memory>
#include <optional>

#include "mmif/json.hpp"
#include "python_number.hpp"
#include "streams.hpp"
#include "summary_graph.hpp"
#include "summary_parts.hpp"

namespace clams::tool {
namespace {

struct SummarizeOptions {
  std::optional<std::string> input;
  std::optional<std::string> output;
  bool pretty = false;
  bool json = false;
};

// H:MM:SS, rounded down; "nil" for a time that is not known (-1).
std::string timestamp(PythonNumber milliseconds) {
  if (milliseconds.as_double() == -1) return "nil";
  const std::int64_t seconds = floor_divide(PythonNumber(milliseconds.truncated()), 1000).truncated();
  const std::int64_t hours = floor_divide(PythonNumber(seconds), 3600).truncated();
  const std::int64_t rest = seconds - hours * 3600;
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%lld:%02lld:%02lld", static_cast<long long>(hours), static_cast<long long>(rest / 60),
                static_cast<long long>(rest % 60));
  return text.data();
}

mmif::Array summarize_documents(const mmif::Mmif& document) {
  mmif::Array out;
  for (const auto& source : document.documents()) {
    const std::string_view location = source->location();
    out.emplace_back(mmif::Object{{"id", source->id()},
                                  {"type", mmif::short_name(source->type())},
                                  {"location", location.empty() ? mmif::Value() : mmif::Value(location)}});
  }
  return out;
}

// Own properties, then the defaults that `contains` gives.
mmif::Object all_properties(const SummaryNode& node) {
  mmif::Object out{{"id", node.id()}};
  for (const auto& [name, value] : node.annotation->properties()) out.set(name, value);
  const mmif::Object* defaults = node.view->contains(node.annotation->type());
  if (defaults == nullptr) return out;
  for (const auto& [name, value] : *defaults) {
    const std::string_view current = mmif::current_property_name(node.annotation->type(), name);
    if (out.contains(current)) continue;
    const mmif::Value* found = node.find(current);
    out.append(std::string(current), found == nullptr ? value : *found);
  }
  return out;
}

mmif::Object summarize_annotations(const SummaryGraph& graph) {
  mmif::Object out;
  for (const SummaryNode* node : graph.of_type("Annotation")) {
    if (node->view == nullptr) continue;
    mmif::Value* list = out.find(node->view->id());
    if (list == nullptr) list = &out.set(node->view->id(), mmif::Array());
    list->array()->emplace_back(all_properties(*node));
  }
  return out;
}

// The first `Annotation` that says how long the media are; nullptr if none does.
const mmif::Object* media_facts(const mmif::Object& annotations) {
  for (const auto& [view, list] : annotations) {
    for (const mmif::Value& annotation : *list.array()) {
      const mmif::Object& properties = *annotation.object();
      if (properties.contains("fps") || properties.contains("frameCount") || properties.contains("duration")) return &properties;
    }
  }
  return nullptr;
}

mmif::Object summarize_document(const mmif::Mmif& document, std::size_t size, const mmif::Object& annotations) {
  mmif::Object out{{"mmif_version", document.version_uri()}, {"size", size}};
  const mmif::Object* found = media_facts(annotations);
  if (found == nullptr) return out;
  const mmif::Object& facts = *found;
  if (const mmif::Value* fps = facts.find("fps")) out.set("fps", *fps);
  if (const mmif::Value* frames = facts.find("frameCount")) out.set("frames", *frames);
  if (const mmif::Value* duration = facts.find("duration")) {
    out.set("duration_ms", *duration);
    const auto number = PythonNumber::from(duration);
    out.set("duration_ts", number ? timestamp(*number) : "nil");
  }
  return out;
}

mmif::Value metadata_or(const mmif::View& view, std::string_view name, mmif::Value otherwise) {
  const mmif::Value* value = view.metadata().find(name);
  return value == nullptr || value->is_null() ? std::move(otherwise) : *value;
}

mmif::Object summarize_view(const mmif::View& view) {
  mmif::Object types;
  for (const auto& annotation : view.annotations()) {
    const std::string_view name = mmif::short_name(annotation->type());
    const mmif::Value* count = types.find(name);
    types.set(name, count == nullptr ? 1 : *count->as_int64() + 1);
  }
  mmif::Array contains;
  if (const mmif::Value* entries = view.metadata().find("contains"); entries != nullptr && entries->object() != nullptr) {
    for (const auto& entry : *entries->object()) contains.emplace_back(entry.first);
  }
  mmif::Object out{{"id", view.id()},
                   {"app", view.app()},
                   {"timestamp", metadata_or(view, "timestamp", nullptr)},
                   {"contains", std::move(contains)},
                   {"annotation_count", view.annotation_count()},
                   {"annotation_types", std::move(types)},
                   {"parameters", metadata_or(view, "parameters", mmif::Object())},
                   {"appConfiguration", metadata_or(view, "appConfiguration", mmif::Object())}};
  if (view.has_warnings()) out.set("warnings", metadata_or(view, "warnings", nullptr));
  if (view.has_error()) out.set("error", metadata_or(view, "error", nullptr));
  return out;
}

base::Status run(const SummarizeOptions& options) {
  BASE_TRY_ASSIGN(std::string text, read_input(options.input));
  const std::size_t size = text.size();
  BASE_TRY_ASSIGN(const auto document, mmif::Mmif::parse(std::move(text)));
  BASE_TRY_ASSIGN(Summary summary, summarize(*document, size));
  for (const std::string& note : summary.notes) complain("summarize", "note: " + note);
  return write_output(options.output, mmif::to_mmif_text(std::move(summary.data), options.pretty));
}

}  // namespace

base::Result<Summary> summarize(const mmif::Mmif& document, std::size_t size) {
  if (document.documents(mmif::types::VideoDocument).size() > 1) {
    return base::Error{base::ErrorCode::InvalidDocument, "More than one video document in MMIF file; a summary is about one video"};
  }
  const SummaryGraph graph(document);
  Summary out{{}, graph.notes()};
  mmif::Object annotations = summarize_annotations(graph);
  mmif::Array views;
  for (const auto& view : document.views()) views.emplace_back(summarize_view(*view));
  TimeFrameSummary frames = summarize_time_frames(graph, out.notes);
  out.data = mmif::Object{{"mmif_version", document.version_uri()},
                          {"document", summarize_document(document, size, annotations)},
                          {"documents", summarize_documents(document)},
                          {"annotations", std::move(annotations)},
                          {"views", std::move(views)},
                          {"transcript", summarize_transcript(document, graph, out.notes)},
                          {"captions", summarize_captions(document, graph)},
                          {"timeframes", std::move(frames.frames)},
                          {"timeframe_stats", std::move(frames.statistics)},
                          {"entities", summarize_entities(document, graph)}};
  return out;
}

Action declare_summarize(Parser& parser) {
  auto options = std::make_shared<SummarizeOptions>();
  parser.argument("MMIF_FILE", options->input, "the MMIF; standard input if '-' or not given");
  parser.option("-o,--output", options->output, "FILE", "where the JSON goes; standard output if not given");
  parser.flag("-p,--pretty", options->pretty, "lay the JSON out with indentation");
  parser.flag("--json", options->json, "accepted for scripts: the output is JSON");
  parser.epilogue(
      "Keys: mmif_version, document, documents, annotations, views, transcript, captions, timeframes, timeframe_stats, entities. "
      "An MMIF with more than "
      "one VideoDocument is refused.\n"
      "\n"
      "  clams summarize -p news.mmif\n"
      "  clams summarize news.mmif -o news.summary.json");
  return [options] { return finish("summarize", run(*options)); };
}

}  // namespace clams::tool
