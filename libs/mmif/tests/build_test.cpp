// Adding views, annotations and document properties.
#include <gtest/gtest.h>

#include <stdexcept>

#include "samples.hpp"

namespace mmif {
namespace {

constexpr const char* kTwoDocuments =
    R"({"@type": "http://clams.ai/vocabulary/type/VideoDocument/v2", "properties": {"id": "d1"}}, {"@type": "http://clams.ai/vocabulary/type/AudioDocument/v2", "properties": {"id": "d2"}})";

TEST(Building, ANewMmifIsOfTheCurrentSpec) {
  const auto mmif = Mmif::create();
  EXPECT_EQ(mmif->version_uri(), "http://mmif.clams.ai/1.2.0");
  EXPECT_EQ(mmif->write().to_string(), R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": []})");
}

TEST(Building, ViewIdsCountFromTheNumberOfViewsAndGoRoundWhatIsTaken) {
  const auto mmif = parsed(mmif_text(R"({"@type": "http://x.org/Document", "properties": {"id": "v_2"}})",
                                     view_text("", "", "first") + "," + view_text("", "", "v_3")));
  EXPECT_EQ(mmif->new_view().id(), "v_4") << "v_2 is a document, v_3 a view";
  EXPECT_EQ(mmif->new_view().id(), "v_5");
  EXPECT_EQ(Mmif::create()->new_view().id(), "v_0");
  EXPECT_EQ(mmif->new_views().size(), 2U);
  EXPECT_TRUE(mmif->view("v_4")->is_new());
}

TEST(Building, AutomaticIdsCountByPrefixFromTheHighestOfTheView) {
  const auto mmif = parsed(mmif_text("", view_text("", annotation_text("TimeFrame/v6", R"("id": "v_0:tf_41")") + "," +
                                                           annotation_text("TimeFrame/v6", R"("id": "tf_7")") + "," +
                                                           annotation_text("Token/v1", R"("id": "v_0:to_x")") + "," +
                                                           annotation_text("Token/v1", R"("id": "v_0:to_99999999999999999999")"))));
  View& view = *mmif->view("v_0");
  EXPECT_EQ(view.new_annotation(types::TimeFrame).id(), "v_0:tf_42");
  EXPECT_EQ(view.new_annotation(types::Token).id(), "v_0:to_1");
  EXPECT_EQ(view.new_annotation(types::TimeFrame, {}, "tf_100").id(), "v_0:tf_100");
  EXPECT_EQ(view.new_annotation("http://mmif.clams.ai/vocabulary/TimeFrame/v1").id(), "v_0:tf_101");
  EXPECT_EQ(view.new_annotation("http://x.org/FooBar").id(), "v_0:fb_1");
  EXPECT_EQ(view.new_annotation("http://x.org/foo").id(), "v_0:x_1");
  EXPECT_EQ(view.new_annotation(types::Annotation).id(), "v_0:an_1");
  EXPECT_EQ(view.new_text_document("t").id(), "v_0:td_1");
}

TEST(Building, AnExplicitIdGetsTheViewsPrefixUnlessItHasOne) {
  const auto mmif = Mmif::create();
  View& view = mmif->new_view();
  EXPECT_EQ(view.new_annotation(types::Token, {}, "mine").id(), "v_0:mine");
  EXPECT_EQ(view.new_annotation(types::Token, {}, "other:mine").id(), "other:mine");
  EXPECT_EQ(view.new_text_document("t", "de", "doc").id(), "v_0:doc");
  EXPECT_EQ(mmif->document("v_0:doc")->text_language(), "de");
  EXPECT_EQ(*mmif->document("v_0:doc")->text(), "t");
  EXPECT_EQ(view.find("mine"), mmif->find("v_0:mine"));
  EXPECT_EQ(mmif->find("other:mine")->id(), "other:mine");
}

TEST(Building, ContainsGetsEachTypeOnceInAnyVersion) {
  const auto mmif = Mmif::create();
  View& view = mmif->new_view();
  view.new_contain("http://mmif.clams.ai/vocabulary/TimeFrame/v5", {{"timeUnit", "ms"}});
  view.new_contain(types::TimeFrame, {{"timeUnit", "ignored"}});
  view.new_annotation(types::TimeFrame);
  EXPECT_EQ(to_mmif_text(*view.metadata().find("contains")),
            R"({"http://mmif.clams.ai/vocabulary/TimeFrame/v5": {"timeUnit": "ms"}})");
  EXPECT_EQ(view.annotations().front()->string("timeUnit"), "ms");
}

TEST(Building, PropertiesAreWrittenUnderTodaysNameAndUnderscoreBecomesAt) {
  const auto mmif = Mmif::create();
  View& view = mmif->new_view();
  view.new_contain(types::TimeFrame, {{"_lang", "en"}, {"frameType", "x"}});
  Annotation& frame = view.new_annotation(types::TimeFrame, {{"frameType", "slate"}, {"_a", 1}});
  frame.set("frameType", "bars").set("_a", 2).set("gone", 1).set("gone", nullptr);
  EXPECT_EQ(frame.string("label"), "bars");
  EXPECT_EQ(frame.find("gone"), nullptr);
  EXPECT_EQ(to_mmif_text(*view.contains(types::TimeFrame)), R"({"@lang": "en", "label": "x"})");
  EXPECT_EQ(to_mmif_text(frame.properties()), R"({"label": "bars", "@a": 2})");
}

TEST(Building, MisuseThrowsAndLeavesNothingBehind) {
  const auto mmif = parsed(mmif_text(kTwoDocuments, view_text("", annotation_text("Token/v1", R"("id": "t1")"))));
  View& view = *mmif->view("v_0");
  const std::string before = mmif->write().to_string();
  EXPECT_THROW(view.new_annotation(""), std::invalid_argument);
  EXPECT_THROW(view.new_contain(""), std::invalid_argument);
  EXPECT_THROW(view.new_annotation(types::Token, {}, "t1"), std::invalid_argument);
  EXPECT_THROW(view.new_annotation(types::Token, {}, "v_0:t1"), std::invalid_argument);
  EXPECT_THROW(view.new_annotation(types::Token, {{"id", "x"}}), std::invalid_argument);
  EXPECT_THROW(view.find("t1")->set("id", "x"), std::invalid_argument);
  EXPECT_THROW(mmif->new_document(types::TimeFrame, "d9", {}), std::invalid_argument);
  EXPECT_THROW(mmif->new_document(types::VideoDocument, "", {}), std::invalid_argument);
  EXPECT_THROW(mmif->new_document(types::VideoDocument, "d1", {}), std::invalid_argument);
  EXPECT_THROW(mmif->new_document(types::VideoDocument, "v_0", {}), std::invalid_argument);
  EXPECT_THROW(mmif->new_document(types::VideoDocument, "d9", {{"id", "d8"}}), std::invalid_argument);
  EXPECT_EQ(mmif->write().to_string(), before);
}

TEST(Building, DocumentsOfADocumentlessMmifCanBeMade) {
  const auto mmif = Mmif::create();
  mmif->new_document(types::VideoDocument, "d1", {{"location", "/data/a b.mp4"}, {"mime", "video/mp4"}, {"fps", 25}});
  EXPECT_EQ(
      mmif->write().to_string(),
      mmif_text(
          R"({"@type": "http://clams.ai/vocabulary/type/VideoDocument/v2", "properties": {"fps": 25, "mime": "video/mp4", "id": "d1", "location": "file:///data/a%20b.mp4"}})",
          ""));
}

class DocumentProperties : public testing::Test {
 protected:
  void write() {
    mmif_->write_document_properties([this]() -> View& {
      ++made_;
      View& view = mmif_->new_view();
      view.edit_metadata().set("app", "http://a.b/c");
      return view;
    });
  }
  std::string own_views() const {
    std::string out;
    for (const View* view : mmif_->new_views()) {
      out += view->id();
      for (const auto& annotation : view->annotations()) out += " " + annotation->id() + to_mmif_text(annotation->properties());
      out += ";";
    }
    return out;
  }
  std::unique_ptr<Mmif> mmif_ = parsed(
      mmif_text(kTwoDocuments, view_text(R"("http://clams.ai/vocabulary/type/Annotation/v6": {"document": "d1"})",
                                         annotation_text("Annotation/v6", R"("id": "v_0:an_1", "fps": 25)") + "," +
                                             annotation_text("TextDocument/v2", R"("id": "v_0:td_1", "text": {"@value": "t"})"))));
  int made_ = 0;
};

TEST_F(DocumentProperties, BecomeOneAnnotationPerDocumentInAViewOfTheirOwnOnce) {
  mmif_->document("d1")->set("duration", 1000).set("frameCount", 30);
  mmif_->document("d2")->set("duration", 7);
  mmif_->document("v_0:td_1")->set("pages", 2);
  EXPECT_EQ(mmif_->document("d1")->integer("duration"), 1000) << "readable at once";
  write();
  write();
  EXPECT_EQ(made_, 1);
  EXPECT_EQ(
      own_views(),
      R"(v_1 v_1:an_1{"duration": 1000, "frameCount": 30, "document": "d1"} v_1:an_2{"duration": 7, "document": "d2"} v_1:an_3{"pages": 2, "document": "v_0:td_1"};)");
  EXPECT_EQ(mmif_->document("d1")->integer("duration"), 1000);
  EXPECT_EQ(mmif_->write().to_string().find("\"fps\": 25"), mmif_->pristine()->write().to_string().find("\"fps\": 25"))
      << "the view of others stays as it came";
}

TEST_F(DocumentProperties, ThatAreKnownAlreadyAreNotSaidAgain) {
  mmif_->document("d1")->set("fps", 25);
  write();
  EXPECT_EQ(made_, 0);
  mmif_->document("d1")->set("fps", 29.97).set("nothing", nullptr);
  write();
  EXPECT_EQ(own_views(), R"(v_1 v_1:an_1{"fps": 29.97, "document": "d1"};)");
  EXPECT_EQ(mmif_->document("d1")->number("fps"), 29.97);
}

TEST_F(DocumentProperties, GoToTheLastOwnViewIfEmptyElseToTheOneAboutTheDocument) {
  mmif_->new_view().new_annotation(types::TimeFrame, {{"document", "d1"}}, "a");
  mmif_->new_view();
  mmif_->new_view().new_annotation(types::TimeFrame, {{"document", "d2"}}, "b");
  mmif_->document("d1")->set("x", 1);
  mmif_->document("v_0:td_1")->set("y", 1);
  write();
  EXPECT_EQ(
      own_views(),
      R"(v_1 v_1:a{"document": "d1"} v_1:an_1{"x": 1, "document": "d1"};v_2;v_3 v_3:b{"document": "d2"} v_3:an_1{"y": 1, "document": "v_0:td_1"};)");
  mmif_->new_view();
  mmif_->document("d2")->set("z", 1);
  write();
  EXPECT_NE(own_views().find(R"(v_4 v_4:an_1{"z": 1, "document": "d2"};)"), std::string::npos) << own_views();
  EXPECT_EQ(made_, 0);
}

TEST_F(DocumentProperties, NeverGoToViewsOfErrorsOrWarnings) {
  mmif_->new_view().edit_metadata().set("warnings", Array{"w"});
  mmif_->document("d1")->set("x", 1);
  write();
  EXPECT_EQ(made_, 1);
}

TEST_F(DocumentProperties, TextMimeAndLocationChangeTheDocumentItself) {
  mmif_->document("d1")->set("location", "/new place.mp4").set("mime", "video/webm");
  write();
  EXPECT_EQ(made_, 0);
  EXPECT_NE(mmif_->write().to_string().find(R"({"mime": "video/webm", "id": "d1", "location": "file:///new%20place.mp4"})"),
            std::string::npos);
}

TEST_F(DocumentProperties, OfADocumentInAnOwnViewStayWithIt) {
  Annotation& text = mmif_->new_view().new_text_document("t");
  text.set("origin", "x");
  write();
  EXPECT_EQ(made_, 0);
  EXPECT_EQ(text.string("origin"), "x");
}

TEST_F(DocumentProperties, SetToNullAreGoneAgain) {
  mmif_->document("d2")->set("x", 1).set("x", nullptr);
  EXPECT_EQ(mmif_->document("d2")->find("x"), nullptr);
  write();
  EXPECT_EQ(made_, 0);
}

TEST(OwnViews, AreCheckedBeforeTheyLeave) {
  const auto told = [](const std::function<void(View&)>& change) {
    const auto mmif = parsed(mmif_text("", view_text("", "")));
    View& view = mmif->new_view();
    view.edit_metadata().set("app", "http://apps.clams.ai/x/1");
    change(view);
    const auto status = mmif->check_new_views();
    EXPECT_EQ(status.has_value(), static_cast<bool>(Mmif::parse(mmif->write().to_string())))
        << "what is taken can be read again: " << mmif->write().to_string();
    return status ? std::string("fine") : status.error().message;
  };
  EXPECT_EQ(told([](View&) {}), "fine");
  EXPECT_EQ(told([](View& view) { view.new_annotation("http://x.org/T", {}); }), "fine");
  EXPECT_NE(told([](View& view) { view.new_annotation("foo", {}); }).find("'foo' does not match any of the regexes: '^https?://'"),
            std::string::npos);
  EXPECT_NE(told([](View& view) { view.edit_metadata().erase("app"); }).find("view v_1"), std::string::npos);
  for (const Object::Entry& field : std::initializer_list<Object::Entry>{{"app", "short"},
                                                                         {"app", 7},
                                                                         {"timestamp", 1},
                                                                         {"parameters", Object{{"p", 1}}},
                                                                         {"parameters", Array{1}},
                                                                         {"error", Object{{"text", "no message"}}},
                                                                         {"warnings", Array{1}},
                                                                         {"appTags", Array{"a", "a"}},
                                                                         {"appProfiling", Object{{"runningTime", 5}}},
                                                                         {"appConfiguration", 5}}) {
    EXPECT_NE(told([&](View& view) { view.edit_metadata().set(field.first, field.second); }), "fine") << field.first;
  }
  EXPECT_EQ(told([](View& view) { view.new_contain("foo"); }), "fine") << "an entry without annotations is left out";
  EXPECT_NE(told([](View& view) {
              view.edit_metadata().set("parameters", Object{{"p", 1}});
            }).find("(at /views/1/metadata/parameters/p, view v_1 written by the app)"),
            std::string::npos);
}

}  // namespace
}  // namespace mmif
