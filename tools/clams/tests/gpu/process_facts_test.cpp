#include "gpu/process_facts.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "gpu/table.hpp"
#include "pictures.hpp"

namespace clams::tool {
namespace {

using namespace std::chrono_literals;

TEST(ProcessFactsTest, tell_user_command_and_age_of_a_process_here) {
  const auto facts = facts_of(::getpid(), 0ns);
  ASSERT_TRUE(facts);
  EXPECT_FALSE(facts->user.empty());
  EXPECT_NE(facts->command.find("clams_gpu_text_test"), std::string::npos);
  EXPECT_GE(facts->age, 0ns);
  EXPECT_LT(facts->age, 24h);
}

TEST(ProcessFactsTest, say_nothing_of_a_process_that_started_at_another_time) {
  EXPECT_FALSE(facts_of(::getpid(), 1ns)) << "a number of another PID namespace";
  EXPECT_FALSE(facts_of(0, 0ns));
  EXPECT_FALSE(facts_of(::getpid(), 0ns, "/nowhere"));
}

GpuPicture picture_with_facts() {
  GpuPicture picture = testing::busy_picture();
  picture.processes[0].facts = ProcessFacts{"alice", "python3 app.py --production", 3h};
  return picture;
}

TEST(ProcessFactsTest, are_columns_where_there_is_room) {
  const std::string narrow = testing::joined(process_lines(picture_with_facts(), {80, false, true}));
  EXPECT_EQ(narrow.find("alice"), std::string::npos);
  const std::string middle = testing::joined(process_lines(picture_with_facts(), {100, false, true}));
  EXPECT_NE(middle.find(" PID  USER   SINCE  APP"), std::string::npos) << middle;
  EXPECT_NE(middle.find("alice     3h"), std::string::npos) << middle;
  EXPECT_EQ(middle.find("COMMAND"), std::string::npos);
  EXPECT_NE(testing::joined(process_lines(picture_with_facts(), {140, false, true})).find("python3 app.py --production"),
            std::string::npos);
  for (const std::size_t columns : {100U, 120U, 140U}) {
    for (const std::string& line : process_lines(picture_with_facts(), {columns, false, true}))
      EXPECT_LE(width_of(line), columns) << line;
  }
}

TEST(ProcessFactsTest, are_left_out_where_nothing_is_known) {
  EXPECT_EQ(testing::joined(process_lines(testing::busy_picture(), {140, false, true})).find("USER"), std::string::npos);
}

TEST(GpuTable, ALedgerThatThisUserMayNotUseIsNamed) {
  GpuPicture picture;
  picture.driver = "sim";
  picture.denied = true;
  picture.problems = {"'/run/vram' is for members of group clams, and bob is none: sudo usermod -aG clams bob, then log in again"};
  const std::string text = gpu_table(picture, {});
  EXPECT_NE(text.find("usermod -aG clams bob"), std::string::npos);
  EXPECT_EQ(text.find("no ledger yet"), std::string::npos);
}

}  // namespace
}  // namespace clams::tool
