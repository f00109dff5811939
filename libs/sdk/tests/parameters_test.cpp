// From what a client sends to typed values.
#include "clams/parameters.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <span>

#include "cast.hpp"
#include "clams/exceptions.hpp"
#include "mmif/json.hpp"
#include "records.hpp"

namespace clams {
namespace {

static_assert(is_parameter_type<double> && is_parameter_type<std::vector<std::int64_t>> && is_parameter_type<mmif::Value>);
static_assert(!is_parameter_type<float> && !is_parameter_type<std::size_t> && !is_parameter_type<std::vector<bool>>);

using mmif::Array;
using mmif::Object;
using mmif::Value;

std::string shortened(std::string_view text) { return std::string(text.substr(0, 100)); }

void expect_casts(ParameterType type, std::span<const records::CastRecord> list) {
  for (const auto& record : list) {
    const auto value = cast_text(type, std::string(record.text));
    ASSERT_EQ(value.has_value(), record.taken) << shortened(record.text);
    const std::string ours = value ? mmif::python_repr(*value) : value.error().message;
    // Python cuts the text in the message of int() after 200 characters.
    EXPECT_TRUE(ours == record.result || (record.text.size() > 200 && ours.starts_with(record.result.substr(0, 150))))
        << shortened(record.text) << "\n"
        << shortened(ours) << "\n"
        << shortened(record.result);
  }
}

TEST(Casting, IntegersAreReadAsPythonReadsThem) { expect_casts(ParameterType::Integer, records::kInts); }
TEST(Casting, NumbersAreReadAsPythonReadsThem) { expect_casts(ParameterType::Number, records::kFloats); }

TEST(Casting, NumbersDoNotDependOnTheLocale) {
  const char* comma = std::setlocale(LC_ALL, "de_DE.UTF-8");
  if (comma == nullptr) std::setlocale(LC_ALL, "C.UTF-8");
  EXPECT_EQ(cast_text(ParameterType::Number, "0.5")->as_double(), 0.5);
  std::setlocale(LC_ALL, "C");
}

TEST(Casting, OnlyFiveSpellingsAreFalse) {
  for (const char* text : {"False", "false", "F", "f", "0"})
    EXPECT_EQ(*cast_text(ParameterType::Boolean, text), Value(false)) << text;
  for (const char* text : {"", "no", "FALSE", "00", "off", " 0", "0.0", "None", "true", "1"})
    EXPECT_EQ(*cast_text(ParameterType::Boolean, text), Value(true)) << text;
}

TEST(Casting, StringsStayAsTheyAre) {
  for (const char* text : {"", "007", "no", " x ", "é", "1_000"}) EXPECT_EQ(*cast_text(ParameterType::String, text), Value(text));
}

TEST(Casting, MapsSplitAtTheFirstColonAndTheLaterOfEqualKeysCounts) {
  const Parameter map{.name = "m", .description = "d", .type = ParameterType::Map, .multivalued = true};
  EXPECT_EQ(mmif::to_mmif_text(*cast_values(map, {"a:1", "b:x:y", "a:2", ":", "c:"})),
            R"({"a": "2", "b": "x:y", "": "", "c": ""})");
  EXPECT_EQ(mmif::to_mmif_text(*cast_values(map, {})), "{}");
  EXPECT_EQ(cast_values(map, {"a:1", "nocolon"}).error().message, "not enough values to unpack (expected 2, got 1)");
}

TEST(Casting, OnlyTheFirstValueOfASingleOneIsUsedAndABadSecondDoesNoHarm) {
  const Parameter single{.name = "n", .description = "d", .type = ParameterType::Integer};
  EXPECT_EQ(*cast_values(single, {"1", "x"}), Value(1));
  const Parameter list{.name = "n", .description = "d", .type = ParameterType::Integer, .multivalued = true};
  EXPECT_EQ(mmif::to_mmif_text(*cast_values(list, {"2", "1", "2"})), "[2, 1, 2]");
  EXPECT_EQ(mmif::to_mmif_text(*cast_values(list, {})), "[]");
  EXPECT_EQ(cast_values(list, {"1", "x"}).error().message, "invalid literal for int() with base 10: 'x'");
}

TEST(Casting, ChoicesCompareAsPythonComparesAndEachValueOfAListAlone) {
  const Parameter numbers{.name = "n", .description = "d", .type = ParameterType::Number, .choices = {1, 2.5}, .multivalued = true};
  EXPECT_TRUE(is_allowed(numbers, Value(1.0)));
  EXPECT_TRUE(is_allowed(numbers, Value(Array{1.0, 2.5})));
  EXPECT_FALSE(is_allowed(numbers, Value(Array{1.0, 3.0})));
  EXPECT_TRUE(is_allowed(numbers, Value(Array{})));
  EXPECT_TRUE(is_allowed(numbers, Value(true)));
  EXPECT_FALSE(is_allowed(numbers, Value("1")));
  const Parameter big{
      .name = "n", .description = "d", .type = ParameterType::Integer, .choices = {mmif::Number::from_token("9007199254740993")}};
  EXPECT_FALSE(is_allowed(big, Value(std::int64_t{9007199254740992}))) << "integers compare to the last digit";
}

std::string pairs_of(const RawParameters& raw, std::string_view query) {
  std::string out;
  for (const auto& [name, values] : raw) {
    for (const auto& value : values) out += name + "\x01" + value + "\x02";
  }
  return out + " from " + std::string(query);
}

// Names in the order of their first appearance, as our map keeps them.
std::string grouped(std::string_view pairs, std::string_view query) {
  RawParameters raw;
  while (!pairs.empty()) {
    const std::size_t middle = pairs.find('\x01'), end = pairs.find('\x02');
    raw.add(pairs.substr(0, middle), std::string(pairs.substr(middle + 1, end - middle - 1)));
    pairs.remove_prefix(end + 1);
  }
  return pairs_of(raw, query);
}

TEST(Query, IsReadAsWerkzeugReadsIt) {
  for (const auto& record : records::kQueries)
    EXPECT_EQ(pairs_of(RawParameters::from_query(record.query), record.query), grouped(record.pairs, record.query));
}

TEST(Query, WithManyNamesStaysQuick) {
  std::string query;
  for (int i = 0; i < 50'000; ++i) query += "p" + std::to_string(i) + "=1&";
  const auto raw = RawParameters::from_query(query);
  ASSERT_NE(raw.find("p49999"), nullptr);
  EXPECT_EQ(raw.find("p50000"), nullptr);
}

TEST(EnvelopeParameters, BecomeListsOfTextsAsPythonsStr) {
  const auto parameters = mmif::parse_json(
      R"({"t": true, "n": null, "f": 1e-5, "g": 1e22, "h": 0.1, "big": 123456789012345678901234567890, "s": "it's", "list": [1, "a", false, {"x": 1}, [2, "b"]], "map": {"k": 1, "l": {"x": [null]}, "m": "v:w"},
                                            "none": [], "empty": {}, "nan": NaN})");
  ASSERT_TRUE(parameters);
  EXPECT_EQ(pairs_of(RawParameters::from_envelope(*parameters->object()), ""),
            "t\x01True\x02n\x01None\x02"
            "f\x01"
            "1e-05\x02g\x01"
            "1e+22\x02h\x01"
            "0.1\x02"
            "big\x01"
            "123456789012345678901234567890\x02s\x01it's\x02list\x01"
            "1\x02list\x01"
            "a\x02list\x01"
            "False\x02list\x01{'x': 1}\x02list\x01[2, 'b']\x02"
            "map\x01k:1\x02map\x01l:{'x': [None]}\x02map\x01m:v:w\x02nan\x01nan\x02 from ");
}

TEST(EnvelopeParameters, AreReplacedPerNameByThoseOfTheQueryWhoseNewNamesComeBehind) {
  auto raw = RawParameters::from_envelope(Object{{"sc", "aa"}, {"req", Array{"1", "2"}}, {"n", 5}});
  raw.merge(RawParameters::from_query("sc=bb&sc=cc&foo=x"));
  EXPECT_EQ(pairs_of(raw, ""),
            "sc\x01"
            "bb\x02sc\x01"
            "cc\x02req\x01"
            "1\x02req\x01"
            "2\x02n\x01"
            "5\x02"
            "foo\x01x\x02 from ");
}

AppMetadata with(std::vector<Parameter> parameters) {
  AppMetadata metadata;
  metadata.name = "n";
  metadata.description = "d";
  metadata.app_license = "l";
  metadata.identifier = "x";
  metadata.url = "http://example.org/x";
  metadata.parameters = std::move(parameters);
  std::vector<std::string> notes;
  const auto status = metadata.complete("1", notes);
  EXPECT_TRUE(status) << status.error().message;
  return metadata;
}

Parameter declared(std::string name, ParameterType type, std::optional<Value> otherwise = {}, bool multivalued = false,
                   std::vector<Value> choices = {}) {
  return Parameter{.name = std::move(name),
                   .description = "d",
                   .type = type,
                   .choices = std::move(choices),
                   .default_value = std::move(otherwise),
                   .multivalued = multivalued};
}

std::string typed(const AppMetadata& metadata, std::string_view query) {
  const auto parameters = refine(metadata, RawParameters::from_query(query));
  if (!parameters) return parameters.error().message;
  Object own = parameters->typed();
  for (const Parameter& universal : universal_parameters()) own.erase(universal.name);
  return mmif::to_mmif_text(own);
}

TEST(Refining, FillsInDefaultsInTheOrderOfTheMetadataWithTheirTypes) {
  const auto metadata =
      with({declared("i", ParameterType::Integer, 5), declared("n", ParameterType::Number, 1),
            declared("s", ParameterType::String, "007"), declared("no", ParameterType::String, "no"),
            declared("b", ParameterType::Boolean, false), declared("l", ParameterType::Integer, Value(Array{1, 2}), true),
            declared("one", ParameterType::String, "x", true), declared("e", ParameterType::String, Value(Array{}), true),
            declared("m", ParameterType::Map, Value(Array{"k:v"}), true), declared("tiny", ParameterType::Number, 1e-7)});
  EXPECT_EQ(
      typed(metadata, ""),
      R"({"i": 5, "n": 1.0, "s": "007", "no": "no", "b": false, "l": [1, 2], "one": ["x"], "e": [], "m": {"k": "v"}, "tiny": 1e-07})");
  EXPECT_EQ(
      typed(metadata, "m=a:b&i=7&l=3&unknown=1&b=no&e=x&i=bad"),
      R"({"i": 7, "n": 1.0, "s": "007", "no": "no", "b": true, "l": [3], "one": ["x"], "e": ["x"], "m": {"a": "b"}, "tiny": 1e-07})");
}

TEST(Refining, RefusesInPythonsWordsCastErrorsFirstInTheOrderOfTheRequest) {
  const auto metadata =
      with({declared("req", ParameterType::String), declared("sc", ParameterType::String, "aa", false, {"aa", "bb"}),
            declared("n", ParameterType::Integer, 1, false, {1, 2, 3}), declared("x", ParameterType::Number, 1)});
  EXPECT_EQ(typed(metadata, ""), "Cannot find configuration for a required parameter \"req\".");
  EXPECT_EQ(typed(metadata, "req=1&sc=cc"), "Value for parameter \"sc\" must be one of ['aa', 'bb'].");
  EXPECT_EQ(typed(metadata, "req=1&n=9"), "Value for parameter \"n\" must be one of [1, 2, 3].");
  EXPECT_EQ(typed(metadata, "n=9&sc=cc"), "Cannot find configuration for a required parameter \"req\".")
      << "the order of the metadata";
  EXPECT_EQ(typed(metadata, "x=1,5&n=2.0"), "could not convert string to float: '1,5'") << "the order of the request";
  EXPECT_EQ(typed(metadata, "n=2.0&x=1,5"), "invalid literal for int() with base 10: '2.0'");
}

TEST(Refining, TakesEmptyListsForMultivaluedParametersAndTheDefaultForOthers) {
  const auto metadata =
      with({declared("l", ParameterType::Integer, Value(Array{1}), true),
            declared("m", ParameterType::Map, Value(Array{"k:v"}), true), declared("i", ParameterType::Integer, 5)});
  const auto parameters = refine(metadata, RawParameters::from_envelope(Object{{"l", Array{}}, {"m", Object{}}, {"i", Array{}}}));
  ASSERT_TRUE(parameters);
  EXPECT_EQ(parameters->get<std::vector<std::int64_t>>("l").size(), 0U);
  EXPECT_TRUE((parameters->get<std::vector<std::pair<std::string, std::string>>>("m").empty()));
  EXPECT_EQ(parameters->get<int>("i"), 5);
}

TEST(Refining, AddsTheUniversalParametersBehindTheAppsOwn) {
  const auto parameters = refine(with({declared("i", ParameterType::Integer, 5)}), RawParameters::from_query("pretty"));
  ASSERT_TRUE(parameters);
  EXPECT_EQ(mmif::to_mmif_text(parameters->typed()),
            R"({"i": 5, "pretty": true, "runningTime": true, "hwFetch": false, "tfSamplingMode": "representatives"})");
  EXPECT_TRUE(parameters->pretty());
  EXPECT_EQ(parameters->time_frame_sampling_mode(), "representatives");
}

TEST(TypedParameters, AreGotAsWhatTheyAreAndNothingElse) {
  const Parameters parameters(Object{{"i", 5},
                                     {"big", mmif::Number::from_token("99999999999")},
                                     {"huge", mmif::Number::from_token("99999999999999999999")},
                                     {"n", 1.5},
                                     {"s", "x"},
                                     {"b", true},
                                     {"l", Array{1, 2}},
                                     {"m", Object{{"k", "v"}}}},
                              {});
  EXPECT_EQ(parameters.get<int>("i"), 5);
  EXPECT_EQ(parameters.get<double>("i"), 5.0);
  EXPECT_EQ(parameters.get<std::int64_t>("big"), 99999999999);
  EXPECT_EQ(parameters.get<std::vector<double>>("l"), (std::vector<double>{1, 2}));
  EXPECT_EQ(parameters.get<Value>("s"), Value("x"));
  EXPECT_EQ((parameters.get<std::vector<std::pair<std::string, std::string>>>("m")),
            (std::vector<std::pair<std::string, std::string>>{{"k", "v"}}));
  EXPECT_THROW(parameters.get<int>("big"), ValueError);
  EXPECT_THROW(parameters.get<std::int64_t>("huge"), ValueError);
  EXPECT_THROW(parameters.get<int>("n"), ValueError);
  EXPECT_THROW(parameters.get<std::string>("i"), ValueError);
  EXPECT_THROW(parameters.get<bool>("i"), ValueError);
  EXPECT_THROW(parameters.get<std::vector<std::string>>("l"), ValueError);
  EXPECT_THROW(parameters.get<std::vector<std::string>>("s"), ValueError);
  try {
    (void)parameters.get<int>("typo");
    FAIL() << "a parameter that is not declared";
  } catch (const ValueError& error) { EXPECT_EQ(error.text(), "there is no parameter \"typo\"; declare it in metadata()"); }
}

}  // namespace
}  // namespace clams
