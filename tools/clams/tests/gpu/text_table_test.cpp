#include "gpu/text_table.hpp"

#include <gtest/gtest.h>

namespace clams::tool {
namespace {

const TextStyle kPlain{80, false, true};
const TextStyle kColoured{80, true, true};

TEST(TextTable, ColoursAreLeftOutWhereThereAreNone) {
  EXPECT_EQ(painted(kPlain, Ink::Red, "no"), "no");
  EXPECT_EQ(painted(kColoured, Ink::Red, "no"), "\x1b[31mno\x1b[0m");
  EXPECT_EQ(painted(kColoured, Ink::Red, ""), "");
}

TEST(TextTable, WidthCountsWhatATerminalShows) {
  EXPECT_EQ(width_of("whisper"), 7U);
  EXPECT_EQ(width_of("▕██▏"), 4U);
  EXPECT_EQ(width_of("\x1b[1;31mred\x1b[0m"), 3U);
  EXPECT_EQ(width_of("字幕"), 4U);
  EXPECT_EQ(width_of("e\xcc\x81"), 1U) << "an accent of its own takes no column";
}

TEST(TextTable, NamesOfOtherProgramsCannotSteerTheTerminal) {
  EXPECT_EQ(harmless("a\x1b[2Jb\n\x07"), "a?[2Jb??");
  EXPECT_EQ(harmless("\xc2\x9b"
                     "31m"),
            "?31m")
      << "the one-character form of an escape sequence";
  EXPECT_EQ(harmless("\xff\xfeok"), "??ok");
  EXPECT_EQ(harmless("Qwen2-字幕"), "Qwen2-字幕");
}

TEST(TextTable, TextIsCutWithinItsWidth) {
  EXPECT_EQ(shortened("whisper", 7, kPlain), "whisper");
  EXPECT_EQ(shortened("whisper-wrapper", 8, kPlain), "whisper…");
  EXPECT_EQ(shortened("字幕字幕", 4, kPlain), "字…");
  EXPECT_EQ(shortened("whisper", 3, {80, false, false}), "wh~");
  EXPECT_EQ(shortened("whisper", 0, kPlain), "");
}

TEST(TextTable, ClippingKeepsTheEndOfColours) { EXPECT_EQ(clipped("\x1b[31mabcdef\x1b[0m", 3), "\x1b[31mabc\x1b[0m"); }

TEST(TextTable, FlexibleColumnsGiveWayWhenTheLineIsTooLong) {
  const std::vector<TextColumn> columns{{"ID", true, false, 0}, {"NAME", false, true, 6}, {"N", true, false, 0}};
  const auto wide = table_lines({40, false, true}, columns, {{"1", "a long name of a thing", "7"}, {"22", "short", "12345"}});
  EXPECT_EQ(wide, (std::vector<std::string>{"ID  NAME                        N", " 1  a long name of a thing      7",
                                            "22  short                   12345"}));
  const auto narrow = table_lines({20, false, true}, columns, {{"1", "a long name of a thing", "7"}, {"22", "short", "12345"}});
  EXPECT_EQ(narrow, (std::vector<std::string>{"ID  NAME           N", " 1  a long n…      7", "22  short      12345"}));
}

}  // namespace
}  // namespace clams::tool
