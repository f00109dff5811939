#include "mmif/vocabulary.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace mmif {
namespace {

constexpr TypeInfo kTypes[] = {
#include "vocabulary_types.inc"
};

struct UriRow {
  std::string_view uri;
  std::size_t type;
  int version;
};
constexpr UriRow kUris[] = {
#include "vocabulary_uris.inc"
};

const std::unordered_map<std::string_view, KnownType>& uri_index() {
  static const auto index = [] {
    std::unordered_map<std::string_view, KnownType> map;
    for (const UriRow& row : kUris) map.emplace(row.uri, KnownType{&kTypes[row.type], row.version});
    return map;
  }();
  return index;
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

std::optional<KnownType> find_type(std::string_view uri) noexcept {
  const auto at = uri_index().find(uri);
  return at == uri_index().end() ? std::nullopt : std::optional(at->second);
}

bool same_type(std::string_view a, std::string_view b) noexcept {
  if (a == b) return true;
  const auto x = find_type(a), y = find_type(b);
  if (!x || !y || x->info != y->info) return false;
  return x->version == y->version || x->version == x->info->latest || y->version == y->info->latest;
}

std::string_view short_name(std::string_view uri) noexcept {
  if (const auto known = find_type(uri)) return known->info->name;
  const std::size_t cut = uri.find_last_of("/#");
  return cut == std::string_view::npos ? uri : uri.substr(cut + 1);
}

bool is_document_type(std::string_view uri) noexcept {
  return uri.find("Document/") != std::string_view::npos || uri.ends_with("Document");
}

std::string id_prefix(std::string_view uri) {
  if (const auto known = find_type(uri)) return std::string(known->info->prefix);
  std::string prefix;
  for (const char c : short_name(uri)) {
    if (c >= 'A' && c <= 'Z' && prefix.size() < 16) prefix += static_cast<char>(c - 'A' + 'a');
  }
  return prefix.empty() ? "x" : prefix;
}

std::string_view current_property_name(std::string_view type_uri, std::string_view property) noexcept {
  if (property != "frameType" && property != "boxType" && property != "word" && property != "classifications") return property;
  const std::string_view name = short_name(type_uri);
  if (property == "frameType") return one_of(name, {"TimeFrame", "Chapter"}) ? "label" : property;
  if (property == "boxType") return name == "BoundingBox" ? "label" : property;
  if (property == "word")
    return one_of(name, {"Token", "Sentence", "Paragraph", "Span", "NamedEntity", "NounChunk", "VerbChunk"}) ? "text" : property;
  const bool classified = std::any_of(std::begin(kTypes), std::end(kTypes), [&](const TypeInfo& type) {
    return type.name == name && type.kind == TypeKind::Annotation && name != "Alignment";
  });
  return classified ? "classification" : property;
}

}  // namespace mmif
