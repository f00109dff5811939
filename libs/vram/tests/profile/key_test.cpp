#include "vram/profile_key.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <random>

#include "profile/canonical_json.hpp"

namespace vram {
namespace {

std::string text_of(std::string_view json) { return ProfileKey::from_json(json).value().text(); }
std::string loose_of(std::string_view json) { return ProfileKey::from_json(json).value().loose_text(); }

// Expected: Python 3.11, json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False, separators=(",", ":")).
TEST(ProfileKey, WritesWhatPythonsJsonModuleWrites) {
  EXPECT_EQ(text_of(R"({"b": true, "a": 1.0, "c": [1, "x"], "n": null, "B": 1e-7, "\u00e9": "\u00e9\n\u0001"})"),
            "{\"B\":1e-07,\"a\":1.0,\"b\":true,\"c\":[1,\"x\"],\"n\":null,\"\u00e9\":\"\u00e9\\n\\u0001\"}");
  EXPECT_EQ(
      text_of(
          R"({"a": 123456789012345678901234567890, "b": 1e16, "c": 123456789012345.6, "d": 1E22, "e": 0.0001, "f": -0.0, "g": -0})"),
      R"({"a":123456789012345678901234567890,"b":1e+16,"c":123456789012345.6,"d":1e+22,"e":0.0001,"f":-0.0,"g":0})");
  EXPECT_EQ(text_of(R"({"a": 0.00001, "b": 9999999999999998.0, "c": 1.5e300, "d": 100.0, "e": 1e15})"),
            R"({"a":1e-05,"b":9999999999999998.0,"c":1.5e+300,"d":100.0,"e":1000000000000000.0})");
  EXPECT_EQ(text_of("{\"a\": \"\\b\\t\\n\\f\\r\\\"\\\\\\/\\u007f\\u0000\"}"), "{\"a\":\"\\b\\t\\n\\f\\r\\\"\\\\/\x7f\\u0000\"}");
  EXPECT_EQ(text_of(" { } "), "{}");
}

TEST(ProfileKey, HashesTheFirstEightBytesOfSha256) {
  // printf '{}' | sha256sum; printf '{"model":"large","n":2}' | sha256sum
  EXPECT_EQ(ProfileKey::from_json("{}").value().hash(), "44136fa355b3678a");
  EXPECT_EQ(ProfileKey::from_json(R"({"n": 2, "model": "large"})").value().hash(), "bf14fd5d3249d8b9");
}

TEST(ProfileKey, LeavesOutUniversalParametersAndRawOnes) {
  EXPECT_EQ(text_of(R"({"pretty":true,"runningTime":1,"hwFetch":false,"tfSamplingMode":"single","#RAW#":{"a":["1"]},"a":1})"),
            R"({"a":1})");
  // Only at the top: a map's key of the same name is a value of the app.
  EXPECT_EQ(text_of(R"({"m":{"pretty":1}})"), R"({"m":{"pretty":1}})");
}

TEST(ProfileKey, TellsOneFromOnePointZeroAndFromText) {
  EXPECT_NE(text_of(R"({"a":1})"), text_of(R"({"a":1.0})"));
  EXPECT_NE(text_of(R"({"a":1})"), text_of(R"({"a":"1"})"));
  EXPECT_NE(text_of(R"({"a":[1,2]})"), text_of(R"({"a":[2,1]})"));
}

TEST(ProfileKey, ComparesLooselyByText) {
  EXPECT_EQ(loose_of(R"({"a":1,"b":true,"c":[1.0,"x"]})"), loose_of(R"({"a":"1","b":"True","c":["1","x"],"pretty":true})"));
  EXPECT_EQ(loose_of(R"({"a":1e-7})"), loose_of(R"({"a":"0.0000001"})"));
  EXPECT_NE(loose_of(R"({"a":1})"), loose_of(R"({"a":2})"));
  EXPECT_NE(loose_of(R"({"a":"x"})"), loose_of(R"({"a":"X"})"));
  EXPECT_NE(loose_of(R"({"a":9007199254740993})"), loose_of(R"({"a":9007199254740992})"));
}

TEST(ProfileKey, RefusesWhatIsNotAnObjectOfParameters) {
  for (const std::string bad : {"", "[]", "1", "{", "{\"a\":1} x", "{\"a\":NaN}", "{\"a\":1e999}", "{\"a\":\"\xff\"}",
                                "{\"a\":\"\\ud800\"}", "null", "\"x\""}) {
    const auto key = ProfileKey::from_json(bad);
    ASSERT_FALSE(key) << bad;
    EXPECT_EQ(key.error().code, base::ErrorCode::InvalidArgument) << bad;
  }
}

TEST(ProfileKey, RefusesEndlessNestingWithoutUsingTheStack) {
  const std::size_t depth = 1'000'000;
  EXPECT_FALSE(ProfileKey::from_json("{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}"));
  EXPECT_TRUE(ProfileKey::from_json("{\"a\":" + std::string(60, '[') + std::string(60, ']') + "}"));
}

TEST(ProfileKey, DoesNotDependOnTheOrderOrTheSpacingOfMembers) {
  EXPECT_TRUE(rc::check("any order gives the same key", [](std::map<std::string, int> members, unsigned seed) {
    std::vector<std::pair<std::string, int>> list(members.begin(), members.end());
    std::erase_if(list, [](const auto& one) {
      return std::any_of(one.first.begin(), one.first.end(), [](char c) { return c < 0x20 || c == '"' || c == '\\' || c > 0x7e; });
    });
    const auto text = [&](std::string_view gap) {
      std::string json = "{";
      for (const auto& [name, value] : list)
        json += (json.size() > 1 ? "," : "") + std::string(gap) + "\"" + name + "\":" + std::string(gap) + std::to_string(value);
      return json + "}";
    };
    const std::string before = text("");
    std::shuffle(list.begin(), list.end(), std::mt19937(seed));
    RC_ASSERT(text_of(before) == text_of(text(" ")));
  }));
}

TEST(ProfileKey, TheTextFormIsItsOwnTextForm) {
  EXPECT_TRUE(rc::check("canonical text is a fixed point", [](std::map<std::string, double> members) {
    profile::Members texts;
    for (const auto& [name, value] : members) {
      if (std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
        texts["k" + name] = profile::python_repr(value);
    }
    const std::string once = profile::object_text(texts);
    RC_ASSERT(text_of(once) == once);
    RC_ASSERT(text_of(text_of(once)) == once);
  }));
}

TEST(ProfileFolder, IsTheIdentifierWithDashes) {
  EXPECT_EQ(profile_folder("http://apps.clams.ai/probe-app/unresolvable"), "http---apps.clams.ai-probe-app-unresolvable");
}

TEST(ProfileFolder, CannotLeaveTheRoot) {
  for (const std::string odd : {"", ".", "..", "a\nb"}) {
    const std::string folder = profile_folder(odd);
    EXPECT_TRUE(folder.find('/') == std::string::npos && folder != "." && folder != ".." && !folder.empty() &&
                folder.find('\n') == std::string::npos)
        << odd;
  }
  EXPECT_EQ(profile_folder("../../etc"), "..-..-etc");
  EXPECT_LE(profile_folder(std::string(5000, 'x')).size(), 255U);
  EXPECT_NE(profile_folder(std::string(5000, 'x')), profile_folder(std::string(5001, 'x')));
}

TEST(ProfileRoot, TakesTheFirstOfThreeSettings) {
  EXPECT_EQ(default_profile_root({"/p", "/x", "/h"}), "/p");
  EXPECT_EQ(default_profile_root({"", "/x", "/h"}), "/x/clams/memory_profiles");
  EXPECT_EQ(default_profile_root({"", "", "/h"}), "/h/.cache/clams/memory_profiles");
  EXPECT_EQ(default_profile_root({}), "");
}

}  // namespace
}  // namespace vram
