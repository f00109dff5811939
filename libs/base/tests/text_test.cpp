#include "base/text.hpp"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Text, SplitKeepsEmptyPieces) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
}
TEST(Text, TrimTakesWhiteSpaceFromBothEnds) { EXPECT_EQ(trim(" \t a b\n"), "a b"); }
TEST(Text, ClosestHelpsWithTypingErrors) {
  EXPECT_EQ(closest("prot", {"port", "host"}), "port");
  EXPECT_EQ(closest("zebra", {"port", "host"}), "");
}
TEST(Text, ClosestLooksPastCaseAndTheWayWordsAreJoined) {
  EXPECT_EQ(closest("TESSDATA", {"language", "tessdata"}), "tessdata");
  EXPECT_EQ(closest("model_size", {"modelSize", "model"}), "modelSize");
  EXPECT_EQ(closest("Drain_Timeout", {"drain-timeout"}), "drain-timeout");
}
TEST(Text, ClosestCompletesABeginningThatFitsOne) {
  EXPECT_EQ(closest("lang", {"language", "label"}), "language");
  EXPECT_EQ(closest("drain", {"drain-timeout", "drain-more-slowly"}), "");
  EXPECT_EQ(closest("la", {"language"}), "");
}
TEST(Text, ClosestOfOneLetterIsNoOther) {
  EXPECT_EQ(closest("p", {"b", "up"}), "");
  EXPECT_EQ(closest("", {"b"}), "");
}

}  // namespace
}  // namespace base
