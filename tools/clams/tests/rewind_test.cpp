#include "rewind.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace clams::tool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A view with spelling that no writer of ours would choose.
std::string view(const std::string& id, const std::string& app, const std::string& timestamp) {
  return "{ \"id\":\"" + id + "\",\t\"metadata\": {\"app\": \"http://apps.clams.ai/" + app + "/v1\", \"timestamp\": \"" +
         timestamp + "\", \"contains\": {}}, \"annotations\": [ {\"@type\": \"http://x.org/T\", \"properties\": {\"id\": \"" + id +
         ":a\", \"n\": 1.50e0, \"t\": \"\\u0041\"}} ] }";
}

std::unique_ptr<mmif::Mmif> workflow(const std::vector<std::string>& views) {
  std::string text = R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": [)";
  for (const std::string& one : views) text += (&one == &views.front() ? "" : " ,\n") + one;
  return mmif::Mmif::parse(text + "]}").value();
}

std::vector<std::string> ids(const mmif::Mmif& document) {
  std::vector<std::string> out;
  for (const auto& one : document.views()) out.push_back(one->id());
  return out;
}

std::unique_ptr<mmif::Mmif> three_and_three() {
  return workflow({view("v_0", "a", "1"), view("v_1", "a", "1"), view("v_2", "a", "1"), view("v_3", "b", "2"),
                   view("v_4", "b", "2"), view("v_5", "b", "2")});
}

TEST(Rewind, drops_the_last_views) {
  const auto document = three_and_three();
  ASSERT_TRUE(rewind(*document, 2, RewindUnit::Views));
  EXPECT_THAT(ids(*document), ElementsAre("v_0", "v_1", "v_2", "v_3"));
}

TEST(Rewind, drops_all_views_when_there_are_fewer) {
  const auto document = three_and_three();
  ASSERT_TRUE(rewind(*document, 1'000'000'000'000, RewindUnit::Views));
  EXPECT_TRUE(document->views().empty());
}

TEST(Rewind, drops_whole_runs_of_apps) {
  const auto document = three_and_three();
  ASSERT_TRUE(rewind(*document, 1, RewindUnit::Apps));
  EXPECT_THAT(ids(*document), ElementsAre("v_0", "v_1", "v_2"));
  ASSERT_TRUE(rewind(*document, 7, RewindUnit::Apps));
  EXPECT_TRUE(document->views().empty());
}

TEST(Rewind, counts_two_runs_of_one_app_as_two) {
  const auto document = workflow({view("v_0", "a", "1"), view("v_1", "a", "2"), view("v_2", "b", "3")});
  ASSERT_TRUE(rewind(*document, 2, RewindUnit::Apps));
  EXPECT_THAT(ids(*document), ElementsAre("v_0"));
}

TEST(Rewind, goes_by_time_and_not_by_place_in_app_mode) {
  const auto document = workflow({view("v_0", "a", "9"), view("v_1", "b", "1")});
  ASSERT_TRUE(rewind(*document, 1, RewindUnit::Apps));
  EXPECT_THAT(ids(*document), ElementsAre("v_1"));
}

TEST(Rewind, leaves_the_bytes_of_views_that_stay) {
  const std::string first = view("v_0", "a", "1");
  const std::string third = view("v_2", "a", "3");
  const auto document = workflow({first, view("v_1", "b", "2"), third, view("v_3", "c", "4")});
  ASSERT_TRUE(rewind(*document, 1, RewindUnit::Views));
  const std::string written = document->write().to_string();
  EXPECT_THAT(written, HasSubstr(first));
  EXPECT_THAT(written, HasSubstr(third));
  EXPECT_EQ(written.find("v_3"), std::string::npos);
}

TEST(Rewind, refuses_numbers_that_are_not_positive) {
  for (const std::int64_t number : {std::int64_t{0}, std::int64_t{-1}}) {
    const auto document = three_and_three();
    const auto status = rewind(*document, number, RewindUnit::Views);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().message, "Only can rewind by a positive number of views. Got " + std::to_string(number) + ".");
    EXPECT_EQ(base::traits_of(status.error().code).exit_status, 2);
    EXPECT_EQ(document->views().size(), 6U);
  }
}

TEST(RewindTable, lists_views_from_the_last_with_the_number_of_their_run) {
  EXPECT_EQ(rewind_table(*workflow({view("v_0", "a", "1"), view("v_1", "b", "2"), view("v_2", "b", "2")})),
            "\nview-num app-num  timestamp                      app\n"
            "1        2        2                              http://apps.clams.ai/b/v1\n"
            "2        2        2                              http://apps.clams.ai/b/v1\n"
            "3        1        1                              http://apps.clams.ai/a/v1\n");
}

}  // namespace
}  // namespace clams::tool
