// Reader and writer against what Python's json module was recorded to do.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "mmif/json.hpp"
#include "records.hpp"

namespace mmif {
namespace {

std::string shortened(std::string_view text) {
  return text.size() < 200 ? std::string(text) : std::string(text.substr(0, 200)) + "...";
}

TEST(JsonAsPython, AFloatIsSpelledAsPythonSpellsIt) {
  for (const auto& record : records::kDoubles) EXPECT_EQ(Number(std::bit_cast<double>(record.bits)).text(), record.text);
}

TEST(JsonAsPython, AFloatReadBackFromItsSpellingIsTheSameToTheLastBit) {
  for (const auto& record : records::kDoubles) {
    const double value = Number::from_token(record.text).as_double();
    EXPECT_TRUE(std::bit_cast<std::uint64_t>(value) == record.bits || (record.text == "NaN" && std::isnan(value))) << record.text;
  }
}

TEST(JsonAsPython, TextsThatPythonTakesAreTakenAndWrittenAsPythonWritesThem) {
  for (const auto& record : records::kTaken) {
    const auto value = parse_json(record.text);
    ASSERT_TRUE(value) << shortened(record.text) << ": " << value.error().message;
    EXPECT_EQ(to_mmif_text(*value), record.compact) << shortened(record.text);
    EXPECT_EQ(to_mmif_text(*value, true), record.pretty) << shortened(record.text);
    if (!record.raw_utf8.empty()) { EXPECT_EQ(to_plain_text(*value), record.raw_utf8) << shortened(record.text); }
    EXPECT_EQ(python_repr(*value), record.repr) << shortened(record.text);
    EXPECT_EQ(python_type_name(*value), record.type) << shortened(record.text);
  }
}

TEST(JsonAsPython, WhatWasWrittenReadsAsTheSameValue) {
  for (const auto& record : records::kTaken) {
    const auto value = parse_json(record.text);
    ASSERT_TRUE(value);
    for (const std::string& text :
         {to_mmif_text(*value), to_mmif_text(*value, true), to_plain_text(*value), to_plain_text(*value, true)}) {
      const auto again = parse_json(text);
      ASSERT_TRUE(again) << shortened(text) << ": " << again.error().message;
      EXPECT_EQ(*again, *value) << shortened(text);
    }
  }
}

TEST(JsonAsPython, TextsThatPythonRefusesAreRefusedInItsWordsAndAtItsPlace) {
  for (const auto& record : records::kRefused) {
    const auto value = parse_json(record.text);
    ASSERT_FALSE(value) << record.text;
    EXPECT_EQ(value.error().message, record.message) << record.text;
    EXPECT_EQ(value.error().code, base::ErrorCode::InvalidDocument);
  }
}

TEST(JsonAsPython, BytesThatAreNoUtf8AreRefusedWithTheirPosition) {
  for (const auto& record : records::kBadUtf8) {
    const auto value = parse_json(record.text);
    ASSERT_FALSE(value) << record.text;
    EXPECT_NE(value.error().message.find("in position " + std::to_string(record.position) + ":"), std::string::npos)
        << value.error().message;
  }
}

TEST(JsonAsPython, AStringIsShownAsReprShowsIt) {
  for (const auto& record : records::kReprs) EXPECT_EQ(python_repr(record.text), record.repr);
}

}  // namespace
}  // namespace mmif
