// What leaves: foreign views as they came, the rest in Python's form.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <bit>
#include <cmath>

#include "base/files.hpp"
#include "document_index.hpp"
#include "json_check.hpp"
#include "relayout.hpp"
#include "samples.hpp"

namespace mmif {
namespace {

constexpr const char* kSamples[] = {"errors-and-warnings", "minimal", "odd-values",        "old-0.4-types", "old-1.0-short-ids",
                                    "old-1.1-types",       "screens", "several-documents", "speech-small",  "speech-1mb"};

// A text with the places of its parts.
class Indexed {
 public:
  explicit Indexed(std::string text) : text_(std::move(text)) {
    text_.reserve(text_.size() + kPadding);
    auto structurals = checker_.check(text_);
    auto index = structurals ? index_mmif(text_, *structurals) : base::Result<DocumentIndex>(structurals.error());
    EXPECT_TRUE(index) << text_.substr(0, 500);
    if (index) parts = *index;
  }
  DocumentIndex parts;

 private:
  std::string text_;
  JsonChecker checker_;
};

// The JSON text in Python's form.
std::string in_python_form(std::string_view text) {
  const auto value = parse_json(text);
  return value ? to_mmif_text(*value) : value.error().message;
}

std::string expected_sample(const std::string& name) {
  auto text = base::read_file(std::string(CLAMS_SOURCE) + "/tests/data/mmif/expected/" + name + ".mmif");
  return text ? *text : sample(name);
}

TEST(WrittenDocument, ForeignViewsLeaveByteForByte) {
  for (const char* name : kSamples) {
    const std::string text = sample(name);
    const Indexed in(text), out(parsed(text)->write().to_string());
    ASSERT_EQ(in.parts.views.size(), out.parts.views.size()) << name;
    for (std::size_t i = 0; i < in.parts.views.size(); ++i)
      EXPECT_EQ(in.parts.views[i].whole, out.parts.views[i].whole) << name << " view " << i;
  }
}

TEST(WrittenDocument, MetadataAndDocumentsAreThoseThatPythonWrites) {
  for (const char* name : kSamples) {
    const Indexed expected(expected_sample(name)), out(parsed_sample(name)->write().to_string());
    EXPECT_EQ(out.parts.metadata, in_python_form(expected.parts.metadata)) << name;
    ASSERT_EQ(out.parts.documents.size(), expected.parts.documents.size()) << name;
    for (std::size_t i = 0; i < out.parts.documents.size(); ++i)
      EXPECT_EQ(out.parts.documents[i], in_python_form(expected.parts.documents[i])) << name << " document " << i;
  }
}

TEST(WrittenDocument, ASampleInPythonsFormComesBackByteForByte) {
  for (const char* name : {"speech-small", "screens", "speech-1mb"}) {
    std::string text = sample(name);
    while (text.back() == '\n') text.pop_back();
    EXPECT_EQ(parsed(text)->write().to_string(), text) << name;
  }
}

TEST(WrittenDocument, ViewsThatAnAppTouchesAreWrittenAsPythonWritesThem) {
  for (const char* name : {"odd-values", "old-0.4-types", "old-1.1-types", "screens", "speech-small", "several-documents"}) {
    const auto mmif = parsed_sample(name);
    for (const auto& view : mmif->views()) view->edit_metadata();
    const Indexed expected(expected_sample(name)), out(mmif->write().to_string());
    ASSERT_EQ(out.parts.views.size(), expected.parts.views.size()) << name;
    for (std::size_t i = 0; i < out.parts.views.size(); ++i)
      EXPECT_EQ(out.parts.views[i].whole, in_python_form(expected.parts.views[i].whole)) << name << " view " << i;
  }
}

TEST(WrittenDocument, ShortIdsAndOldSpellingsOfATouchedViewBecomeTodays) {
  const auto mmif = parsed_sample("old-1.0-short-ids");
  for (const auto& view : mmif->views()) view->edit_metadata();
  const auto value = parse_json(mmif->write().to_string());
  const auto expected = parse_json(expected_sample("old-1.0-short-ids"));
  ASSERT_TRUE(value && expected);
  EXPECT_EQ(to_mmif_text(*value->object()->find("views"), true), to_mmif_text(*expected->object()->find("views"), true));
}

TEST(WrittenDocument, ReadingIsNoTouching) {
  const std::string text = sample("old-1.0-short-ids");
  const auto mmif = parsed(text);
  for (const auto& view : mmif->views()) {
    (void)view->metadata();
    (void)view->contains(types::TimeFrame);
    for (const auto& annotation : view->annotations()) (void)annotation->find("label");
  }
  const Indexed in(text), out(mmif->write().to_string());
  for (std::size_t i = 0; i < in.parts.views.size(); ++i) EXPECT_EQ(in.parts.views[i].whole, out.parts.views[i].whole);
}

TEST(WrittenDocument, OnlyTheTouchedViewChangesAndItsNeighboursStay) {
  const std::string odd = R"({ "id" : "v_%", "metadata":{"app":"http://a.b/c","contains":{}} ,"annotations":[]   })";
  const auto numbered = [&](char c) { return std::string(odd).replace(odd.find('%'), 1, 1, c); };
  const auto mmif = parsed(mmif_text("", numbered('0') + " ,\n" + numbered('1') + "\t,  " + numbered('2') + "," + numbered('3')));
  mmif->view("v_2")->new_annotation(types::TimeFrame, {{"start", 0}, {"end", 1}});
  const Indexed out(mmif->write().to_string());
  EXPECT_EQ(out.parts.views[0].whole, numbered('0'));
  EXPECT_EQ(out.parts.views[1].whole, numbered('1'));
  EXPECT_EQ(
      out.parts.views[2].whole,
      R"({"id": "v_2", "metadata": {"app": "http://a.b/c", "contains": {"http://clams.ai/vocabulary/type/TimeFrame/v6": {}}}, "annotations": [{"@type": "http://clams.ai/vocabulary/type/TimeFrame/v6", "properties": {"start": 0, "end": 1, "id": "v_2:tf_1"}}]})");
  EXPECT_EQ(out.parts.views[3].whole, numbered('3'));
}

TEST(WrittenDocument, ARemovedViewIsGoneAndTheOthersStay) {
  const auto mmif =
      parsed(mmif_text("", view_text("", "", "v_0") + "," + view_text("", "", "v_1") + "," + view_text("", "", "v_2")));
  mmif->remove(*mmif->view("v_1"));
  EXPECT_EQ(mmif->write().to_string(), mmif_text("", view_text("", "", "v_0") + ", " + view_text("", "", "v_2")));
  mmif->remove(*mmif->view("v_0"));
  mmif->remove(*mmif->view("v_2"));
  EXPECT_EQ(mmif->write().to_string(), mmif_text("", ""));
}

TEST(WrittenDocument, BytesOfForeignViewsAreNotCopied) {
  const std::string text = sample("speech-1mb");
  const auto written = parsed(text)->write();
  EXPECT_LE(written.slices.size(), 4U);
  EXPECT_EQ(written.size(), written.to_string().size());
}

TEST(WrittenDocument, WhatWasWrittenOutlivesTheDocument) {
  Written written;
  {
    const auto mmif = parsed_sample("screens");
    View& view = mmif->new_view();
    view.edit_metadata().set("app", "http://a.b/c");
    view.new_text_document("x");
    written = mmif->write();
  }
  EXPECT_TRUE(Mmif::parse(written.to_string()));
}

TEST(WrittenDocument, PrettyFormHasTheSameTokensTwoSpacesAndEmptyContainersOnOneLine) {
  for (const char* name : kSamples) {
    const auto mmif = parsed_sample(name);
    const std::string compact = mmif->write().to_string(), pretty = mmif->write(true).to_string();
    const auto value = parse_json(compact);
    ASSERT_TRUE(value);
    EXPECT_EQ(*parse_json(pretty), *value) << name;
    EXPECT_EQ(relayout(compact), pretty);
    const bool foreign_spelling = std::string_view(name) == "odd-values" || std::string_view(name) == "old-1.1-types";  // raw UTF-8
    EXPECT_TRUE(foreign_spelling || pretty == to_mmif_text(*value, true)) << name;
  }
}

TEST(WrittenDocument, PrettyFormKeepsTheSpellingOfNumbersAndStrings) {
  const std::string view = view_text(
      R"("http://x.org/T":{})",
      R"({"@type":"http://x.org/T","properties":{"id":"v_0:a","n":[1E+2,1.50,-0,0.10,12345678901234567890123],"s":"\u0041\/é\ud800","e":[ ],"o":{ }}})");
  const std::string pretty = parsed(mmif_text("", view))->write(true).to_string();
  for (const char* token :
       {"1E+2,", "1.50,", "-0,", "0.10,", "12345678901234567890123\n", R"("\u0041\/é\ud800")", "\"e\": [],", "\"o\": {}\n"})
    EXPECT_NE(pretty.find(token), std::string::npos) << token << "\n" << pretty;
}

TEST(WrittenDocument, NullsAreDroppedFromMetadataDocumentsAndOwnAnnotations) {
  const auto mmif = parsed(
      R"({"metadata": {"x": null, "mmif": "http://mmif.clams.ai/1.2.0", "y": 1}, "documents": [{"@type": "http://x.org/Document", "properties": {"a": null, "id": "d", "b": {"c": null}}}], "views": []})");
  mmif->new_view().new_annotation("http://x.org/T", {{"n", nullptr}, {"list", Array{nullptr}}}, "i");
  EXPECT_EQ(
      mmif->write().to_string(),
      R"({"metadata": {"y": 1, "mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [{"@type": "http://x.org/Document", "properties": {"b": {"c": null}, "id": "d"}}], )"
      R"("views": [{"id": "v_0", "metadata": {"contains": {"http://x.org/T": {}}}, "annotations": [{"@type": "http://x.org/T", "properties": {"list": [null], "id": "v_0:i"}}]}]})");
}

struct TextCase {
  const char* properties;
  const char* written;
};

TEST(WrittenDocument, TextMimeAndLocationOfDocumentsFollowPythonsRules) {
  const TextCase cases[] = {
      {R"("id": "d", "text": {"@value": "t"})", R"({"text": {"@value": "t"}, "id": "d"})"},
      {R"("text": {"@language": "en", "@value": "t"}, "id": "d")", R"({"text": {"@value": "t", "@language": "en"}, "id": "d"})"},
      {R"("text": {"@value": "", "@language": ""}, "id": "d")", R"({"id": "d"})"},
      {R"("text": {"@value": ""}, "id": "d")", R"({"id": "d"})"},
      {R"("text": {}, "id": "d")", R"({"id": "d"})"},
      {R"("text": {"@language": "en"}, "id": "d")", R"({"text": {"@value": "", "@language": "en"}, "id": "d"})"},
      {R"("text": {"@value": "t", "@language": ""}, "id": "d")", R"({"text": {"@value": "t"}, "id": "d"})"},
      {R"("text": null, "mime": null, "id": "d")", R"({"id": "d"})"},
      {R"("mime": "", "location": "", "id": "d")", R"({"id": "d"})"},
      {R"("location": "file:///a", "id": "d", "mime": "m", "z": 0)",
       R"({"z": 0, "mime": "m", "id": "d", "location": "file:///a"})"},
      {R"("location": "/a b/ü#1", "id": "d")", R"({"id": "d", "location": "file:///a%20b/%C3%BC%231"})"},
      {R"("id": "d", "e1": "", "e2": [], "e3": {}, "e4": 0, "e5": false)",
       R"({"e1": "", "e2": [], "e3": {}, "e4": 0, "e5": false, "id": "d"})"},
  };
  for (const auto& c : cases) {
    const std::string document = R"({"@type": "http://clams.ai/vocabulary/type/TextDocument/v2", "properties": )";
    EXPECT_EQ(parsed(mmif_text(document + "{" + c.properties + "}}", ""))->write().to_string(),
              mmif_text(document + c.written + "}", ""))
        << c.properties;
  }
}

TEST(WrittenDocument, ATokensTextIsAPlainProperty) {
  const auto mmif = Mmif::create();
  mmif->new_view().new_annotation(types::Token, {{"text", ""}, {"mime", ""}}, "t");
  EXPECT_NE(mmif->write().to_string().find(R"("properties": {"text": "", "mime": "", "id": "v_0:t"})"), std::string::npos);
}

TEST(WrittenDocument, ViewMetadataComesInPythonsOrder) {
  const auto mmif = Mmif::create();
  Object& metadata = mmif->new_view().edit_metadata();
  for (const char* name : {"warnings", "appConfiguration", "zz", "parameters", "app", "aa", "timestamp", "document"})
    metadata.set(name, Value(Array{name}));
  metadata.set("contains", Object{});
  const std::string text = mmif->write().to_string();
  std::size_t last = 0;
  for (const char* name :
       {"\"zz\"", "\"aa\"", "\"document\"", "\"timestamp\"", "\"app\"", "\"parameters\"", "\"appConfiguration\"", "\"warnings\""}) {
    const std::size_t at = text.find(std::string(name) + ": ");
    ASSERT_NE(at, std::string::npos) << name << text;
    EXPECT_GT(at, last) << name;
    last = at;
  }
  EXPECT_EQ(text.find("contains"), std::string::npos) << "a view has only one of contains, error, warnings";
}

TEST(WrittenDocument, EmptyFieldsOfViewMetadataAreLeftOutAndContainsStandsInForNothing) {
  const auto mmif = Mmif::create();
  mmif->new_view().edit_metadata() = Object{{"app", "http://a.b/c"}, {"timestamp", ""}, {"parameters", Object{}}, {"free", ""}};
  EXPECT_NE(mmif->write().to_string().find(R"("metadata": {"free": "", "app": "http://a.b/c", "contains": {}})"), std::string::npos)
      << mmif->write().to_string();
}

TEST(WrittenDocument, ContainsOfOwnViewsAreThoseOfTheirAnnotations) {
  const auto mmif = Mmif::create();
  View& view = mmif->new_view();
  view.new_contain(types::BoundingBox, {{"document", "d1"}});
  view.new_contain(types::TimeFrame, {{"timeUnit", "seconds"}, {"nothing", nullptr}});
  view.new_annotation(types::TimeFrame, {{"start", 0}, {"end", 1}});
  EXPECT_NE(
      mmif->write().to_string().find(R"("contains": {"http://clams.ai/vocabulary/type/TimeFrame/v6": {"timeUnit": "seconds"}})"),
      std::string::npos)
      << mmif->write().to_string();
}

TEST(WrittenDocument, WhatAllAnnotationsOfATypeShareMovesToContains) {
  const auto mmif = Mmif::create();
  View& view = mmif->new_view();
  view.new_contain(types::TimeFrame, {{"timeUnit", "ms"}, {"label", "old"}});
  for (int i = 0; i < 2; ++i) {
    view.new_annotation(types::TimeFrame, {{"label", "speech"},
                                           {"start", 0},
                                           {"end", 1},
                                           {"deep", Object{{"a", Array{1, 2}}}},
                                           {"n", 1},
                                           {"own", i},
                                           {"targets", Array{"x:y"}},
                                           {"representatives", Array{}}});
  }
  const std::string text = mmif->write().to_string();
  EXPECT_NE(
      text.find(
          R"("http://clams.ai/vocabulary/type/TimeFrame/v6": {"timeUnit": "ms", "label": "speech", "deep": {"a": [1, 2]}, "n": 1})"),
      std::string::npos)
      << text;
  EXPECT_NE(
      text.find(R"("properties": {"start": 0, "end": 1, "own": 0, "targets": ["x:y"], "representatives": [], "id": "v_0:tf_1"})"),
      std::string::npos)
      << text;
  EXPECT_EQ(*view.annotations()[0]->find("label"), Value("speech")) << "writing changes nothing";
}

TEST(WrittenDocument, OneAnnotationSharesNothingAndDifferentNumbersAreNotTheSame) {
  const auto mmif = Mmif::create();
  View& view = mmif->new_view();
  view.new_annotation(types::Token, {{"a", 1}});
  view.new_annotation(types::TimePoint, {{"one", 1}, {"truth", 1}, {"missing", 1}});
  view.new_annotation(types::TimePoint, {{"one", 1.0}, {"truth", true}});
  const std::string text = mmif->write().to_string();
  EXPECT_NE(
      text.find(
          R"("contains": {"http://clams.ai/vocabulary/type/Token/v1": {}, "http://clams.ai/vocabulary/type/TimePoint/v5": {}})"),
      std::string::npos)
      << text;
}

TEST(WrittenDocument, TypesOfTwoOldVersionsAreTwoGroups) {
  const auto mmif = Mmif::create();
  View& view = mmif->new_view();
  for (const char* version : {"v1", "v1", "v3", "v3"})
    view.new_annotation("http://mmif.clams.ai/vocabulary/TimeFrame/" + std::string(version), {{"label", version}});
  const std::string text = mmif->write().to_string();
  EXPECT_NE(
      text.find(
          R"("http://mmif.clams.ai/vocabulary/TimeFrame/v1": {"label": "v1"}, "http://mmif.clams.ai/vocabulary/TimeFrame/v3": {"label": "v3"})"),
      std::string::npos)
      << text;
}

TEST(WrittenDocument, NestedAtKeysSurvive) {
  const auto mmif = Mmif::create();
  mmif->new_view().new_annotation("http://x.org/T", {{"p", Object{{"@k", 1}, {"_k", 2}}}}, "i");
  EXPECT_NE(mmif->write().to_string().find(R"("p": {"@k": 1, "_k": 2})"), std::string::npos);
}

TEST(WrittenDocument, BrokenUtf8OfAnAppBecomesReplacementCharacters) {
  const auto mmif = Mmif::create();
  View& view = mmif->new_view();
  view.edit_metadata().set("app", "http://a.b/c");
  view.new_annotation("http://x.org/T", {{"p", "caf\xe9 \"\xe2\x82\" \xff"}, {"q", "\xf0\x9f\x98"}}, "i");
  const std::string text = mmif->write().to_string();
  EXPECT_NE(text.find(R"("p": "caf\ufffd \"\ufffd\ufffd\" \ufffd", "q": "\ufffd\ufffd\ufffd")"), std::string::npos) << text;
  EXPECT_TRUE(Mmif::parse(text));
}

TEST(WrittenDocument, PristineIsTheInputWithoutWhatWasDone) {
  for (const char* name : kSamples) {
    const auto mmif = parsed_sample(name);
    const std::string before = mmif->write().to_string();
    for (const auto& view : mmif->views()) view->edit_metadata().set("x", 1);
    for (const auto& document : mmif->documents()) document->set("location", "/elsewhere").set("fps", 25);
    mmif->new_view().new_text_document("x");
    EXPECT_NE(mmif->write().to_string(), before);
    EXPECT_EQ(mmif->pristine()->write().to_string(), before) << name;
  }
  EXPECT_EQ(Mmif::create()->pristine()->write().to_string(),
            R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": []})");
}

// Any JSON value, a few levels deep.
rc::Gen<Value> any_value(int depth) {
  const auto text = rc::gen::map(rc::gen::string<std::string>(), [](std::string raw) {
    for (char& c : raw) c = static_cast<char>(c & 0x7F);
    return Value(std::move(raw));
  });
  const auto scalar =
      rc::gen::oneOf(rc::gen::just(Value()), rc::gen::map(rc::gen::arbitrary<bool>(), [](bool b) { return Value(b); }),
                     rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t n) { return Value(n); }),
                     rc::gen::map(rc::gen::arbitrary<double>(), [](double d) { return Value(d); }), text,
                     rc::gen::element(Value("é文😀"), Value("\xED\xA0\x80"), Value(std::string(1, '\0')), Value("\x7f\u2028"),
                                      Value(Number::from_token("123456789012345678901234567890"))));
  if (depth == 0) return scalar;
  return rc::gen::oneOf(scalar,
                        rc::gen::map(rc::gen::container<std::vector<Value>>(any_value(depth - 1)),
                                     [](std::vector<Value> list) { return Value(std::move(list)); }),
                        rc::gen::map(rc::gen::container<std::vector<std::pair<std::string, Value>>>(rc::gen::pair(
                                         rc::gen::element<std::string>("", "a", "b", "é", "\"", "@k", "\n"), any_value(depth - 1))),
                                     [](const std::vector<std::pair<std::string, Value>>& members) {
                                       Object object;
                                       for (const auto& [key, value] : members) object.set(key, value);
                                       return Value(std::move(object));
                                     }));
}

TEST(WrittenJson, AnyValueIsReadBackFromAllItsForms) {
  EXPECT_TRUE(rc::check([] {
    const Value value = *any_value(2);
    for (const bool pretty : {false, true}) {
      RC_ASSERT(*parse_json(to_mmif_text(value, pretty)) == value);
      RC_ASSERT(*parse_json(to_plain_text(value, pretty)) == value);
      RC_ASSERT(parse_json(to_metadata_text(value, pretty)).has_value());
    }
  }));
}

TEST(WrittenJson, RelayoutOfTheCompactFormIsThePrettyForm) {
  EXPECT_TRUE(rc::check([] {
    const Value value = *any_value(2);
    RC_ASSERT(relayout(to_mmif_text(value)) == to_mmif_text(value, true));
    RC_ASSERT(relayout(relayout(to_mmif_text(value))) == to_mmif_text(value, true));
  }));
}

TEST(WrittenJson, AnyDoubleSurvivesItsSpelling) {
  EXPECT_TRUE(rc::check([](std::uint64_t bits) {
    const double value = std::bit_cast<double>(bits);
    if (std::isnan(value)) return;
    RC_ASSERT(std::bit_cast<std::uint64_t>(Number::from_token(Number(value).text()).as_double()) == bits);
  }));
}

}  // namespace
}  // namespace mmif
