#include <functional>
#include <utility>
#include <vector>

#include "wire_apps.hpp"

namespace {

using clams::Run;
using mmif::Array;
using mmif::Mmif;
using mmif::Object;
using mmif::Value;
using mmif::View;
namespace types = mmif::types;

Object interval(int start, int end) { return Object{{"start", start}, {"end", end}}; }
Object with(Object object, std::string_view key, Value value) {
  object.set(key, std::move(value));
  return object;
}
mmif::Annotation& frame(View& view, int start, int end) { return view.new_annotation(types::TimeFrame, interval(start, end)); }

void nothing(Mmif&, Run&) {}
void empty_view(Mmif&, Run& run) { run.new_view().new_contain(types::TimeFrame, {{"timeUnit", "seconds"}}); }
void empty_then_full(Mmif&, Run& run) {
  run.new_view();
  frame(run.new_view(), 0, 1);
}
void full_then_empty(Mmif&, Run& run) {
  frame(run.new_view(), 0, 1);
  run.new_view();
}
void two_views(Mmif&, Run& run) {
  const auto& first = frame(run.new_view(), 0, 1);
  View& view = run.new_view();
  const auto& second = frame(view, 2, 3);
  view.new_annotation(types::Alignment, {{"source", first.id()}, {"target", second.id()}});
}
void shared(Mmif&, Run& run) {
  View& view = run.new_view();
  for (int i = 0; i < 3; ++i)
    view.new_annotation(types::TimeFrame, {{"start", i}, {"end", i + 1}, {"label", "same"}, {"document", "d1"}, {"n", 1}});
}
void shared_part(Mmif&, Run& run) {
  View& view = run.new_view();
  view.new_contain(types::TimeFrame, {{"timeUnit", "seconds"}, {"label", "default"}});
  view.new_annotation(types::TimeFrame, {{"start", 0}, {"end", 1}, {"label", "same"}, {"extra", Array{1, 2}}});
  view.new_annotation(types::TimeFrame, with(interval(1, 2), "label", "same"));
  view.new_annotation(types::TimePoint, {{"timePoint", 5}, {"label", "same"}});
}
void shared_text(Mmif&, Run& run) {
  View& view = run.new_view();
  view.new_text_document("one");
  view.new_text_document("one");
}
void values(Mmif&, Run& run) {
  run.new_view().new_annotation(types::TimeFrame, {{"start", 0},
                                                   {"end", 1},
                                                   {"text", "\"\\\n\t\x7f/\u00e9\U0001F600\u2028"},
                                                   {"null", nullptr},
                                                   {"true", true},
                                                   {"false", false},
                                                   {"zero", 0},
                                                   {"minus", -1},
                                                   {"huge", mmif::Number::from_token("123456789012345678901234567890")},
                                                   {"float", 1.0},
                                                   {"tiny", 1e-7},
                                                   {"vast", 1e22},
                                                   {"empty", ""},
                                                   {"list", Array{}},
                                                   {"object", Object{}},
                                                   {"nested", Array{1, Array{2.5, Object{{"a", nullptr}, {"b", Array{true}}}}}}});
}
void names(Mmif&, Run& run) {
  View& view = run.new_view();
  view.new_contain(types::TimeFrame, {{"_lang", "en"}, {"plain", "p"}});
  view.new_annotation(types::TimeFrame, with(interval(0, 1), "_note", "n"));
}
void alias(Mmif&, Run& run) {
  View& view = run.new_view();
  view.new_contain(types::BoundingBox, {{"boxType", "text"}});
  view.new_annotation(types::TimeFrame, with(interval(0, 1), "frameType", "slate"));
  view.new_annotation(types::BoundingBox, {{"coordinates", Array{Array{0, 0}, Array{1, 1}}}});
  view.new_annotation(types::Token, {{"word", "w"}, {"start", 0}, {"end", 1}});
}
void ids(Mmif&, Run& run) {
  View& view = run.new_view();
  view.new_annotation(types::TimeFrame, interval(0, 1), "mine");
  view.new_annotation(types::TimeFrame, interval(1, 2), view.id() + ":own");
  frame(view, 2, 3);
  frame(view, 3, 4);
}
void prefixes(Mmif&, Run& run) {
  View& view = run.new_view();
  for (const std::string_view type :
       {types::Annotation, types::Alignment, types::BoundingBox, types::Chapter, types::Interval, types::NamedEntity,
        types::NounChunk, types::Paragraph, types::Polygon, types::Region, types::Relation, types::Sentence, types::Span,
        types::TimeFrame, types::TimePoint, types::Token, types::VerbChunk, types::VideoObject}) {
    view.new_annotation(type, {{"document", "d1"}});
  }
}
void foreign_types(Mmif&, Run& run) {
  View& view = run.new_view();
  view.new_annotation("http://vocab.lappsgrid.org/Token", interval(0, 1));
  view.new_annotation("http://vocab.lappsgrid.org/SemanticTag", interval(0, 1), "st_1");
  view.new_annotation("https://example.org/types/FooBar", {{"x", 1}}, "fb_1");
  view.new_annotation("http://mmif.clams.ai/vocabulary/TimeFrame/v3", interval(0, 1));
}
void generic_type(Mmif&, Run& run) { run.new_view().new_annotation("https://example.org/types/FooBar", {{"x", 1}}); }
void document_properties(Mmif& mmif, Run& run) {
  mmif::Annotation& document = *mmif.documents().at(0);
  run.new_view().new_annotation(types::TimeFrame, with(interval(0, 1), "document", document.id()));
  document.set("fps", 29.97).set("duration", 1000);
}
void document_only(Mmif& mmif, Run& run) {
  run.new_view();
  mmif.documents().at(0)->set("fps", 25);
}
void text_properties(Mmif&, Run& run) {
  run.new_view().new_text_document("with properties", "de").set("document", "d1").set("origin", "x");
}
void warn(Mmif&, Run& run) {
  frame(run.new_view(), 0, 1);
  run.warn("first warning");
  run.warn("second 'quoted' warning", "RuntimeWarning");
  for (int i = 0; i < 3; ++i) run.warn("repeated warning");
}
void foreign_app(Mmif&, Run& run) {
  View& view = run.new_view();
  view.edit_metadata().set("app", "http://apps.clams.ai/other/1.0");
  frame(view, 0, 1);
}
void extend(Mmif& mmif, Run&) {
  if (mmif.views().empty()) throw clams::AppError("IndexError", "list index out of range");
  View& view = *mmif.views().back();
  view.new_annotation(types::TimeFrame, with(interval(100, 101), "label", "added"));
  view.new_annotation(types::TimePoint, {{"timePoint", 100}});
}
void two_documents(Mmif& mmif, Run& run) {
  View& view = run.new_view();
  for (const auto& document : mmif.documents()) {
    view.new_annotation(types::TimeFrame, with(interval(0, 1), "document", document->id()));
    document->set("seen", document->id());
  }
}
void old_video(Mmif& mmif, Run& run) {
  const auto n = static_cast<int>(mmif.documents(types::VideoDocument).size());
  frame(run.new_view(), 0, n);
}

const std::vector<std::pair<std::string, std::function<void(Mmif&, Run&)>>>& shapes() {
  static const std::vector<std::pair<std::string, std::function<void(Mmif&, Run&)>>> list{{"nothing", nothing},
                                                                                          {"emptyview", empty_view},
                                                                                          {"emptythenfull", empty_then_full},
                                                                                          {"fullthenempty", full_then_empty},
                                                                                          {"twoviews", two_views},
                                                                                          {"shared", shared},
                                                                                          {"sharedpart", shared_part},
                                                                                          {"sharedtext", shared_text},
                                                                                          {"values", values},
                                                                                          {"names", names},
                                                                                          {"alias", alias},
                                                                                          {"ids", ids},
                                                                                          {"prefixes", prefixes},
                                                                                          {"foreigntypes", foreign_types},
                                                                                          {"generictype", generic_type},
                                                                                          {"docprop", document_properties},
                                                                                          {"doconly", document_only},
                                                                                          {"textprops", text_properties},
                                                                                          {"warn", warn},
                                                                                          {"foreignapp", foreign_app},
                                                                                          {"extend", extend},
                                                                                          {"twodocs", two_documents},
                                                                                          {"oldvideo", old_video}};
  return list;
}

class ShapesApp final : public clams::App {
 public:
  clams::AppMetadata metadata() const override {
    clams::AppMetadata m;
    m.name = "Wire Shapes";
    m.description = "Writes views of many shapes.";
    m.app_license = "Apache-2.0";
    m.identifier = "wire-shapes";
    m.url = "https://example.org/wire-shapes";
    m.add_input(types::VideoDocument).add_output(types::TimeFrame).add_tag("shape");
    std::vector<Value> choices;
    for (const auto& [name, write] : shapes()) choices.emplace_back(name);
    m.add_parameter({.name = "what",
                     .description = "What to write.",
                     .type = clams::ParameterType::String,
                     .choices = std::move(choices),
                     .default_value = "nothing"});
    return m;
  }

  void annotate(Mmif& mmif, const clams::Parameters& p, Run& run) override {
    const auto what = p.get<std::string>("what");
    for (const auto& [name, write] : shapes()) {
      if (name == what) write(mmif, run);
    }
  }
};

}  // namespace

std::unique_ptr<clams::App> make_shapes_app() { return std::make_unique<ShapesApp>(); }
