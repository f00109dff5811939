#include "workflow.hpp"

#include <algorithm>
#include <map>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace clams::tool {
namespace {

// As pathlib splits a path: no empty parts, no ".", a root is a part of its own.
std::vector<std::string_view> path_parts(std::string_view path) {
  std::vector<std::string_view> parts;
  if (path.starts_with('/')) parts.push_back(path.substr(0, path.starts_with("//") && !path.starts_with("///") ? 2 : 1));
  for (const std::string_view part : base::split(path, '/')) {
    if (!part.empty() && part != ".") parts.push_back(part);
  }
  return parts;
}

void drop_last_code_point(std::string_view& text) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  while (!text.empty() && continues(text.back())) text.remove_suffix(1);
  if (!text.empty()) text.remove_suffix(1);
}

const mmif::Object& parameters_of(const mmif::View& view) {
  static const mmif::Object kNone;
  const mmif::Value* parameters = view.metadata().find("parameters");
  return parameters != nullptr && parameters->object() != nullptr ? *parameters->object() : kNone;
}

std::string sources(const mmif::Mmif& document) {
  std::map<std::string_view, int> counts;
  for (const auto& source : document.documents()) ++counts[mmif::short_name(source->type())];
  std::string out;
  for (const auto& [name, count] : counts) out += (out.empty() ? "" : "-") + std::string(name) + "-" + std::to_string(count);
  return out;
}

}  // namespace

std::vector<Execution> executions(const mmif::Mmif& document) {
  std::vector<const mmif::View*> views;
  for (const auto& view : document.views()) {
    if (!view->app().empty() && view->metadata().contains("timestamp")) views.push_back(view.get());
  }
  const auto key = [](const mmif::View* view) { return std::pair(view->timestamp(), view->app()); };
  std::stable_sort(views.begin(), views.end(), [&](const auto* a, const auto* b) { return key(a) < key(b); });
  std::vector<Execution> runs;
  for (const mmif::View* view : views) {
    if (runs.empty() || key(runs.back().front()) != key(view)) runs.emplace_back();
    runs.back().push_back(view);
  }
  return runs;
}

std::string parameter_hash(const mmif::Object& parameters) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : parameters) texts.push_back(name + "=" + mmif::python_str(value));
  std::sort(texts.begin(), texts.end());
  std::string all;
  for (const std::string& text : texts) {
    if (&text != &texts.front()) all += ',';
    all += text;
  }
  return base::md5_hex(all);
}

AppName split_app_uri(std::string_view uri) {
  const std::vector<std::string_view> parts = path_parts(uri);
  std::string_view name = parts.size() > 2 ? parts[2] : std::string_view();
  const std::string_view version = parts.size() > 3 ? parts[3] : std::string_view();
  if (!version.empty() && name.ends_with(version)) {
    name.remove_suffix(version.size());
    drop_last_code_point(name);
  }
  return {std::string(name.empty() ? "unknown" : name),
          std::string(version.empty() || version == "unresolvable" ? "unversioned" : version)};
}

base::Result<std::string> workflow_id(const mmif::Mmif& document) {
  std::string id = sources(document);
  for (const Execution& run : executions(document)) {
    const mmif::View& first = *run.front();
    if (first.has_error() || first.has_warnings()) continue;
    const AppName app = split_app_uri(first.app());
    const std::string hash = parameter_hash(parameters_of(first));
    id += "/" + app.name + "/" + app.version + "/" + hash;
  }
  return id;
}

}  // namespace clams::tool
