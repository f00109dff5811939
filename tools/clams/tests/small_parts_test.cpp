#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "completion.hpp"
#include "develop.hpp"
#include "embedded_files.hpp"
#include "envelop.hpp"
#include "mmif/json.hpp"
#include "python_number.hpp"
#include "running_time.hpp"
#include "spec.hpp"

namespace clams::tool {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::int64_t milliseconds(std::string_view text) {
  return parse_running_time(text).value_or(std::chrono::milliseconds(-1)).count();
}

TEST(RunningTime, is_read_as_python_writes_it) {
  EXPECT_EQ(milliseconds("0:00:02.345678"), 2345);
  EXPECT_EQ(milliseconds("0:00:00.000999"), 0);
  EXPECT_EQ(milliseconds("23:59:59.999999"), 86399999);
  EXPECT_EQ(milliseconds("00:01:02.5"), 62500);
  EXPECT_EQ(milliseconds("0:00:00.05"), 50);
}

TEST(RunningTime, may_lack_its_fraction_and_may_have_days) {
  EXPECT_EQ(milliseconds("0:01:05"), 65000);
  EXPECT_EQ(milliseconds("1 day, 2:03:04"), 93784000);
  EXPECT_EQ(milliseconds("3 days, 0:00:00.500000"), 259200500);
  EXPECT_EQ(parse_running_time("-1 day, 23:59:59"), std::chrono::milliseconds(-1000));
}

TEST(RunningTime, of_any_other_form_is_refused) {
  for (const std::string_view text : {"", "1", "1:2", "0:60:00", "0:00:60", "0:00:00.", "0:00:00.1234567", "0:00:00x", " 0:00:00",
                                      "day, 0:00:00", "1 day 0:00:00", "0:00:-1", "one day, 0:00:00", "12345678901:00:00"}) {
    EXPECT_FALSE(parse_running_time(text)) << text;
  }
}

TEST(PythonNumber, keeps_whole_numbers_whole_and_divides_downwards) {
  const PythonNumber seven(std::int64_t{7});
  EXPECT_EQ(mmif::to_mmif_text((seven - PythonNumber(std::int64_t{9})).to_value()), "-2");
  EXPECT_EQ(mmif::to_mmif_text((seven + PythonNumber(0.5)).to_value()), "7.5");
  EXPECT_EQ(mmif::to_mmif_text(floor_divide(PythonNumber(std::int64_t{-7}), 2).to_value()), "-4");
  EXPECT_EQ(mmif::to_mmif_text(floor_divide(PythonNumber(-7.5), 2).to_value()), "-4.0");
  EXPECT_EQ(mmif::to_mmif_text(floor_divide(PythonNumber(2.6), 1).to_value()), "2.0");
}

TEST(PythonNumber, beyond_64_bits_is_a_float_and_nan_is_none) {
  const auto value = mmif::parse_json("[18446744073709551616, NaN, \"1\", 9223372036854775807]").value();
  const auto& items = *value.array();
  EXPECT_EQ(mmif::to_mmif_text(PythonNumber::from(&items[0])->to_value()), "1.8446744073709552e+19");
  EXPECT_FALSE(PythonNumber::from(&items[1]));
  EXPECT_FALSE(PythonNumber::from(&items[2]));
  EXPECT_FALSE(PythonNumber::from(nullptr));
  EXPECT_EQ(mmif::to_mmif_text((*PythonNumber::from(&items[3]) + PythonNumber(std::int64_t{1})).to_value()),
            "9.223372036854776e+18");
}

TEST(Envelope, is_one_line_with_python_separators) {
  EXPECT_EQ(envelope(" {\n\"a\" :1, \"é\":[1.0,null ] }", "{\"x\":\n\t[1 ,2], \"y\" : {} }\n").value(),
            "{\"parameters\": {\"a\": 1, \"\\u00e9\": [1.0, null]}, \"mmif\": {\"x\": [1, 2], \"y\": {}}}\n");
}

TEST(Envelope, keeps_numbers_and_strings_of_the_mmif_as_they_are_spelt) {
  const std::string inner = R"({"a": "x: y, \" \\", "b": 1.50E+2, "é": "\u0041", "n": NaN, "big": 123456789012345678901234567890})";
  EXPECT_EQ(envelope("{}", inner).value(), "{\"parameters\": {}, \"mmif\": " + inner + "}\n");
}

TEST(Envelope, says_which_part_is_no_json) {
  EXPECT_THAT(envelope("nope", "{}").error().message,
              HasSubstr("the parameters file is not JSON: Expecting value: line 1 column 1 (char 0)"));
  EXPECT_THAT(envelope("{}", "{").error().message, HasSubstr("the MMIF is not JSON: "));
  EXPECT_EQ(envelope("[1]", "{}").error().message, "\"parameters\" must be a JSON object, got list");
  EXPECT_EQ(base::traits_of(envelope("{}", "").error().code).exit_status, 65);
}

TEST(AppNames, are_made_as_the_python_command_makes_them) {
  const auto made = [](std::string_view given) {
    const AppNames names = app_names(given).value();
    return names.folder + "|" + names.identifier + "|" + names.class_name + "|" + names.title;
  };
  EXPECT_EQ(made("my-ocr"), "my-ocr|my-ocr|MyOcr|My Ocr");
  EXPECT_EQ(made("app-foo-bar-app"), "app-foo-bar-app|foo-bar|FooBar|Foo Bar");
  EXPECT_EQ(made("myOCRApp2"), "myOCRApp2|my-ocr-app-2|MyOcrApp2|My Ocr App 2");
  EXPECT_EQ(made("app"), "app|app|App|App");
  EXPECT_EQ(made("HTTPServer_x"), "HTTPServer_x|http-server-x|HttpServerX|Http Server X");
}

TEST(AppNames, are_safe_as_folder_and_as_class) {
  EXPECT_EQ(app_names("  My  App! ")->folder, "My-App");
  EXPECT_EQ(app_names("--rm -rf")->folder, "rm--rf");
  EXPECT_EQ(app_names("3d")->class_name, "App3d");
  EXPECT_EQ(app_names("$(x)\n\"y")->folder, "x-y");
  for (const std::string_view bad : {"", "...", "-", "../x", "a/b", "/", "\u97f3"}) {
    const auto names = app_names(bad);
    ASSERT_FALSE(names) << bad;
    EXPECT_EQ(base::traits_of(names.error().code).exit_status, 2);
  }
}

TEST(NewFiles, have_no_placeholder_left) {
  const AppNames names = app_names("my-ocr").value();
  std::vector<std::string> paths;
  for (const char* const recipe : {"app", "gha"}) {
    for (const NewFile& file : new_files(names, recipe)) {
      EXPECT_THAT(file.content, Not(testing::ContainsRegex("@[A-Z_]+@"))) << file.path;
      paths.push_back(file.path);
    }
  }
  EXPECT_THAT(paths, testing::UnorderedElementsAre("CMakeLists.txt", "Containerfile", "README.md", ".gitignore", ".dockerignore",
                                                   "app.cpp", "app.hpp", "main.cpp", "tests/runs_once.cmake", "tests/sample.mmif",
                                                   ".github/workflows/build.yml"));
}

CommandSpec small_program() {
  CommandSpec sub{"clams paint",
                  "paints it",
                  "",
                  {{{"-c", "--colour"}, "which: one's own", "NAME", ValueKind::Choice, {"red", "blue"}}},
                  {},
                  {}};
  sub.arguments.push_back({"FILE", "what to paint", ValueKind::File, {}, true, false});
  sub.commands.push_back({"clams paint twice", "again", "", {}, {}, {}});
  return CommandSpec{"clams", "does things", "", {{{"-h", "--help"}, "show this text", "", ValueKind::None, {}}}, {}, {sub}};
}

TEST(Completion, knows_commands_flags_and_values_in_each_shell) {
  for (const char* const shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion_script(small_program(), shell).value();
    for (const char* const word : {"paint", "colour", "red blue", "help", "twice"}) EXPECT_THAT(script, HasSubstr(word)) << shell;
  }
}

TEST(Completion, in_fish_asks_for_every_word_of_a_command) {
  EXPECT_THAT(completion_script(small_program(), "fish").value(), HasSubstr("'__fish_seen_subcommand_from paint' -a 'twice'"));
}

TEST(Completion, of_an_unknown_shell_is_refused) { EXPECT_FALSE(completion_script(small_program(), "tcsh")); }

TEST(Help, wraps_long_lines_behind_the_column_of_the_flags) {
  CommandSpec spec = small_program().commands.front();
  spec.flags.front().help = std::string(60, 'a') + " " + std::string(30, 'b');
  const std::string text = help_text(spec, 100);
  EXPECT_THAT(text, HasSubstr("usage: clams paint COMMAND FILE [FLAGS]\n"));
  EXPECT_THAT(text, HasSubstr("  -c, --colour NAME           " + std::string(60, 'a') + "\n" + std::string(30, ' ') +
                              std::string(30, 'b') + "\n"));
}

}  // namespace
}  // namespace clams::tool
