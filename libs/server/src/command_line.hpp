// The command line of a program that serves an app, as words: what was given, before any value is looked at.
//
// A word that begins with "-" is a flag wherever it stands before "--", so that a slip of the fingers is reported by its own name
// and never taken for IN or OUT. A flag that takes several values takes the words up to the next flag, to "--" or to the end, as
// Python's argparse does with nargs='+'; IN and OUT, where they stand nowhere else, are the last words of the last such list.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace clams::server {

enum class Takes {
  Nothing,  // --production; "=true" and "=false" are taken
  One,      // the next word, unless it is a flag of two dashes ("-1" and "-" are values), or what stands behind "="
  Several,  // one or more words, or what stands behind "="
  Truth,    // nothing, true or false as the next word, or what stands behind "="; --no-NAME is false
};

enum class FlagKind { Help, Version, App, Config, Python, Param, Setting, Parameter };

struct Flag {
  std::string word;  // "--port"
  Takes takes = Takes::One;
  FlagKind kind = FlagKind::Setting;
};

struct CommandLineRules {
  std::vector<Flag> flags;
  std::string program;
  bool hosts = false;  // clams serve: one word is the app, and the app's own arguments stand behind "--"
};

struct CommandLineWords {
  bool help = false, version = false;
  std::string app, config, python;
  std::map<std::string, std::string> settings;                               // by name without dashes; the last value given
  std::vector<std::pair<std::string, std::vector<std::string>>> parameters;  // by name without dashes, in order
  std::vector<std::string> params;                                           // of --param, as they stand
  std::vector<std::string> positionals;
};

// Where --help or --version stands nothing else is an error. Error InvalidArgument: one line that names the word; an unknown flag
// comes before everything else that is wrong.
base::Result<CommandLineWords> read_command_line(const std::vector<std::string>& words, const CommandLineRules& rules);

// Words that mean true or false on a command line, in any case: true, yes, on, 1, t and false, no, off, 0, f.
bool is_truth_word(std::string_view word);
bool means_true(std::string_view word);

}  // namespace clams::server
