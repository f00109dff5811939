#include <gtest/gtest.h>

#include "samples.hpp"

namespace mmif {
namespace {

std::string refusal(const std::string& text) {
  const auto envelope = parse_envelope(text);
  return envelope ? "taken" : envelope.error().message;
}

TEST(Envelope, ABareDocumentIsNone) {
  const auto envelope = parse_envelope(sample("minimal"));
  ASSERT_TRUE(envelope);
  EXPECT_FALSE(envelope->is_envelope);
  EXPECT_TRUE(envelope->parameters.empty());
  EXPECT_EQ(envelope->mmif->write().to_string(), parsed_sample("minimal")->write().to_string());
}

TEST(Envelope, ParametersComeInOrderAndTheDocumentIsTheOneInside) {
  const std::string inner = sample("odd-values");
  for (const std::string& text :
       {R"({"parameters": {"b": 1, "a": [true, null], "é": {"x": 1e-5}}, "other": [1], "mmif": )" + inner + "}",
        R"({"mmif": )" + inner + R"(, "param\u0065ters": {"b": 1, "a": [true, null], "é": {"x": 1e-5}}})"}) {
    const auto envelope = parse_envelope(text);
    ASSERT_TRUE(envelope) << envelope.error().message;
    EXPECT_TRUE(envelope->is_envelope);
    EXPECT_EQ(to_mmif_text(envelope->parameters), R"({"b": 1, "a": [true, null], "\u00e9": {"x": 1e-05}})");
    EXPECT_EQ(envelope->mmif->write().to_string(), parsed(inner)->write().to_string());
    envelope->mmif->view("first")->edit_metadata();
    EXPECT_EQ(envelope->mmif->pristine()->write().to_string(), parsed(inner)->write().to_string());
  }
}

TEST(Envelope, ParametersMustBeAnObjectWhateverElseIsThere) {
  const std::pair<const char*, const char*> kinds[] = {{"null", "NoneType"}, {"[]", "list"},   {"\"x\"", "str"}, {"1", "int"},
                                                       {"1.0", "float"},     {"NaN", "float"}, {"false", "bool"}};
  for (const auto& [value, type] : kinds) {
    EXPECT_EQ(refusal(std::string(R"({"parameters": )") + value + "}"),
              std::string("\"parameters\" must be a JSON object, got ") + type);
    EXPECT_EQ(refusal(std::string(R"({"parameters": )") + value + R"(, "mmif": 1})"),
              std::string("\"parameters\" must be a JSON object, got ") + type);
  }
}

TEST(Envelope, TheDocumentIsRequiredAndMustBeTheObjectItself) {
  EXPECT_EQ(refusal(R"({"parameters": {}})"), "Envelope is missing required \"mmif\" key");
  EXPECT_EQ(refusal(R"({"parameters": {}, "mmif": "{}"})"), "'{}' is not of type 'object' (at /)");
  EXPECT_EQ(refusal(R"({"parameters": {}, "mmif": null})"), "None is not of type 'object' (at /)");
  EXPECT_EQ(refusal(R"({"parameters": {}, "mmif": {}})"), "'metadata' is a required property (at /)");
}

TEST(Envelope, OnlyOneLevelIsUnwrapped) {
  const std::string once = R"({"parameters": {}, "mmif": )" + sample("minimal") + "}";
  EXPECT_TRUE(parse_envelope(once));
  EXPECT_EQ(refusal(R"({"parameters": {}, "mmif": )" + once + "}"),
            "Additional properties are not allowed ('mmif', 'parameters' were unexpected) (at /)");
}

TEST(Envelope, TheKeyCountsOnlyAtTheTop) {
  EXPECT_EQ(refusal(R"([{"parameters": 1}])"), "[{'parameters': 1}] is not of type 'object' (at /)");
  EXPECT_EQ(refusal(R"({"metadata": {"parameters": 1}})"), "'documents' is a required property (at /)");
}

TEST(Envelope, OfKeysThatOccurTwiceTheLastCounts) {
  const auto envelope =
      parse_envelope(R"({"parameters": 1, "mmif": 1, "parameters": {"a": 1, "b": 2, "a": 3}, "mmif": )" + sample("minimal") + "}");
  ASSERT_TRUE(envelope) << envelope.error().message;
  EXPECT_EQ(to_mmif_text(envelope->parameters), R"({"a": 3, "b": 2})");
}

TEST(Envelope, BrokenTextIsToldAsPythonTellsIt) {
  EXPECT_EQ(refusal(""), "Expecting value: line 1 column 1 (char 0)");
  EXPECT_EQ(refusal(R"({"parameters": {},})"), "Expecting property name enclosed in double quotes: line 1 column 19 (char 18)");
}

}  // namespace
}  // namespace mmif
