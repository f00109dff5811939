#include "command_line.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"

namespace clams::server {
namespace {

using base::Error;
using base::ErrorCode;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

bool is_number(std::string_view word) {
  word.remove_prefix(word.starts_with('-') ? 1 : 0);
  return !word.empty() && (word.front() == '.' || (word.front() >= '0' && word.front() <= '9'));
}

bool looks_like_a_flag(std::string_view word) { return word.size() > 1 && word.front() == '-' && !is_number(word); }

std::string without_dashes(std::string_view word) {
  const std::size_t begin = word.find_first_not_of('-');
  return begin == std::string_view::npos ? std::string() : std::string(word.substr(begin));
}

// A list of values that may turn out to end with IN and OUT.
struct List {
  std::size_t parameter;  // in CommandLineWords::parameters
  std::size_t at;         // of its first word
  std::size_t size;
};

class Reader {
 public:
  Reader(const std::vector<std::string>& words, const CommandLineRules& rules) : words_(words), rules_(rules) {}

  base::Result<CommandLineWords> read() {
    while (at_ < words_.size()) take_word();
    if (out_.help || out_.version) return std::move(out_);
    if (unknown_) return wrong(*unknown_);
    if (problem_) return wrong(*problem_);
    if (!rules_.hosts) find_in_and_out();
    if (const auto misplaced = misplaced_words()) return wrong(*misplaced);
    for (auto& [position, word] : found_) out_.positionals.push_back(std::move(word));
    return std::move(out_);
  }

 private:
  static Error wrong(const std::string& message) { return {ErrorCode::InvalidArgument, message + " (--help shows what there is)"}; }
  void note(std::string problem) {
    if (!problem_) problem_ = std::move(problem);
  }

  void take_word() {
    const std::string& word = words_[at_];
    if (only_words_ || !looks_like_a_flag(word)) {
      found_.emplace_back(at_++, word);
    } else if (word == "--") {
      only_words_ = true;
      ++at_;
    } else {
      take_flag(word);
    }
  }

  void take_flag(const std::string& word) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    std::optional<std::string> value;
    if (equals != std::string::npos) value = word.substr(equals + 1);
    ++at_;
    if (const Flag* flag = find(name)) {
      take_values(*flag, std::move(value));
    } else if (const Flag* denied = name.starts_with("--no-") ? find("--" + name.substr(5)) : nullptr;
               denied != nullptr && denied->takes == Takes::Truth && !value) {
      give(*denied, {"false"});
    } else if (!unknown_) {
      unknown_ = unknown(name);
    }
  }

  void take_values(const Flag& flag, std::optional<std::string> value) {
    switch (flag.takes) {
      case Takes::Nothing: return give(flag, {value.value_or("true")});
      case Takes::One:
        if (!value && at_ < words_.size() && !(words_[at_].starts_with("--"))) value = words_[at_++];
        return value ? give(flag, {std::move(*value)}) : note(flag.word + " needs a value");
      case Takes::Several: return value ? give(flag, {std::move(*value)}) : take_list(flag);
      case Takes::Truth:
        if (!value && at_ < words_.size() && is_truth_word(words_[at_])) value = words_[at_++];
        return take_truth(flag, value.value_or("true"));
    }
  }

  void take_list(const Flag& flag) {
    std::vector<std::string> values;
    const std::size_t begin = at_;
    while (at_ < words_.size() && !looks_like_a_flag(words_[at_])) values.push_back(words_[at_++]);
    if (values.empty()) return note(flag.word + " needs a value");
    lists_.push_back({out_.parameters.size(), begin, values.size()});
    give(flag, std::move(values));
  }

  // The app's casts know fewer words for false than people do.
  void take_truth(const Flag& flag, const std::string& text) {
    if (!is_truth_word(text)) return note(flag.word + ": '" + text + "' is not valid; write true or false");
    give(flag, {means_true(text) ? "true" : "false"});
  }

  void give(const Flag& flag, std::vector<std::string> values) {
    switch (flag.kind) {
      case FlagKind::Help: out_.help = true; break;
      case FlagKind::Version: out_.version = true; break;
      case FlagKind::App: out_.app = std::move(values.front()); break;
      case FlagKind::Config: out_.config = std::move(values.front()); break;
      case FlagKind::Python: out_.python = std::move(values.front()); break;
      case FlagKind::Param: out_.params.push_back(std::move(values.front())); break;
      case FlagKind::Setting: out_.settings[flag.word.substr(2)] = std::move(values.front()); break;
      case FlagKind::Parameter: out_.parameters.emplace_back(flag.word.substr(2), std::move(values)); break;
    }
  }

  // What is missing of IN and OUT stands at the end of the last list that is long enough. After "--" nothing is guessed.
  void find_in_and_out() {
    if (only_words_ || found_.size() >= 2) return;
    const std::size_t missing = 2 - found_.size();
    const auto list = std::find_if(lists_.rbegin(), lists_.rend(), [&](const List& one) { return one.size > missing; });
    if (list == lists_.rend()) return;
    auto& values = out_.parameters[list->parameter].second;
    for (std::size_t i = list->size - missing; i < list->size; ++i) found_.emplace_back(list->at + i, values[i]);
    values.resize(list->size - missing);
    std::sort(found_.begin(), found_.end());
  }

  std::optional<std::string> misplaced_words() const {
    if (rules_.hosts) {
      if (found_.empty()) return "say which app to serve: " + rules_.program + " APP.PY";
      if (found_.size() > 1)
        return "unexpected word '" + found_[1].second + "': one app is served; its own arguments stand behind '--'";
      return std::nullopt;
    }
    if (found_.size() <= 2) return std::nullopt;
    std::string all;
    for (const auto& [position, word] : found_) all += (all.empty() ? "'" : ", '") + word + "'";
    return "IN and OUT are two words, here stand " + std::to_string(found_.size()) + ": " + all +
           "; a flag that takes one value takes the next word only";
  }

  const Flag* find(std::string_view word) const {
    const auto at = std::find_if(rules_.flags.begin(), rules_.flags.end(), [&](const Flag& flag) { return flag.word == word; });
    return at == rules_.flags.end() ? nullptr : &*at;
  }

  std::string unknown(const std::string& name) const {
    std::vector<std::string> names;
    for (const Flag& flag : rules_.flags) {
      if (flag.word.starts_with("--")) names.push_back(without_dashes(flag.word));
    }
    const std::string bare = without_dashes(name);
    std::string like;
    if (bare.starts_with("no-") || bare.starts_with("no_")) {
      const std::string denied(base::closest(bare.substr(3), names));
      const Flag* flag = denied.empty() ? nullptr : find("--" + denied);
      if (flag != nullptr && (flag->takes == Takes::Nothing || flag->takes == Takes::Truth)) like = denied + "=false";
    }
    if (like.empty()) like = base::closest(bare, names);
    std::string message = std::string(rules_.hosts ? "no flag " : "no parameter or flag ") + name;
    if (!like.empty()) message += "; did you mean --" + like + "?";
    if (rules_.hosts) message += "; the app's own arguments stand behind '--'";
    return message;
  }

  const std::vector<std::string>& words_;
  const CommandLineRules& rules_;
  CommandLineWords out_;
  std::size_t at_ = 0;
  bool only_words_ = false;  // behind "--"
  std::vector<std::pair<std::size_t, std::string>> found_;
  std::vector<List> lists_;
  std::optional<std::string> unknown_, problem_;
};

}  // namespace

bool means_true(std::string_view word) {
  const std::string text = lower(word);
  return text == "true" || text == "yes" || text == "on" || text == "1" || text == "t";
}

bool is_truth_word(std::string_view word) {
  const std::string text = lower(word);
  return means_true(word) || text == "false" || text == "no" || text == "off" || text == "0" || text == "f";
}

base::Result<CommandLineWords> read_command_line(const std::vector<std::string>& words, const CommandLineRules& rules) {
  return Reader(words, rules).read();
}

}  // namespace clams::server
