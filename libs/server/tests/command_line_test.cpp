// Which words of a command line are flags, values, IN and OUT; and what is said about the others.
#include "command_line.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace clams::server {
namespace {

using Words = std::vector<std::string>;

CommandLineRules rules(bool hosts = false) {
  return {{{"-h", Takes::Nothing, FlagKind::Help},
           {"--help", Takes::Nothing, FlagKind::Help},
           {"--version", Takes::Nothing, FlagKind::Version},
           {"--port", Takes::One, FlagKind::Setting},
           {"--model-idle", Takes::One, FlagKind::Setting},
           {"--production", Takes::Nothing, FlagKind::Setting},
           {hosts ? "--python" : "--param", Takes::One, hosts ? FlagKind::Python : FlagKind::Param},
           {"--modelSize", Takes::One, FlagKind::Parameter},
           {"--levels", Takes::Several, FlagKind::Parameter},
           {"--names", Takes::Several, FlagKind::Parameter},
           {"--pretty", Takes::Truth, FlagKind::Parameter}},
          hosts ? "clams serve" : "app",
          hosts};
}

// "word" as a shell would part it; '' is an empty word.
Words parted(std::string_view line) {
  Words words;
  for (const std::string_view word : base::split(line, ' ')) words.emplace_back(word == "''" ? "" : word);
  return words;
}

// "levels=a|b pretty=true : in out", or what is wrong.
std::string read(std::string_view line, bool hosts = false) {
  const auto got = read_command_line(parted(line), rules(hosts));
  if (!got) {
    EXPECT_EQ(got.error().code, base::ErrorCode::InvalidArgument);
    EXPECT_EQ(got.error().message.find('\n'), std::string::npos);
    return got.error().message;
  }
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : " ") + text; };
  if (got->help) add("help");
  if (got->version) add("version");
  for (const auto& [name, value] : got->settings) add(name + "=" + value);
  for (const auto& param : got->params) add("param:" + param);
  for (const auto& [name, values] : got->parameters) {
    std::string all;
    for (const auto& value : values) all += (all.empty() ? "" : "|") + value;
    add(name + "=" + all);
  }
  if (!got->positionals.empty()) add(":");
  for (const auto& word : got->positionals) add(word);
  return out;
}

struct Case {
  const char *line, *read;
};

TEST(CommandLine, PartsFlagsValuesAndPlaces) {
  const Case cases[] = {
      {"in out", ": in out"},
      {"- -", ": - -"},
      {"--port 80", "port=80"},
      {"--port=80 --port 81", "port=81"},
      {"--model-idle -1", "model-idle=-1"},
      {"--port=", "port="},
      {"--production", "production=true"},
      {"--production=false", "production=false"},
      {"in --modelSize large out", "modelSize=large : in out"},
      {"--modelSize=--odd in out", "modelSize=--odd : in out"},
      {"--modelSize - in out", "modelSize=- : in out"},
      {"--modelSize '' in out", "modelSize= : in out"},
      {"--param modelSize=a=b in out", "param:modelSize=a=b : in out"},
      {"--param=x=1 in out", "param:x=1 : in out"},
      {"--modelSize a -- --in --out", "modelSize=a : --in --out"},
      {"-1 -2", ": -1 -2"},
      {"--version", "version"},
      {"-h", "help"},
      {"--oops --help in out more", "help"},
      {"--port --help", "help"},
  };
  for (const auto& each : cases) EXPECT_EQ(read(each.line), each.read) << each.line;
}

TEST(CommandLine, SeveralValuesStandBehindOneFlagAsPythonTakesThem) {
  const Case cases[] = {
      {"--levels word line -- in out", "levels=word|line : in out"},
      {"in out --levels word line", "levels=word|line : in out"},
      {"--levels word line --modelSize a in out", "levels=word|line modelSize=a : in out"},
      {"--levels word --levels line -- in out", "levels=word levels=line : in out"},
      {"--levels -1 -2 -- in out", "levels=-1|-2 : in out"},
      {"--names a:b c:d -- in out", "names=a:b|c:d : in out"},
      {"--levels=word in out", "levels=word : in out"},
      // Where IN and OUT stand nowhere else they are the last words of the last list.
      {"--levels word in out", "levels=word : in out"},
      {"--levels word line in out", "levels=word|line : in out"},
      {"in --levels word out", "levels=word : in out"},
      {"--levels word - -", "levels=word : - -"},
      {"--levels word in out --pretty", "levels=word pretty=true : in out"},
      {"--levels word --names a:b in out", "levels=word names=a:b : in out"},
      // Not from behind "--", and not the only value.
      {"--levels word line --", "levels=word|line"},
      {"--levels word line -- in", "levels=word|line : in"},
      {"--levels word line", "levels=word|line"},
  };
  for (const auto& each : cases) EXPECT_EQ(read(each.line), each.read) << each.line;
}

TEST(CommandLine, ASwitchOfTheAppNeedsNoValue) {
  const Case cases[] = {
      {"in out --pretty", "pretty=true : in out"},      {"--pretty in out", "pretty=true : in out"},
      {"--pretty true in out", "pretty=true : in out"}, {"--pretty False in out", "pretty=false : in out"},
      {"--pretty no in out", "pretty=false : in out"},  {"--pretty=0 in out", "pretty=false : in out"},
      {"--no-pretty in out", "pretty=false : in out"},  {"--pretty --port 1 in out", "port=1 pretty=true : in out"},
      {"--pretty ON in out", "pretty=true : in out"},
  };
  for (const auto& each : cases) EXPECT_EQ(read(each.line), each.read) << each.line;
  EXPECT_NE(read("--pretty=maybe in out").find("--pretty: 'maybe' is not valid; write true or false"), std::string::npos);
}

TEST(CommandLine, NamesTheFlagThatNobodyKnowsBeforeAnythingElse) {
  const Case cases[] = {
      {"in out --modelsize large", "no parameter or flag --modelsize; did you mean --modelSize?"},
      {"--modelsize=large in out", "no parameter or flag --modelsize; did you mean --modelSize?"},
      {"-modelSize large in out", "no parameter or flag -modelSize; did you mean --modelSize?"},
      {"--model_size large in out", "no parameter or flag --model_size; did you mean --modelSize?"},
      {"--PORT 80", "no parameter or flag --PORT; did you mean --port?"},
      {"--prot 80", "no parameter or flag --prot; did you mean --port?"},
      {"--level word in out", "no parameter or flag --level; did you mean --levels?"},
      {"--levels --prot 80", "no parameter or flag --prot; did you mean --port?"},
      {"a b c d --prety", "no parameter or flag --prety; did you mean --pretty?"},
      {"--port --oops", "no parameter or flag --oops ("},
      {"--no-production", "no parameter or flag --no-production; did you mean --production=false?"},
      {"--no-prety in out", "did you mean --pretty=false?"},
      {"-p 80", "no parameter or flag -p ("},
      {"--xyzzy", "no parameter or flag --xyzzy (--help shows what there is)"},
  };
  for (const auto& each : cases)
    EXPECT_NE(read(each.line).find(each.read), std::string::npos) << each.line << ": " << read(each.line);
}

TEST(CommandLine, SaysWhatElseIsWrong) {
  const Case cases[] = {
      {"--port", "--port needs a value"},
      {"--port --production", "--port needs a value"},
      {"--levels", "--levels needs a value"},
      {"--levels -- in out", "--levels needs a value"},
      {"--modelSize a b in out", "IN and OUT are two words, here stand 3: 'b', 'in', 'out'"},
  };
  for (const auto& each : cases)
    EXPECT_NE(read(each.line).find(each.read), std::string::npos) << each.line << ": " << read(each.line);
}

TEST(CommandLine, OfAProgramThatHostsTakesOneApp) {
  EXPECT_EQ(read("app.py --python venv", true), ": app.py");
  EXPECT_NE(read("app.py --nope 3", true).find("no flag --nope; the app's own arguments stand behind '--'"), std::string::npos);
  EXPECT_NE(read("app.py --pyton 3", true).find("did you mean --python?"), std::string::npos);
  EXPECT_NE(read("app.py more", true).find("unexpected word 'more'"), std::string::npos);
  EXPECT_NE(read("--port 1", true).find("clams serve APP.PY"), std::string::npos);
}

}  // namespace
}  // namespace clams::server
