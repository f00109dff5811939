#include "clams/app_metadata.hpp"

#include <gtest/gtest.h>

#include "mmif/json.hpp"
#include "mmif/vocabulary.hpp"

namespace clams {
namespace {

using mmif::Array;
using mmif::Object;
using mmif::Value;

AppMetadata minimal() {
  AppMetadata metadata;
  metadata.name = "Name";
  metadata.description = "What it does";
  metadata.app_license = "Apache 2.0";
  metadata.identifier = "x";
  metadata.url = "http://E.com";
  return metadata;
}

std::string completed(AppMetadata metadata, std::string_view version = "1.0") {
  std::vector<std::string> notes;
  const auto status = metadata.complete(version, notes);
  if (!status) return status.error().message;
  Object object = metadata.to_object();
  Array own;
  for (const Value& parameter : *object.find("parameters")->array()) {
    if (!is_universal_parameter(parameter.object()->find("name")->as_string())) own.push_back(parameter);
  }
  object.set("parameters", std::move(own));
  return mmif::to_metadata_text(object);
}

TEST(Metadata, LeavesOutWhatIsNotSaid) {
  EXPECT_EQ(
      completed(minimal()),
      R"({"name":"Name","description":"What it does","app_version":"1.0","mmif_version":"1.2.0","app_license":"Apache 2.0","identifier":"http://apps.clams.ai/x/1.0","url":"http://e.com/","parameters":[]})");
}

TEST(Metadata, SaysEverythingInPythonsOrder) {
  AppMetadata metadata = minimal();
  metadata.est_gpu_mem_min = 1000;
  metadata.est_gpu_mem_typ = 2000;
  metadata.add_tag("tag").add_tag("tag").add_tag("other");
  metadata.more = {{"b", "1"}, {"a", "2"}};
  metadata.dependencies = {"lib"};
  metadata.add_parameter(
      {.name = "p", .description = "d", .type = ParameterType::Number, .choices = {0.5, 1}, .default_value = 1.0});
  metadata.add_output(mmif::types::TimeFrame, {{"label", "x"}});
  metadata.add_input(mmif::types::VideoDocument).add_input(mmif::types::Token, false, {{"p", "*"}});
  metadata.add_input_one_of({std::string(mmif::types::AudioDocument), std::string(mmif::types::TextDocument)});
  metadata.add_input_one_of({"http://x.org/T"});
  metadata.analyzer_license = "MIT";
  metadata.analyzer_versions = {{"m", "1"}};
  metadata.analyzer_version = "9";
  EXPECT_EQ(
      completed(metadata),
      R"({"name":"Name","description":"What it does","app_version":"1.0","mmif_version":"1.2.0","analyzer_version":"9","analyzer_versions":{"m":"1"},"app_license":"Apache 2.0","analyzer_license":"MIT","identifier":"http://apps.clams.ai/x/1.0","url":"http://e.com/",)"
      R"("input":[{"@type":"http://clams.ai/vocabulary/type/VideoDocument/v2","required":true},{"@type":"http://clams.ai/vocabulary/type/Token/v1","properties":{"p":"*"},"required":false},)"
      R"([{"@type":"http://clams.ai/vocabulary/type/AudioDocument/v2","required":true},{"@type":"http://clams.ai/vocabulary/type/TextDocument/v2","required":true}],{"@type":"http://x.org/T","required":true}],)"
      R"("output":[{"@type":"http://clams.ai/vocabulary/type/TimeFrame/v6","properties":{"label":"x"}}],)"
      R"("parameters":[{"name":"p","description":"d","type":"number","choices":[0.5,1],"default":1,"multivalued":false}],"dependencies":["lib"],"more":{"b":"1","a":"2"},"app_tags":["tag","other"],"est_gpu_mem_min":1000,"est_gpu_mem_typ":2000})");
}

TEST(Metadata, AddsTheUniversalParametersLastInTheirOrder) {
  AppMetadata metadata = minimal();
  metadata.add_parameter({.name = "own", .description = "d"});
  std::vector<std::string> notes;
  ASSERT_TRUE(metadata.complete("", notes));
  std::string names;
  for (const Parameter& parameter : metadata.parameters) names += parameter.name + " ";
  EXPECT_EQ(names, "own pretty runningTime hwFetch tfSamplingMode ");
  EXPECT_TRUE(metadata.is_complete());
  EXPECT_EQ(metadata.app_version, "unresolvable");
}

struct IdentifierCase {
  const char *identifier, *version, *full;
};

TEST(Metadata, CompletesTheIdentifierWithTheVersion) {
  const IdentifierCase cases[] = {{"x", "1.0", "http://apps.clams.ai/x/1.0"},
                                  {"https://apps.clams.ai/example", "v2", "https://apps.clams.ai/example/v2"},
                                  {"https://apps.clams.ai/example/", "/v2/", "https://apps.clams.ai/example/v2"},
                                  {"HTTP://Apps.Clams.AI/Example", "1", "http://apps.clams.ai/Example/1"},
                                  {"x", "", "http://apps.clams.ai/x/unresolvable"}};
  for (const auto& c : cases) {
    AppMetadata metadata = minimal();
    metadata.identifier = c.identifier;
    std::vector<std::string> notes;
    ASSERT_TRUE(metadata.complete(c.version, notes)) << c.identifier;
    EXPECT_EQ(metadata.identifier, c.full);
  }
}

TEST(Metadata, ShowsDefaultsAsPythonShowsThem) {
  AppMetadata metadata = minimal();
  const auto add = [&](const char* name, ParameterType type, Value value, bool multivalued = false) {
    metadata.add_parameter(
        {.name = name, .description = "d", .type = type, .default_value = std::move(value), .multivalued = multivalued});
  };
  add("one", ParameterType::Number, 1.0);
  add("half", ParameterType::Number, 0.5);
  add("big", ParameterType::Number, 1e5);
  add("tiny", ParameterType::Number, 1e-7);
  add("large", ParameterType::Number, 1e22);
  add("ints", ParameterType::Integer, Array{1, 2}, true);
  add("map", ParameterType::Map, Array{"k:v"});
  add("empty", ParameterType::String, "");
  add("scalar", ParameterType::String, "x", true);
  add("bool", ParameterType::Boolean, true, true);
  const std::string text = completed(metadata);
  for (const char* piece :
       {R"("name":"one","description":"d","type":"number","default":1,)", R"("default":0.5)", R"("default":100000,)",
        R"("default":1e-7)", R"("default":1e+22)", R"("default":["1","2"],"multivalued":true)",
        R"("default":["k:v"],"multivalued":true)", R"("default":"")", R"("default":["x"])",
        R"("name":"bool","description":"d","type":"boolean","default":true,"multivalued":false)"}) {
    EXPECT_NE(text.find(piece), std::string::npos) << piece << "\n" << text;
  }
}

TEST(Metadata, ATypicalFigureBelowTheLeastIsRaisedWithANote) {
  AppMetadata metadata = minimal();
  metadata.est_gpu_mem_min = 2000;
  metadata.est_gpu_mem_typ = 1000;
  std::vector<std::string> notes;
  ASSERT_TRUE(metadata.complete("1", notes));
  EXPECT_EQ(metadata.est_gpu_mem_typ, 2000);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("1000 MB"), std::string::npos);
  EXPECT_NE(notes[0].find("2000 MB"), std::string::npos);
}

struct BadCase {
  const char* what;
  void (*spoil)(AppMetadata&);
};

TEST(Metadata, TellsWhichFieldIsWrong) {
  const BadCase cases[] = {
      {"name is missing", [](AppMetadata& m) { m.name.clear(); }},
      {"description is missing", [](AppMetadata& m) { m.description.clear(); }},
      {"app_license is missing", [](AppMetadata& m) { m.app_license.clear(); }},
      {"identifier is missing", [](AppMetadata& m) { m.identifier.clear(); }},
      {"url is missing", [](AppMetadata& m) { m.url.clear(); }},
      {"identifier 'x/' is neither a plain word nor an http(s) URL", [](AppMetadata& m) { m.identifier = "x/"; }},
      {"identifier 'a/b' is neither", [](AppMetadata& m) { m.identifier = "a/b"; }},
      {"url 'example.org' is not an http(s) URL", [](AppMetadata& m) { m.url = "example.org"; }},
      {"input has the type http://x.org/T twice",
       [](AppMetadata& m) { m.add_input("http://x.org/T").add_input("http://x.org/T"); }},
      {"input offers a choice in which http://x.org/T is not required",
       [](AppMetadata& m) {
         m.inputs.emplace_back(std::vector<Input>{Input{"http://x.org/T", {}, false, {}}, Input{"http://x.org/U", {}, true, {}}});
       }},
      {"app_tags has an empty tag", [](AppMetadata& m) { m.add_tag(""); }},
      {"est_gpu_mem_min and est_gpu_mem_typ must not be negative", [](AppMetadata& m) { m.est_gpu_mem_min = -1; }},
      {"a parameter has no name", [](AppMetadata& m) { m.add_parameter({.name = "", .description = "d"}); }},
      {"parameter 'p' has no description", [](AppMetadata& m) { m.add_parameter({.name = "p", .description = ""}); }},
      {"parameter 'p' is declared twice",
       [](AppMetadata& m) { m.add_parameter({.name = "p", .description = "d"}).add_parameter({.name = "p", .description = "d"}); }},
      {"parameter 'pretty' has the name of a parameter that every app has",
       [](AppMetadata& m) { m.add_parameter({.name = "pretty", .description = "d"}); }},
      {"parameter 'p' has a default that does not fit its type",
       [](AppMetadata& m) {
         m.add_parameter({.name = "p", .description = "d", .type = ParameterType::Integer, .default_value = "x"});
       }},
      {"parameter 'p' has a default that is not one of its choices",
       [](AppMetadata& m) { m.add_parameter({.name = "p", .description = "d", .choices = {"a"}, .default_value = "b"}); }},
      {"parameter 'p' has a list as default, but is not multivalued",
       [](AppMetadata& m) { m.add_parameter({.name = "p", .description = "d", .default_value = Value(Array{"x"})}); }},
      {"parameter 'p' is a boolean and cannot be multivalued",
       [](AppMetadata& m) {
         m.parameters.push_back({.name = "p", .description = "d", .type = ParameterType::Boolean, .multivalued = true});
       }},
      {"identifier 'my app!' is neither", [](AppMetadata& m) { m.identifier = "my app!"; }},
      {"identifier 'app?x' is neither", [](AppMetadata& m) { m.identifier = "app?x"; }},
      {"identifier '..' is neither", [](AppMetadata& m) { m.identifier = ".."; }},
      {"identifier ' ' is neither", [](AppMetadata& m) { m.identifier = " "; }},
      {"identifier 'a?b' is neither", [](AppMetadata& m) { m.identifier = "a\nb"; }},
      {"identifier 'http://apps.clams.ai/my app' is neither", [](AppMetadata& m) { m.identifier = "http://apps.clams.ai/my app"; }},
      {"identifier 'ftp://x/y' is neither", [](AppMetadata& m) { m.identifier = "ftp://x/y"; }},
      {"app_version '1 0' holds a blank", [](AppMetadata& m) { m.app_version = "1 0"; }},
      {"url 'https://' is not an http(s) URL", [](AppMetadata& m) { m.url = "https://"; }},
      {"url 'https:///x' is not an http(s) URL", [](AppMetadata& m) { m.url = "https:///x"; }},
      {"url 'https://a b' is not an http(s) URL", [](AppMetadata& m) { m.url = "https://a b"; }},
      {"url 'https://a/b?c' is not an http(s) URL", [](AppMetadata& m) { m.url = "https://a/b\nc"; }},
      {"input has an empty type", [](AppMetadata& m) { m.add_input(""); }},
      {"input offers a choice of nothing", [](AppMetadata& m) { m.add_input_one_of({}); }},
      {"output has the type 'a b', which holds a blank", [](AppMetadata& m) { m.add_output("a b"); }},
      {"parameter 'a b' has a name that no flag can have",
       [](AppMetadata& m) { m.add_parameter({.name = "a b", .description = "d"}); }},
      {"parameter 'a=b' has a name that no flag can have",
       [](AppMetadata& m) { m.add_parameter({.name = "a=b", .description = "d"}); }},
      {"parameter '-a' has a name that no flag can have",
       [](AppMetadata& m) { m.add_parameter({.name = "-a", .description = "d"}); }},
      {"parameter 'p' has the choice 'a' twice",
       [](AppMetadata& m) {
         m.add_parameter({.name = "p", .description = "d", .choices = {"a", "b", "a"}});
       }},
      {"parameter 'p' has the choice 'x', which is no integer",
       [](AppMetadata& m) {
         m.add_parameter({.name = "p", .description = "d", .type = ParameterType::Integer, .choices = {1, "x"}});
       }},
      {"parameter 'p' has the choice '1', which is no string",
       [](AppMetadata& m) { m.add_parameter({.name = "p", .description = "d", .choices = {1}}); }},
  };
  for (const auto& c : cases) {
    AppMetadata metadata = minimal();
    c.spoil(metadata);
    std::vector<std::string> notes;
    const auto status = metadata.complete("", notes);
    ASSERT_FALSE(status) << c.what;
    EXPECT_EQ(status.error().message.find('\n'), std::string::npos) << c.what;
    EXPECT_EQ(status.error().code, base::ErrorCode::Configuration) << c.what;
    EXPECT_NE(status.error().message.find(c.what), std::string::npos) << status.error().message << " without: " << c.what;
    EXPECT_FALSE(metadata.is_complete());
  }
}

}  // namespace
}  // namespace clams
