#include "app/weights.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/files.hpp"

namespace whisper_app {
namespace {

constexpr std::string_view kPrefix = "ggml-", kSuffix = ".bin";

constexpr std::pair<std::string_view, std::string_view> kShortForms[] = {{"t", "tiny"},
                                                                         {"b", "base"},
                                                                         {"s", "small"},
                                                                         {"m", "medium"},
                                                                         {"l", "large"},
                                                                         {"l2", "large-v2"},
                                                                         {"l3", "large-v3"},
                                                                         {"tu", "large-v3-turbo"},
                                                                         {"turbo", "large-v3-turbo"}};

bool is_file(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

bool is_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), fits);
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Sizes that also exist for English alone, where they are better at it.
bool has_english_twin(std::string_view name) {
  return name == "tiny" || name == "base" || name == "small" || name == "medium" || name == "toy";
}

std::string joined(const std::vector<std::string>& names, const std::string& between) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : between) + name;
  return text;
}

}  // namespace

std::string full_name(const std::string& model) {
  for (const auto& [brief, name] : kShortForms)
    if (model == brief) return std::string(name);
  return model;
}

base::Result<Weights> WeightsFolder::find(const std::string& model, const std::string& language) const {
  if (model.find('/') != std::string::npos || model.ends_with(kSuffix)) return by_path(model);
  if (!is_name(model))
    return base::Error{base::ErrorCode::InvalidArgument, "\"" + model +
                                                             "\" is no model; give a size (tiny, base, small, medium, large, "
                                                             "turbo), its short form, or the path of a file ggml-*.bin"};
  // A name that some file has is that file, else capitals make no difference.
  const std::string name = is_file(file_of(model)) ? model : full_name(lower_case(model));
  std::vector<std::string> candidates;
  if (language == "en" && has_english_twin(name)) candidates.push_back(name + ".en");
  candidates.push_back(name);
  if (name == "large") candidates.emplace_back("large-v3");
  for (const auto& candidate : candidates)
    if (is_file(file_of(candidate))) return Weights{candidate, file_of(candidate)};
  return missing(name, candidates);
}

base::Result<Weights> WeightsFolder::by_path(const std::string& path) const {
  if (!is_file(path))
    return base::Error{base::ErrorCode::NotFound, "there is no model file " + path +
                                                      "; give the path of a file ggml-*.bin, or the name of a model in " + folder_};
  // The same file under its name and its path is one model.
  for (const auto& name : names()) {
    std::error_code error;
    if (std::filesystem::equivalent(path, file_of(name), error)) return Weights{name, file_of(name)};
  }
  std::error_code error;
  const auto canonical = std::filesystem::canonical(path, error);
  return error ? Weights{path, path} : Weights{canonical.string(), canonical.string()};
}

base::Error WeightsFolder::missing(const std::string& model, const std::vector<std::string>& candidates) const {
  std::vector<std::string> files;
  for (const auto& candidate : candidates) files.push_back("ggml-" + candidate + ".bin");
  const auto there = names();
  std::string text = "the weights of model \"" + model + "\" are not in " + folder_ + ": put " + joined(files, " or ") +
                     " there (https://huggingface.co/ggerganov/whisper.cpp has them), name another folder with "
                     "CLAMS_WHISPER_MODELS, or give the path of a file as model";
  if (!there.empty()) text += "; models that are there: " + joined(there, ", ");
  return {base::ErrorCode::NotFound, text};
}

std::vector<std::string> WeightsFolder::names() const {
  std::vector<std::string> names;
  const auto entries = base::list_directory(folder_);
  if (!entries) return names;
  for (const auto& entry : *entries) {
    if (!entry.starts_with(kPrefix) || !entry.ends_with(kSuffix) || entry.size() <= kPrefix.size() + kSuffix.size()) continue;
    names.push_back(entry.substr(kPrefix.size(), entry.size() - kPrefix.size() - kSuffix.size()));
  }
  return names;
}

}  // namespace whisper_app
