// Input that wants to crash, hang or fool the reader.
#include <gtest/gtest.h>

#include <random>

#include "mmif/json.hpp"
#include "mmif/mmif.hpp"
#include "samples.hpp"

namespace mmif {
namespace {

std::string repeated(std::string_view piece, std::size_t n) {
  std::string out;
  out.reserve(piece.size() * n);
  for (std::size_t i = 0; i < n; ++i) out += piece;
  return out;
}
std::string nested_arrays(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }
std::string nested_objects(std::size_t depth) { return repeated("{\"a\":", depth) + "1" + std::string(depth, '}'); }

TEST(HostileJson, NestingIsTakenUpToTheLimit) {
  EXPECT_TRUE(parse_json(nested_arrays(kMaxDepth)));
  EXPECT_TRUE(parse_json(nested_objects(kMaxDepth)));
  const auto value = parse_json(std::string(kMaxDepth, '[') + "7" + std::string(kMaxDepth, ']'));
  ASSERT_TRUE(value);
  EXPECT_EQ(*parse_json(to_mmif_text(*value)), *value);
}

TEST(HostileJson, OneLevelMoreIsRefusedAndTheMessageSaysSo) {
  for (const std::string& text :
       {nested_arrays(kMaxDepth + 1), nested_objects(kMaxDepth + 1), "{\"k\": " + nested_arrays(kMaxDepth) + "}"}) {
    const auto value = parse_json(text);
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().message.substr(0, 51), "Nesting of more than 1000 levels is not supported: ") << value.error().message;
  }
}

TEST(HostileJson, AHundredThousandLevelsAreRefusedWithoutACrash) {
  for (const std::string& text : {nested_arrays(100'000), nested_objects(100'000), std::string(100'000, '['),
                                  repeated("{\"a\":", 100'000), repeated("[{\"a\":", 100'000)}) {
    const auto value = parse_json(text);
    ASSERT_FALSE(value);
    EXPECT_NE(value.error().message.find("Nesting"), std::string::npos) << value.error().message;
  }
}

TEST(HostileJson, ManyValuesUnderManyLevelsAreReadInOnePass) {
  // Reading that looked ahead over each value at each level would take minutes.
  const std::string inner = "[" + repeated("1,", 500'000) + "1]";
  const auto value = parse_json(std::string(kMaxDepth - 1, '[') + inner + std::string(kMaxDepth - 1, ']'));
  ASSERT_TRUE(value);
  const Value* at = &*value;
  for (std::size_t i = 0; i + 1 < kMaxDepth; ++i) at = &at->array()->front();
  EXPECT_EQ(at->array()->size(), 500'001U);
}

TEST(HostileJson, ManyKeysKeepTheirOrderAndTheLastOfEqualOnesCounts) {
  std::string text = "{";
  for (int i = 0; i < 20'000; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  for (int i = 0; i < 20'000; ++i) text += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + (i < 19'999 ? "," : "}");
  const auto value = parse_json(text);
  ASSERT_TRUE(value);
  ASSERT_EQ(value->object()->size(), 20'000U);
  int i = 0;
  for (const auto& [key, member] : *value->object()) {
    ASSERT_EQ(key, "k" + std::to_string(i));
    ASSERT_EQ(member.as_int64(), i);
    ++i;
  }
}

TEST(HostileJson, EveryBeginningOfADocumentIsRefused) {
  for (const char* name : {"minimal", "several-documents", "odd-values", "errors-and-warnings", "old-0.4-types"}) {
    std::string whole = sample(name);
    while (whole.back() == '\n') whole.pop_back();
    for (std::size_t length = 0; length < whole.size(); ++length) {
      ASSERT_FALSE(Mmif::parse(whole.substr(0, length))) << name << " cut at " << length;
    }
    EXPECT_TRUE(Mmif::parse(whole));
  }
}

// Everything that reads the document; a changed document may be nonsense, but never more than that.
void look_at_everything(const Mmif& mmif) {
  for (const auto& view : mmif.views()) {
    view->app();
    view->timestamp();
    for (const auto& annotation : view->annotations()) {
      annotation->find("label");
      EXPECT_EQ(mmif.find(annotation->id()) != nullptr, true);
      (void)mmif.aligned_with(*annotation);
      (void)document_of(mmif, *annotation);
      (void)extent_ms(mmif, *annotation);
      if (annotation->find("location") == nullptr) (void)text_of(mmif, *annotation);
    }
  }
  for (const auto& document : mmif.documents()) {
    (void)mmif.views_for(document->id());
    (void)document->number("fps");
  }
  const std::string written = mmif.write().to_string();
  const auto again = Mmif::parse(written);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ((*again)->write().to_string(), written);
}

TEST(HostileJson, ChangedBytesAreRefusedOrReadButNeverCrash) {
  const unsigned seed = 20260102;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::size_t taken = 0, refused = 0;
  for (const char* name : {"several-documents", "old-1.0-short-ids", "odd-values", "errors-and-warnings"}) {
    const std::string original = sample(name);
    for (int round = 0; round < 1000; ++round) {
      std::string text = original;
      for (auto change = random() % 3 + 1; change > 0; --change) {
        const std::size_t at = random() % text.size();
        switch (random() % 4) {
          case 0: text[at] = static_cast<char>(random() % 256); break;
          case 1: text.erase(at, random() % 8 + 1); break;
          case 2: text.insert(at, text.substr(random() % text.size(), random() % 20)); break;
          default: text[at] = "\"{}[]:,0\\"[random() % 9]; break;
        }
      }
      const auto mmif = Mmif::parse(std::move(text));
      ++(mmif ? taken : refused);
      EXPECT_TRUE(mmif || !mmif.error().message.empty());
      if (mmif) look_at_everything(**mmif);
    }
  }
  EXPECT_GT(taken, 100U);
  EXPECT_GT(refused, 1000U);
}

TEST(HostileJson, ManySmallDocumentsAreReadInReasonableTime) {
  std::string text = R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [)";
  constexpr int kCount = 100'000;
  for (int i = 0; i < kCount; ++i)
    text += (i == 0 ? "" : ",") + (R"({"@type":"http://x.org/D","properties":{"id":"d)" + std::to_string(i) + "\"}}");
  text += R"(], "views": []})";
  const auto mmif = Mmif::parse(std::move(text));
  ASSERT_TRUE(mmif);
  EXPECT_EQ((*mmif)->documents().size(), static_cast<std::size_t>(kCount));
  EXPECT_NE((*mmif)->document("d99999"), nullptr);
}

TEST(HostileJson, AnAnnotationWithManyPropertiesAndAViewWithManyEqualIdsAreReadInReasonableTime) {
  std::string properties, annotations;
  for (int i = 0; i < 100'000; ++i) properties += ",\"p" + std::to_string(i) + "\":1";
  for (int i = 0; i < 50'000; ++i)
    annotations += R"({"@type":"http://x.org/T","properties":{"id":"a)" + std::to_string(i) + "\"}},";
  for (int i = 0; i < 50'000; ++i) annotations += R"({"@type":"http://x.org/T","properties":{"id":"a49999"}},)";
  const auto mmif = Mmif::parse(
      R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": [{"id": "v_0", "metadata": {"app": "http://a.b", "contains": {}}, "annotations": [)" +
      annotations + R"({"@type":"http://x.org/T","properties":{"id":"last")" + properties + "}}]}]}");
  ASSERT_TRUE(mmif);
  EXPECT_EQ((*mmif)->view("v_0")->annotations().size(), 50'001U);
  EXPECT_EQ((*mmif)->find("v_0:last")->properties().size(), 100'000U);
}

}  // namespace
}  // namespace mmif
