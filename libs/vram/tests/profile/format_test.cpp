// Decodes every worked example of docs/formats/profile.md.
#include <vector>

#include "base/fd.hpp"
#include "base/text.hpp"
#include "profile/document.hpp"
#include "profile/facts.hpp"
#include "support.hpp"

namespace vram {
namespace {

using namespace base::literals;

const std::string& page() {
  static const std::string text = base::read_file(PROFILE_FORMAT_PAGE).value_or("");
  return text;
}

// The n-th ```json block.
std::string block(int n) {
  std::size_t at = 0;
  for (int i = 0; i <= n; ++i) {
    at = page().find("```json\n", at);
    if (at == std::string::npos) return {};
    at += 8;
  }
  return page().substr(at, page().find("```", at) - at);
}

TEST(ProfileFormat, TheTableOfHashesIsRight) {
  int rows = 0;
  for (const std::string_view line : base::split(page(), '\n')) {
    if (!line.starts_with("| `{")) continue;
    const auto cells = base::split(line, '|');
    ASSERT_EQ(cells.size(), 5U) << line;
    const auto bare = [&](std::size_t cell) {
      const std::string_view text = base::trim(cells[cell]);
      return std::string(text.substr(1, text.size() - 2));
    };
    const auto key = ProfileKey::from_json(bare(1));
    ASSERT_TRUE(key) << line;
    EXPECT_EQ(key->text(), bare(2));
    EXPECT_EQ(key->hash(), bare(3));
    ++rows;
  }
  EXPECT_EQ(rows, 5);
}

TEST(ProfileFormat, TheWorkedProfileIsReadAndWrittenByteForByte) {
  const auto document = profile::parse_document(block(0));
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(profile::to_text(*document), block(0));
  const Learned learned = document->learned();
  EXPECT_EQ(learned.cold, 6_GiB);
  EXPECT_EQ(learned.warm, 1_GiB);
  EXPECT_EQ(learned.in_use, 5_GiB);
  EXPECT_EQ(learned.origin, ProfileOrigin::Samples);
  EXPECT_EQ(learned.instrument, Instrument::Process);
  EXPECT_EQ(learned.warm_duration, std::chrono::milliseconds(9000));
  EXPECT_EQ(document->cold.at(1).visible, 6375342080U);
  EXPECT_EQ(ProfileKey::from_json(document->parameters)->text(), document->parameters);
}

TEST(ProfileFormat, TheWorkedAppFileIsReadAndWrittenByteForByte) {
  const auto facts = profile::parse_facts(block(1));
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(profile::to_text(*facts), block(1));
  EXPECT_EQ(facts->contexts.at({"nvml 580.95.05", "NVIDIA H200"}).bytes.largest(), 541065216U);
  EXPECT_EQ(facts->models.at("large").load_ms.median(), 2100U);
  EXPECT_EQ(facts->models.at("large").loads, 2U);
}

}  // namespace
}  // namespace vram
