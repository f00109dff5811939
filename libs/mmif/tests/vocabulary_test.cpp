#include "mmif/vocabulary.hpp"

#include <gtest/gtest.h>

#include "samples.hpp"

namespace mmif {
namespace {

constexpr std::string_view kNew = "http://clams.ai/vocabulary/type/", kOld = "http://mmif.clams.ai/vocabulary/";

// The published tables.
Object published(std::string_view part) {
  const auto text = base::read_file(std::string(CLAMS_SOURCE) + "/tests/data/schema/vocabulary-1.2.0.json");
  EXPECT_TRUE(text);
  const auto value = parse_json(*text);
  EXPECT_TRUE(value);
  return *value->object()->find(part)->object();
}

TEST(Vocabulary, EveryPublishedUriIsKnownWithItsTypeAndVersion) {
  const Object uris = published("uris");
  EXPECT_GT(uris.size(), 150U);
  for (const auto& [uri, row] : uris) {
    const auto known = find_type(uri);
    ASSERT_TRUE(known) << uri;
    EXPECT_EQ(known->info->name, row.array()->at(0).as_string()) << uri;
    EXPECT_EQ("v" + std::to_string(known->version), row.array()->at(1).as_string()) << uri;
  }
}

TEST(Vocabulary, EveryTypeHasItsPrefixLatestVersionAndAliases) {
  const Object published_types = published("types");
  EXPECT_EQ(published_types.size(), 24U);
  for (const auto& [name, row] : published_types) {
    const Object& type = *row.object();
    const std::string latest = std::string(kNew) + name + "/" + std::string(type.find("latest")->as_string());
    EXPECT_EQ(id_prefix(latest), type.find("prefix")->as_string()) << name;
    ASSERT_TRUE(find_type(latest)) << name;
    EXPECT_EQ("v" + std::to_string(find_type(latest)->info->latest), type.find("latest")->as_string());
    for (const char* old : {"frameType", "boxType", "word", "classifications"}) {
      const Value* today = type.find("aliases")->object()->find(old);
      EXPECT_EQ(current_property_name(latest, old), today == nullptr ? old : today->as_string()) << name << " " << old;
      EXPECT_EQ(current_property_name("http://example.org/" + name, old), today == nullptr ? old : today->as_string())
          << "foreign " << name << " " << old;
    }
    EXPECT_EQ(is_document_type(latest), type.find("kind")->as_string() == "document") << name;
  }
}

TEST(Vocabulary, TheConstantsAreTheNewestVersions) {
  for (const std::string_view uri :
       {types::Thing,     types::Alignment,     types::Annotation,   types::BoundingBox,  types::Chapter,
        types::Interval,  types::NamedEntity,   types::NounChunk,    types::Paragraph,    types::Polygon,
        types::Region,    types::Relation,      types::Sentence,     types::Span,         types::TimeFrame,
        types::TimePoint, types::Token,         types::VerbChunk,    types::VideoObject,  types::AudioDocument,
        types::Document,  types::ImageDocument, types::TextDocument, types::VideoDocument}) {
    const auto known = find_type(uri);
    ASSERT_TRUE(known) << uri;
    EXPECT_EQ(known->version, known->info->latest) << uri;
    EXPECT_TRUE(uri.starts_with(kNew));
  }
}

struct SameCase {
  std::string a, b;
  bool same;
};

TEST(Vocabulary, TypesCompareByVersionAsPublished) {
  const auto old = [](const char* rest) { return std::string(kOld) + rest; };
  const auto now = [](const char* rest) { return std::string(kNew) + rest; };
  const SameCase cases[] = {
      {now("TimeFrame/v6"), now("TimeFrame/v6"), true},
      {now("TimeFrame/v6"), old("TimeFrame/v6"), true},
      {now("TimeFrame/v6"), old("TimeFrame/v1"), true},  // the newest stands for the type
      {now("TimeFrame/v5"), now("TimeFrame/v6"), true},
      {now("TimeFrame/v5"), old("TimeFrame/v5"), true},
      {now("TimeFrame/v5"), now("TimeFrame/v3"), false},
      {old("TimeFrame/v1"), old("TimeFrame/v3"), false},
      {now("TimeFrame/v6"), now("TimePoint/v5"), false},
      {now("VideoDocument/v2"), old("VideoDocument/v1"), true},
      {now("TimeFrame/v7"), now("TimeFrame/v6"), false},  // a version that is not known is a foreign type
      {now("TimeFrame"), now("TimeFrame/v6"), false},
      {"http://mmif.clams.ai/0.4.0/vocabulary/TimeFrame/", now("TimeFrame/v6"), true},
      {"http://mmif.clams.ai/0.4.2/vocabulary/TimeFrame/", "http://mmif.clams.ai/0.4.0/vocabulary/TimeFrame/", true},
      {"http://mmif.clams.ai/0.4.0/vocabulary/TimeFrame", now("TimeFrame/v6"), false},
      {"http://mmif.clams.ai/0.4.3/vocabulary/TimeFrame/", now("TimeFrame/v6"), false},
      {"http://vocab.lappsgrid.org/Token", now("Token/v1"), true},
      {"http://vocab.lappsgrid.org/Markable", "http://vocab.lappsgrid.org/Markable", true},
      {"http://vocab.lappsgrid.org/Lemma", now("Token/v1"), false},
      {"http://example.org/T", "http://example.org/T", true},
      {"http://example.org/T", "http://example.org/T/", false},
      {"http://example.org/TimeFrame/v6", now("TimeFrame/v6"), false},
      {"", "", true},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(same_type(c.a, c.b), c.same) << c.a << " and " << c.b;
    EXPECT_EQ(same_type(c.b, c.a), c.same) << c.b << " and " << c.a;
  }
}

TEST(Vocabulary, ForeignTypesHaveAShortNameAndAPrefix) {
  EXPECT_EQ(short_name("http://example.org/ns#FooBar"), "FooBar");
  EXPECT_EQ(short_name("http://example.org/FooBar"), "FooBar");
  EXPECT_EQ(short_name("plain"), "plain");
  EXPECT_EQ(id_prefix("http://example.org/FooBar"), "fb");
  EXPECT_EQ(id_prefix("http://example.org/foo"), "x");
  EXPECT_EQ(id_prefix("http://example.org/" + std::string(1000, 'A')).size(), 16U);
}

TEST(Vocabulary, DocumentsAreToldByTheirUri) {
  EXPECT_TRUE(is_document_type("http://example.org/OddDocument"));
  EXPECT_TRUE(is_document_type("http://example.org/OddDocument/v9"));
  EXPECT_TRUE(is_document_type("http://mmif.clams.ai/0.4.0/vocabulary/VideoDocument"));
  EXPECT_FALSE(is_document_type("http://example.org/Documentation"));
  EXPECT_FALSE(is_document_type(types::TimeFrame));
}

}  // namespace
}  // namespace mmif
