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

}  // namespace
}  // namespace base
