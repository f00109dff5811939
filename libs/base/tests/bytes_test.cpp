#include "base/bytes.hpp"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Bytes, ArithmeticSaturatesInsteadOfWrapping) {
  EXPECT_EQ(Bytes(3) - Bytes(5), Bytes(0));
  EXPECT_EQ(Bytes::max() + Bytes(1), Bytes::max());
  EXPECT_EQ(1_GiB + 1_MiB, Bytes((1ULL << 30) + (1ULL << 20)));
}

TEST(Bytes, ScalingRoundsAndSaturates) {
  EXPECT_EQ(scaled(Bytes(10), 1.25), Bytes(13));
  EXPECT_EQ(scaled(Bytes::max(), 1.2), Bytes::max());
  EXPECT_EQ(scaled(10_GiB, 0.8), 8_GiB);
  EXPECT_EQ(scaled(10_GiB, -1.0), Bytes(0));
}

TEST(Bytes, ReadsSizesAsPeopleTypeThem) {
  EXPECT_EQ(*parse_bytes("6GiB"), 6_GiB);
  EXPECT_EQ(*parse_bytes("6 GB"), 6_GiB);
  EXPECT_EQ(*parse_bytes("512MiB"), 512_MiB);
  EXPECT_EQ(*parse_bytes("1.5GiB"), 1536_MiB);
  EXPECT_EQ(*parse_bytes("4096"), Bytes(4096));
  EXPECT_EQ(*parse_bytes("0"), Bytes(0));
  EXPECT_EQ(*parse_bytes("18446744073709551615"), Bytes::max());
}

TEST(Bytes, RefusesWhatIsNoSize) {
  for (const char* bad : {"", "GiB", "-1", "1.2.3GiB", "6 potatoes", "18446744073709551616", "99999999999TiB", "0x10", "nan"}) {
    const auto parsed = parse_bytes(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_NE(parsed.error().message.find("6GiB"), std::string::npos) << "the message shows how to write one";
  }
}

TEST(Bytes, PrintsForPeople) {
  EXPECT_EQ(to_string(6_GiB), "6.00 GiB");
  EXPECT_EQ(to_string(512_MiB), "512 MiB");
  EXPECT_EQ(to_string(Bytes(17)), "17 B");
  EXPECT_EQ(gib_text(6_GiB + 256_MiB), "6.25");
}

TEST(MemorySizes, ABareNumberBelowAMebibyteIsAskedBack) {
  for (const char* slip : {"8", " 8 ", "1", "1048575", "0.5", "16.0", "008"}) {
    const auto parsed = parse_memory_size(slip);
    ASSERT_FALSE(parsed) << slip;
    EXPECT_EQ(parsed.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(parsed.error().message.find("bytes? write "), std::string::npos) << parsed.error().message;
  }
  EXPECT_EQ(parse_memory_size("8").error().message, "8 bytes? write 8GiB or 8MiB; where bytes are meant, 8B");
}

TEST(MemorySizes, NoneUnitsAndLargeNumbersAreTaken) {
  EXPECT_EQ(*parse_memory_size("0"), Bytes(0));
  EXPECT_EQ(*parse_memory_size("0.0"), Bytes(0));
  EXPECT_EQ(*parse_memory_size("8B"), Bytes(8));
  EXPECT_EQ(*parse_memory_size("512KiB"), 512_KiB);
  EXPECT_EQ(*parse_memory_size("1048576"), 1_MiB);
  EXPECT_EQ(*parse_memory_size("8GiB"), 8_GiB);
  EXPECT_FALSE(parse_memory_size("eight"));
}

}  // namespace
}  // namespace base
