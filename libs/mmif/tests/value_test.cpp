#include "mmif/value.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <limits>

#include "mmif/json.hpp"

namespace mmif {
namespace {

TEST(NumberValue, KeepsWhetherItIsAnInteger) {
  EXPECT_EQ(Number(std::int64_t{1}).text(), "1");
  EXPECT_EQ(Number(1.0).text(), "1.0");
  EXPECT_NE(Number(std::int64_t{1}), Number(1.0));
  EXPECT_TRUE(Number::from_token("-12").is_integer());
  for (const char* token : {"1.0", "1e5", "1E5", "NaN", "Infinity", "-Infinity"})
    EXPECT_FALSE(Number::from_token(token).is_integer()) << token;
  EXPECT_EQ(Value(std::numeric_limits<std::uint64_t>::max()).number()->text(), "18446744073709551615");
  EXPECT_EQ(Value(std::numeric_limits<std::int64_t>::min()).number()->text(), "-9223372036854775808");
}

TEST(NumberValue, ComesIntoPythonsSpelling) {
  const std::pair<const char*, const char*> cases[] = {
      {"1E+2", "100.0"}, {"1.50", "1.5"},       {"-0", "0"},
      {"-0.0", "-0.0"},  {"1e400", "Infinity"}, {"-1e400", "-Infinity"},
      {"1e-400", "0.0"}, {"0.1e1", "1.0"},      {"100000000000000000000", "100000000000000000000"}};
  for (const auto& [token, text] : cases) EXPECT_EQ(Number::from_token(token).text(), text);
}

TEST(NumberValue, IsReadAsInt64OnlyWhenItFits) {
  EXPECT_EQ(Number::from_token("9223372036854775807").as_int64(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(Number::from_token("-9223372036854775808").as_int64(), std::numeric_limits<std::int64_t>::min());
  for (const char* token : {"9223372036854775808", "-9223372036854775809", "1.0", "NaN"})
    EXPECT_EQ(Number::from_token(token).as_int64(), std::nullopt) << token;
}

TEST(NumberValue, IsTheNearestDouble) {
  EXPECT_EQ(Number::from_token("9007199254740993").as_double(), 9007199254740992.0);
  EXPECT_EQ(Number::from_token(std::string(400, '9')).as_double(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(Number::from_token("-" + std::string(400, '9')).as_double(), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(Number::from_token("NaN").as_double()));
}

TEST(NumberValue, DoesNotDependOnTheLocale) {
  const char* comma = nullptr;
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"}) {
    if (comma == nullptr) comma = std::setlocale(LC_ALL, name);
  }
  EXPECT_EQ(Number::from_token("1.5e400").text(), "Infinity");
  EXPECT_EQ(Number::from_token("1.5").as_double(), 1.5);
  EXPECT_EQ(Number(1.5).text(), "1.5");
  std::setlocale(LC_ALL, "C");
}

TEST(ObjectValue, KeepsTheOrderOfInsertionAndEachKeyOnce) {
  Object object{{"b", 1}, {"a", 2}, {"b", 3}};
  EXPECT_EQ(to_mmif_text(object), R"({"b": 3, "a": 2})");
  object.set("a", 5);
  object.set("", 6);
  EXPECT_TRUE(object.erase("b"));
  EXPECT_FALSE(object.erase("b"));
  EXPECT_EQ(to_mmif_text(object), R"({"a": 5, "": 6})");
  EXPECT_EQ(object.find("b"), nullptr);
  EXPECT_TRUE(object.contains(""));
}

TEST(ObjectValue, IsEqualWhateverTheOrder) {
  EXPECT_EQ((Object{{"a", 1}, {"b", 2}}), (Object{{"b", 2}, {"a", 1}}));
  EXPECT_NE((Object{{"a", 1}}), (Object{{"a", 1}, {"b", 2}}));
  EXPECT_NE((Object{{"a", 1}}), (Object{{"a", 1.0}}));
  EXPECT_NE(Value(true), Value(1));
  EXPECT_EQ(Value(Array{1, "x", nullptr}), Value(Array{1, "x", nullptr}));
}

TEST(Value, IsOnlyWhatItIs) {
  const Value text("x"), none, number(1.5);
  EXPECT_EQ(text.as_string(), "x");
  EXPECT_EQ(text.number(), nullptr);
  EXPECT_EQ(text.as_double(), std::nullopt);
  EXPECT_TRUE(none.is_null());
  EXPECT_EQ(none.as_string("otherwise"), "otherwise");
  EXPECT_EQ(number.as_double(), 1.5);
  EXPECT_EQ(number.as_int64(), std::nullopt);
  EXPECT_EQ(number.boolean(), nullptr);
}

TEST(MetadataForm, HasRawUtf8NoBlanksAndItsOwnNumbers) {
  const Value value(
      Object{{"é", Array{1e-7, 1e22, 1e5, 0.5, 1, std::nan(""), std::numeric_limits<double>::infinity(), 1e-10, 1e100, 1.5e-5}},
             {"s", "/<>\x7f\u2028\n\x01\"\\"},
             {"e", Array{}},
             {"o", Object{}},
             {"b", true},
             {"n", nullptr}});
  EXPECT_EQ(to_metadata_text(value),
            "{\"é\":[1e-7,1e+22,100000.0,0.5,1,null,null,1e-10,1e+100,1.5e-5],\"s\":\"/"
            "<>\x7f\u2028\\n\\u0001\\\"\\\\\",\"e\":[],\"o\":{},\"b\":true,\"n\":null}");
  EXPECT_EQ(to_metadata_text(Object{{"a", Array{1, Object{}}}}, true), "{\n  \"a\": [\n    1,\n    {}\n  ]\n}");
  EXPECT_EQ(to_metadata_text(Value("\xED\xA0\x80 \xff")), "\"\\ud800 \xEF\xBF\xBD\"") << "what is no UTF-8 does not leave";
}

TEST(PythonStr, IsRawForStringsAndReprForTheRest) {
  EXPECT_EQ(python_str(Value("it's")), "it's");
  EXPECT_EQ(python_str(Value(true)), "True");
  EXPECT_EQ(python_str(Value(nullptr)), "None");
  EXPECT_EQ(python_str(Value(1e-5)), "1e-05");
  EXPECT_EQ(python_str(Value(std::nan(""))), "nan");
  EXPECT_EQ(python_str(Value(Array{"a", 1, 1.0, Object{{"x", false}}})), "['a', 1, 1.0, {'x': False}]");
}

}  // namespace
}  // namespace mmif
