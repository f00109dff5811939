#include "help_page.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.hpp"

namespace clams::server {
namespace {

AppFacts facts(bool uses_gpu = true) {
  AppFacts facts{.name = "App", .description = "Does what apps do.", .version = "1", .parameters = {}, .uses_gpu = uses_gpu};
  facts.parameters = {
      {.name = "label",
       .description = "Label of the time frame.",
       .choices = {"bars", "slate", "speech"},
       .default_value = "speech"},
      {.name = "count", .description = "How many.", .type = ParameterType::Integer},
      {.name = "levels",
       .description = "Which.",
       .choices = {"word", "line"},
       .default_value = mmif::Array{"word", "line"},
       .multivalued = true},
      {.name = "names",
       .description = "From and to.",
       .type = ParameterType::Map,
       .default_value = mmif::Array{},
       .multivalued = true},
      {.name = "strict", .description = "Fail on doubt.", .type = ParameterType::Boolean, .default_value = false},
      {.name = "prefix", .description = "In front.", .default_value = ""},
      {.name = "ratio", .description = "From 0 to 1.", .type = ParameterType::Number, .default_value = 0.5},
      {.name = "port", .description = "Has the name of a flag.", .default_value = "left"},
  };
  return facts;
}

std::string page(std::size_t width, bool uses_gpu = true) {
  ProgramInfo program;
  program.name = "clams-app";
  program.apps = {""};
  const AppFacts app = facts(uses_gpu);
  return help_page(program, &app, width);
}

std::string on_one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::string out;
  for (const char c : text) {
    if (c != ' ' || !out.ends_with(' ')) out += c;
  }
  return out;
}

TEST(HelpPage, ShowsTypeChoicesDefaultAndHowManyOfEachParameter) {
  const std::string text = on_one_line(page(80));
  for (const char* piece :
       {"--label STRING Label of the time frame. [string, one of bars, slate, speech; default speech]",
        "--count INTEGER How many. [integer; required]",
        "--levels STRING... Which. [string, several values, one of word, line; default word line]",
        "--names KEY:VALUE... From and to. [map, several values; default none]",
        "--strict [BOOLEAN] Fail on doubt. [boolean; default false]", "--prefix STRING In front. [string; default \"\"]",
        "--ratio NUMBER From 0 to 1. [number; default 0.5]", "--param port=VALUE Has the name of a flag. [string; default left]"})
    EXPECT_NE(text.find(piece), std::string::npos) << piece << "\nin " << text;
}

TEST(HelpPage, KeepsWithinEveryWidthAndCutsNoWord) {
  const std::string widest = on_one_line(page(120));
  for (std::size_t width = 40; width <= 120; ++width) {
    const std::string text = page(width);
    for (const std::string_view line : base::split(text, '\n')) {
      const std::string_view words = base::trim(line);
      const bool left_column = words.starts_with("-") || words.starts_with("Usage") || words.starts_with("clams-app");
      EXPECT_TRUE(line.size() <= width || left_column || words.find(' ') == std::string_view::npos) << width << ": " << line;
      EXPECT_FALSE(line.ends_with(' ')) << width << ": '" << line << "'";
    }
    EXPECT_EQ(on_one_line(text), widest) << width;
  }
}

TEST(HelpPage, LeavesGpuFlagsOutForAnAppWithoutOne) {
  EXPECT_NE(page(80).find("\n  --headroom "), std::string::npos);
  const std::string text = page(80, false);
  EXPECT_EQ(text.find("\n  --headroom "), std::string::npos);
  EXPECT_NE(text.find("This app uses no GPU"), std::string::npos);
  EXPECT_NE(text.find("\n  --port "), std::string::npos);
}

}  // namespace
}  // namespace clams::server
