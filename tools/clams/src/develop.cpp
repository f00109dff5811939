#include "develop.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <regex>

#include "embedded_files.hpp"
#include "version.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 && static_cast<unsigned char>(c) < 128; }

std::string folder_name(std::string_view given) {
  std::string folder;
  for (const char c : given) {
    const bool plain = is_word(c) || c == '_' || c == '.' || c == '-';
    if (!plain && folder.ends_with('-')) continue;
    folder += plain ? c : '-';
  }
  const std::size_t begin = folder.find_first_not_of("-.");
  if (begin == std::string::npos) return {};
  return folder.substr(begin, folder.find_last_not_of("-.") - begin + 1);
}

std::vector<std::string> words_of(std::string_view name) {
  static const std::regex kWord("[A-Z][a-z]+|[0-9A-Z]+(?=[A-Z][a-z])|[0-9A-Z]{2,}|[a-z0-9]{2,}|[a-zA-Z0-9]");
  std::vector<std::string> words;
  for (auto at = std::cregex_iterator(name.data(), name.data() + name.size(), kWord); at != std::cregex_iterator(); ++at) {
    std::string word = at->str();
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    words.push_back(std::move(word));
  }
  if (words.size() > 1 && words.front() == "app") words.erase(words.begin());
  if (words.size() > 1 && words.back() == "app") words.pop_back();
  return words;
}

std::string joined(const std::vector<std::string>& words, std::string_view between, bool capitals) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += between;
    const std::size_t at = out.size();
    out += word;
    if (capitals) out[at] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[at])));
  }
  return out;
}

std::string filled_in(std::string_view text, const AppNames& names) {
  const std::array<std::pair<std::string_view, std::string_view>, 5> values{
      {{"@APP_CLASS@", names.class_name},
       {"@APP_IDENTIFIER@", names.identifier},
       {"@APP_NAME@", names.title},
       {"@APP_PROGRAM@", names.program},
       {"@CLAMS_CPP_VERSION@", own_version().substr(0, own_version().rfind('.'))}}};
  std::string out(text);
  for (const auto& [placeholder, value] : values) {
    for (std::size_t at = 0; (at = out.find(placeholder, at)) != std::string::npos; at += value.size())
      out.replace(at, placeholder.size(), value);
  }
  return out;
}

// A dot file would act on the templates themselves, a workflow wants its place.
std::string place_of(std::string_view template_name) {
  const std::string name(template_name.substr(template_name.find('/') + 1));
  if (template_name.starts_with("gha/")) return ".github/workflows/" + name;
  return name == "gitignore" || name == "dockerignore" ? "." + name : name;
}

}  // namespace

base::Result<AppNames> app_names(std::string_view given) {
  if (given.find('/') != std::string_view::npos) {
    return Error{ErrorCode::InvalidArgument,
                 "'" + std::string(given) + "' is a path, not a name; give the folder above it with --parent-dir"};
  }
  AppNames names;
  names.folder = folder_name(given);
  const std::vector<std::string> words = words_of(names.folder);
  if (words.empty()) {
    return Error{ErrorCode::InvalidArgument,
                 "no app can be named '" + std::string(given) + "': a name needs a letter or digit, for example my-app"};
  }
  names.identifier = joined(words, "-", false);
  names.program = "clams-" + names.identifier;
  names.title = joined(words, " ", true);
  names.class_name = joined(words, "", true);
  if (std::isdigit(static_cast<unsigned char>(names.class_name.front())) != 0) names.class_name.insert(0, "App");
  return names;
}

std::vector<NewFile> new_files(const AppNames& names, const std::string& recipe) {
  std::vector<NewFile> files;
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name.starts_with(recipe + "/")) files.push_back({place_of(file.name), filled_in(file.content, names)});
  }
  return files;
}

}  // namespace clams::tool
