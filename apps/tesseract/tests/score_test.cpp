#include "ocr/score.hpp"

#include <gtest/gtest.h>

namespace ocr {
namespace {

TEST(ScoreTest, CountsInsertionsDeletionsAndSubstitutions) {
  EXPECT_EQ(character_errors("kitten", "sitting").edits, 3U);
  EXPECT_EQ(character_errors("abc", "abc").edits, 0U);
  EXPECT_EQ(character_errors("abc", "").edits, 3U);
  EXPECT_EQ(character_errors("", "abc").edits, 3U);
  EXPECT_EQ(character_errors("abcdef", "abdef").edits, 1U);
  EXPECT_EQ(character_errors("abdef", "abcdef").edits, 1U);
  EXPECT_EQ(character_errors("ab", "ba").edits, 2U);
}

TEST(ScoreTest, TheRateIsPerKnownCharacter) {
  EXPECT_DOUBLE_EQ(character_errors("abcd", "abxd").rate(), 0.25);
  EXPECT_DOUBLE_EQ(character_errors("", "").rate(), 0);
  EXPECT_DOUBLE_EQ(character_errors("", "x").rate(), 1);
  EXPECT_DOUBLE_EQ(character_errors("a", "bcd").rate(), 3);
}

TEST(ScoreTest, WhiteSpaceCountsOnce) {
  EXPECT_EQ(character_errors("a b\n\nc", "  a\tb c \n").edits, 0U);
  EXPECT_EQ(character_errors("a b", "ab").edits, 1U);
  EXPECT_EQ(normalise_space(" a \n\u00a0 b\u2003"), "a b");
}

TEST(ScoreTest, CharactersAreCodePointsNotBytes) {
  const Score score = character_errors("größe 漢字 😀", "grosse 漢字 😀");
  EXPECT_EQ(score.characters, 10U);
  EXPECT_EQ(score.edits, 3U);  // ö -> o, ß -> s, + s
  EXPECT_EQ(count_characters("größe 漢字 😀"), 10U);
  EXPECT_EQ(normalise_space("größe  漢字 😀"), "größe 漢字 😀");
}

TEST(ScoreTest, BytesThatAreNoUtf8AreCharactersOfTheirOwn) {
  EXPECT_EQ(character_errors("a\xff", "a\xfe").edits, 1U);
  EXPECT_EQ(character_errors("a\xc3", "a\xc3").edits, 0U);
  EXPECT_EQ(normalise_space("a\xff\xe4\xb8"), "a\xff\xe4\xb8");
}

}  // namespace
}  // namespace ocr
