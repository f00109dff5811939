#include "help_page.hpp"

#include <algorithm>
#include <initializer_list>

#include "base/text_layout.hpp"
#include "command_line.hpp"
#include "flags.hpp"
#include "mmif/json.hpp"
#include "settings.hpp"

namespace clams::server {
namespace {

std::string plain(const mmif::Value& value) {
  if (const std::string* text = value.string(); text != nullptr && !text->empty() && text->find(' ') == std::string::npos)
    return *text;
  if (const bool* truth = value.boolean()) return *truth ? "true" : "false";
  return mmif::to_plain_text(value);
}

std::string joined(const std::vector<mmif::Value>& values, std::string_view separator) {
  std::string out;
  for (const mmif::Value& value : values) {
    if (!out.empty()) out += separator;
    out += plain(value);
  }
  return out;
}

std::string default_of(const Parameter& parameter) {
  if (!parameter.default_value) return "required";
  const mmif::Value& value = *parameter.default_value;
  if (value.is_null()) return "default none";
  const mmif::Array* list = value.array();
  if (list == nullptr) return "default " + plain(value);
  return list->empty() ? "default none" : "default " + joined(*list, " ");
}

class Page {
 public:
  Page(const ProgramInfo& program, const AppFacts* facts, std::size_t width)
      : program_(program), facts_(facts), width_(width), at_(std::min<std::size_t>(34, width / 3 + 2)) {}

  std::string text() {
    usage();
    if (const std::string& what = facts_ == nullptr ? program_.description : facts_->description; !what.empty()) paragraph(what);
    if (facts_ != nullptr) parameters(*facts_);
    settings();
    footer();
    return std::move(out_);
  }

 private:
  void paragraph(std::string_view text) { out_ += "\n" + base::wrapped(text, width_) + "\n"; }
  void title(std::string_view text) { out_ += "\n" + base::wrapped(text, width_) + "\n"; }
  void row(std::string_view left, std::string_view right) { out_ += base::table_row(left, right, width_, at_); }

  void usage() {
    out_ = "Usage: " + program_.name;
    if (program_.hosts)
      out_ += " APP.PY [FLAG...] [-- ARGUMENT...]\n";
    else
      out_ += " [FLAG...]            serve\n       " + program_.name + " [FLAG...] IN OUT     run once\n";
  }

  void parameters(const AppFacts& facts) {
    title("Parameters of the app, when it runs once:");
    const auto rules = flags_of(program_, facts_);
    for (const Parameter& parameter : facts.parameters) {
      const bool is_flag = std::any_of(rules.begin(), rules.end(), [&](const Flag& flag) {
        return flag.kind == FlagKind::Parameter && flag.word == "--" + parameter.name;
      });
      row(is_flag ? "--" + parameter.name + " " + value_of(parameter) : "--param " + parameter.name + "=VALUE",
          parameter.description + " " + facts_of(parameter));
    }
    row("--param NAME=VALUE", "A parameter whatever its name, also one that a flag of the server has (repeatable)");
  }

  static std::string value_of(const Parameter& parameter) {
    if (parameter.type == ParameterType::Boolean) return "[BOOLEAN]";
    std::string name = parameter.type == ParameterType::Map ? "KEY:VALUE" : std::string(to_string(parameter.type));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return parameter.multivalued ? name + "..." : name;
  }

  void settings() {
    const bool gpu = facts_ == nullptr || facts_->uses_gpu;
    std::string group;
    for (const Setting& setting : clams::server::settings()) {
      if (setting.group == kGpuGroup && !gpu) continue;
      if (setting.group != group) {
        group = setting.group;
        title(group + ":");
        more_of(group);
      }
      row(setting.value.empty() ? setting.flag() : setting.flag() + " " + setting.value, setting.help);
    }
    row("-h, --help", "Show this page");
    row("--version", "Show the versions of the app and of clams-cpp");
    if (!gpu)
      paragraph(
          "This app uses no GPU: flags of GPU memory (--vram, --gpu and others) are taken, change nothing and are left out here.");
  }

  void more_of(std::string_view group) {
    if (group == kServingGroup) {
      if (names_apps(program_)) row("--app NAME", "Which app: " + list_of_apps(program_));
      if (program_.hosts)
        row("--python FILE", "Python of the app's environment, or the environment's folder ($VIRTUAL_ENV, else python3)");
    }
    if (group == kLogGroup) row("--config FILE", "TOML file with settings");
  }

  void footer() {
    if (program_.hosts)
      paragraph("What stands behind '--' are the app's own arguments.");
    else
      paragraph(
          "Without IN and OUT the app serves HTTP; with them it runs once ('-' is standard input or output). IN may be a "
          "media file or a text instead of an MMIF. A flag that takes several values takes all words up to the next flag or '--'.");
    paragraph(
        "Each flag --x-y is also the variable CLAMS_X_Y and, in the file of --config, the key x-y; flags come first, then "
        "variables, then the file. Sizes: 6GiB, 512MiB, bytes. Times: 30s, 5m, 250ms.");
  }

  const ProgramInfo& program_;
  const AppFacts* facts_;
  std::size_t width_, at_;
  std::string out_;
};

}  // namespace

std::string facts_of(const Parameter& parameter) {
  std::string out = "[" + std::string(to_string(parameter.type));
  if (parameter.multivalued) out += ", several values";
  if (!parameter.choices.empty()) out += ", one of " + joined(parameter.choices, ", ");
  return out + "; " + default_of(parameter) + "]";
}

std::string help_page(const ProgramInfo& program, const AppFacts* facts, std::size_t width) {
  return Page(program, facts, width).text();
}

}  // namespace clams::server
