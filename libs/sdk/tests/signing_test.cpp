#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include "mmif/json.hpp"
#include "records.hpp"
#include "run_state.hpp"
#include "url.hpp"
#include "view_signer.hpp"

namespace clams {
namespace {

TEST(RunningTime, IsWrittenAsPythonsTimedelta) {
  for (const auto& record : records::kTimedeltas)
    EXPECT_EQ(timedelta_text(std::chrono::microseconds(record.microseconds)), record.text);
  EXPECT_EQ(timedelta_text(std::chrono::microseconds(-5)), "0:00:00");
}

TEST(Timestamps, HaveSixDigitsOrNoneAndUtcEndsInZ) {
  ASSERT_EQ(::setenv("TZ", "XYZ-5", 1), 0);
  ::tzset();
  const WallTime whole(std::chrono::seconds(1'700'000'000)), fraction = whole + std::chrono::microseconds(1234),
                                                             late = whole + std::chrono::microseconds(999'999);
  EXPECT_EQ(utc_timestamp(whole), "2023-11-14T22:13:20Z");
  EXPECT_EQ(utc_timestamp(fraction), "2023-11-14T22:13:20.001234Z");
  EXPECT_EQ(local_timestamp(whole), "2023-11-15T03:13:20");
  EXPECT_EQ(local_timestamp(late), "2023-11-15T03:13:20.999999");
  ASSERT_EQ(::unsetenv("TZ"), 0);
  ::tzset();
}

TEST(RecordedParameters, AreWrittenByTheNumberOfTheirValues) {
  auto raw = RawParameters::from_query("one=x&two=p&two=q&quote=it's&quote=%22&empty&two=q");
  raw.replace("none", {});
  EXPECT_EQ(mmif::to_mmif_text(recorded_parameters(raw)),
            R"({"one": "x", "two": "['p', 'q', 'q']", "quote": "[\"it's\", '\"']", "empty": ""})");
}

TEST(WarningRecord, IsThatOfPythonsWarnings) {
  const auto record = warning_record("it's\nbad", "UserWarning", CodePlace::here());
  EXPECT_TRUE(record.starts_with(
      R"({message : UserWarning("it's\nbad"), category : 'UserWarning', filename : 'signing_test.cpp', lineno : )"))
      << record;
  EXPECT_TRUE(record.ends_with(", line : None}"));
}

TEST(Urls, AreNormalisedAsPydanticDoes) {
  const std::pair<const char*, const char*> cases[] = {{"http://e.com", "http://e.com/"},
                                                       {"HTTP://E.Com/A b", "http://e.com/A%20b"},
                                                       {"https://e.com/x?y=Z#f", "https://e.com/x?y=Z#f"},
                                                       {"http://e.com?x", "http://e.com/?x"},
                                                       {" http://e.com/ ", "http://e.com/"},
                                                       {"http://e.com/é", "http://e.com/%C3%A9"}};
  for (const auto& [given, normal] : cases) EXPECT_EQ(normalise_http_url(given), normal) << given;
  for (const char* bad :
       {"", "x", "ftp://e.com", "http:/e.com", "http://", "http:///x", "http://a b/", "://x", "javascript:alert(1)"})
    EXPECT_EQ(normalise_http_url(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace clams
