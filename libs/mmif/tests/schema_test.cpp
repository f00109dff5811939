// What is refused as not being MMIF, and in which words. That the verdicts are those of Python's jsonschema is tested by
// tests/conformance/schema_verdicts.py.
#include <gtest/gtest.h>

#include "samples.hpp"

namespace mmif {
namespace {

struct RefusedCase {
  std::string text;
  const char* begins;  // of the message
  const char* where;
};

const std::string kDocument = R"({"@type": "http://clams.ai/vocabulary/type/VideoDocument/v2", "properties": {"id": "d1"}})";

std::string with_view_metadata(const std::string& metadata) {
  return mmif_text("", R"({"id": "v_0", "metadata": )" + metadata + R"(, "annotations": []})");
}
std::string with_app_and(const std::string& rest) { return with_view_metadata(R"({"app": "http://a/b/c", )" + rest + "}"); }

void expect_refused(const std::vector<RefusedCase>& cases) {
  for (const auto& c : cases) {
    const auto mmif = Mmif::parse(c.text);
    ASSERT_FALSE(mmif) << c.text;
    EXPECT_EQ(mmif.error().code, base::ErrorCode::InvalidDocument);
    EXPECT_TRUE(mmif.error().message.starts_with(c.begins)) << c.text << "\n" << mmif.error().message;
    EXPECT_TRUE(mmif.error().message.ends_with(std::string("(at ") + c.where + ")")) << c.text << "\n" << mmif.error().message;
  }
}

TEST(Schema, TheTopLevelIsAnObjectOfMetadataDocumentsAndViews) {
  expect_refused(
      {{"[]", "[] is not of type 'object'", "/"},
       {"null", "None is not of type 'object'", "/"},
       {"\"x\"", "'x' is not of type 'object'", "/"},
       {"1.5", "1.5 is not of type 'object'", "/"},
       {"{}", "'metadata' is a required property", "/"},
       {R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "views": []})", "'documents' is a required property", "/"},
       {R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": []})", "'views' is a required property", "/"},
       {R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": {}, "views": []})", "{} is not of type 'array'",
        "/documents"},
       {R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": {}})", "{} is not of type 'array'",
        "/views"},
       {R"({"metadata": [], "documents": [], "views": []})", "[] is not of type 'object'", "/metadata"},
       {R"({"foo": 1, "metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": []})",
        "Additional properties are not allowed ('foo' was unexpected)", "/"},
       {R"({"foo": 1, "bar": 2, "metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": []})",
        "Additional properties are not allowed ('bar', 'foo' were unexpected)", "/"}});
}

TEST(Schema, AKeyThatOccursTwiceAtTheTopIsRefused) {
  expect_refused({{R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": [], "views": []})",
                   "the key 'views' occurs twice", "/"},
                  {R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "d\u006fcuments": [], "views": []})",
                   "the key 'documents' occurs twice", "/"}});
}

TEST(Schema, MetadataNamesTheVersionInAtLeastSevenCharacters) {
  const auto with = [](const char* metadata) {
    return std::string(R"({"metadata": )") + metadata + R"(, "documents": [], "views": []})";
  };
  expect_refused({{with("{}"), "'mmif' is a required property", "/metadata"},
                  {with(R"({"mmif": ""})"), "'' is too short", "/metadata/mmif"},
                  {with(R"({"mmif": "http"})"), "'http' is too short", "/metadata/mmif"},
                  {with(R"({"mmif": "😀😀😀😀😀😀"})"), "'😀😀😀😀😀😀' is too short", "/metadata/mmif"},
                  {with(R"({"mmif": 1.2})"), "1.2 is not of type 'string'", "/metadata/mmif"}});
  EXPECT_TRUE(Mmif::parse(with(R"({"mmif": "9.9.9..", "more": [1]})")));
  EXPECT_TRUE(Mmif::parse(with(R"({"mmif": "😀😀😀😀😀😀😀"})")));
}

TEST(Schema, DocumentsHaveATypeAndPropertiesWithAnId) {
  const auto with = [](const char* document) { return mmif_text(kDocument + ", " + document, ""); };
  expect_refused({{with("1"), "1 is not of type 'object'", "/documents/1"},
                  {with(R"({"properties": {"id": "d"}})"), "'@type' is a required property", "/documents/1"},
                  {with(R"({"@type": "t"})"), "'properties' is a required property", "/documents/1"},
                  {with(R"({"@type": "t", "properties": {}})"), "'id' is a required property", "/documents/1/properties"},
                  {with(R"({"@type": "t", "properties": []})"), "[] is not of type 'object'", "/documents/1/properties"},
                  {with(R"({"@type": "t", "properties": {"id": ""}})"), "'' should be non-empty", "/documents/1/properties/id"},
                  {with(R"({"@type": "t", "properties": {"id": 7}})"), "7 is not of type 'string'", "/documents/1/properties/id"},
                  {with(R"({"@type": "", "properties": {"id": "d"}})"), "'' should be non-empty", "/documents/1/@type"},
                  {with(R"({"@type": null, "properties": {"id": "d"}})"), "None is not of type 'string'", "/documents/1/@type"},
                  {with(R"({"@type": "t", "properties": {"id": "d"}, "x": 1})"),
                   "Additional properties are not allowed ('x' was unexpected)", "/documents/1"}});
}

TEST(Schema, ViewsHaveAnIdMetadataAndAnnotations) {
  const auto with = [](const char* view) { return mmif_text("", view); };
  expect_refused(
      {{with("null"), "None is not of type 'object'", "/views/0"},
       {with("{}"), "'id' is a required property", "/views/0"},
       {with(R"({"id": "v", "annotations": []})"), "'metadata' is a required property", "/views/0"},
       {with(R"({"id": "v", "metadata": {}})"), "'annotations' is a required property", "/views/0"},
       {with(R"({"id": "", "metadata": {"app": "http://a/b", "contains": {}}, "annotations": []})"), "'' should be non-empty",
        "/views/0/id"},
       {with(R"({"id": "v", "metadata": {"app": "http://a/b", "contains": {}}, "annotations": {}})"), "{} is not of type 'array'",
        "/views/0/annotations"},
       {with(R"({"id": "v", "metadata": {"app": "http://a/b", "contains": {}}, "annotations": [], "z": 1})"),
        "Additional properties are not allowed ('z' was unexpected)", "/views/0"},
       {with(
            R"({"id": "v", "metadata": {"app": "http://a/b", "contains": {}}, "annotations": [{"@type": "t", "properties": {"id": ""}}]})"),
        "'' should be non-empty", "/views/0/annotations/0/properties/id"}});
}

TEST(Schema, ViewMetadataHasAnAppAndOneOfContainsWarningsAndError) {
  expect_refused(
      {{with_view_metadata(R"({"app": "http://a/b/c"})"), "{'app': 'http://a/b/c'} is not valid under any of the given schemas",
        "/views/0/metadata"},
       {with_view_metadata(R"({"contains": {}})"), "{'contains': {}} is not valid under any of the given schemas",
        "/views/0/metadata"},
       {with_app_and(R"("contains": {}, "error": {"message": "m"})"),
        "{'app': 'http://a/b/c', 'contains': {}, 'error': {'message': 'm'}} is valid under each of", "/views/0/metadata"},
       {with_app_and(R"("contains": {}, "warnings": [])"),
        "{'app': 'http://a/b/c', 'contains': {}, 'warnings': []} is valid under each of", "/views/0/metadata"},
       {with_view_metadata(R"({"app": "http:", "contains": {}})"), "'http:' is too short", "/views/0/metadata/app"}});
}

TEST(Schema, FieldsOfViewMetadataHaveTheirShapes) {
  expect_refused(
      {{with_app_and(R"("contains": {"foo": {}})"), "'foo' does not match any of the regexes: '^https?://'",
        "/views/0/metadata/contains"},
       {with_app_and(R"("contains": {"http://t": 1})"), "1 is not of type 'object'", "/views/0/metadata/contains/http://t"},
       {with_app_and(R"("contains": [])"), "[] is not of type 'object'", "/views/0/metadata/contains"},
       {with_app_and(R"("error": {})"), "'message' is a required property", "/views/0/metadata/error"},
       {with_app_and(R"("error": {"message": ""})"), "'' should be non-empty", "/views/0/metadata/error/message"},
       {with_app_and(R"("error": {"message": "m", "stackTrace": []})"), "[] is not of type 'string'",
        "/views/0/metadata/error/stackTrace"},
       {with_app_and(R"("error": "m")"), "'m' is not of type 'object'", "/views/0/metadata/error"},
       {with_app_and(R"("warnings": "w")"), "'w' is not of type 'array'", "/views/0/metadata/warnings"},
       {with_app_and(R"("warnings": ["w", 1])"), "1 is not of type 'string'", "/views/0/metadata/warnings/1"},
       {with_app_and(R"("contains": {}, "appTags": ["a", "a"])"), "['a', 'a'] has non-unique elements",
        "/views/0/metadata/appTags"},
       {with_app_and(R"("contains": {}, "appTags": [""])"), "'' should be non-empty", "/views/0/metadata/appTags/0"},
       {with_app_and(R"("contains": {}, "timestamp": 1)"), "1 is not of type 'string'", "/views/0/metadata/timestamp"},
       {with_app_and(R"("contains": {}, "parameters": {"p": 1})"), "1 is not valid under any of the given schemas",
        "/views/0/metadata/parameters/p"},
       {with_app_and(R"("contains": {}, "parameters": {"p": ["a", 1]})"), "['a', 1] is not valid under any of the given schemas",
        "/views/0/metadata/parameters/p"},
       {with_app_and(R"("contains": {}, "appConfiguration": [])"), "[] is not of type 'object'",
        "/views/0/metadata/appConfiguration"},
       {with_app_and(R"("contains": {}, "appProfiling": {"runningTime": ""})"), "'' should be non-empty",
        "/views/0/metadata/appProfiling/runningTime"}});
}

TEST(Schema, WhatItSaysNothingAboutIsTaken) {
  for (
      const std::string& text :
      {with_app_and(
           R"("contains": {}, "timestamp": "never", "x": null, "parameters": {"p": "1", "q": ["1"], "\n": 1}, "appConfiguration": {"n": NaN})"),
       with_app_and(R"("warnings": [])"), with_app_and(R"("error": {"message": "m", "more": 1})"),
       mmif_text(R"({"@type": "foo", "properties": {"id": "d", "location": null, "text": "plain"}})", ""),
       mmif_text("", view_text("", R"({"@type": "bar/baz", "properties": {"id": "x", "targets": ["nowhere"], "start": 1}})"))}) {
    const auto mmif = Mmif::parse(text);
    EXPECT_TRUE(mmif) << text << mmif.error().message;
  }
}

TEST(Schema, OfKeysThatOccurTwiceWithinAViewTheLastCounts) {
  EXPECT_TRUE(Mmif::parse(mmif_text(
      "",
      R"({"id": 1, "id": "v", "metadata": {"app": 1, "app": "http://a/b/c", "contains": []  , "contains": {}}, "annotations": 7, "annotations": []})")));
  EXPECT_FALSE(Mmif::parse(
      mmif_text("", R"({"id": "v", "id": 1, "metadata": {"app": "http://a/b/c", "contains": {}}, "annotations": []})")));
}

TEST(Schema, AMessageAboutAHugeValueIsShort) {
  const auto mmif = Mmif::parse(mmif_text("\"" + std::string(100'000, 'x') + "\"", ""));
  ASSERT_FALSE(mmif);
  EXPECT_LT(mmif.error().message.size(), 400U);
}

}  // namespace
}  // namespace mmif
