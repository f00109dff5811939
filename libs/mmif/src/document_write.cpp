#include "document_write.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <numeric>

#include "json_scan.hpp"
#include "relayout.hpp"

namespace mmif {
namespace {

// What a Written's slices point to: the bytes of the input and the texts made for the output.
struct Parts {
  std::shared_ptr<const std::string> input;
  std::deque<std::string> made;
};

constexpr std::array<std::string_view, 8> kViewMetadataOrder{"document",   "timestamp",        "app",   "contains",
                                                             "parameters", "appConfiguration", "error", "warnings"};

// Properties that stay with their annotation even if all have the same.
constexpr std::array<std::string_view, 10> kNeverShared{"start",           "end",  "targets",  "source", "target",
                                                        "representatives", "mime", "location", "text",   "id"};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_empty(const Value& value) {
  if (value.is_null()) return true;
  if (const auto* text = value.string()) return text->empty();
  if (const auto* array = value.array()) return array->empty();
  if (const auto* object = value.object()) return object->empty();
  return false;
}

Object without_nulls(const Object& object) {
  Object kept;
  for (const auto& [name, value] : object) {
    if (!value.is_null()) kept.append(name, value);
  }
  return kept;
}

// text.@value always, text.@language unless empty; a text that is empty altogether is left out.
std::optional<Value> written_text(const Value& text) {
  const Object* object = text.object();
  if (object == nullptr) return text.is_null() ? std::nullopt : std::optional(text);
  const bool only_known =
      std::all_of(object->begin(), object->end(), [](const auto& m) { return m.first == "@value" || m.first == "@language"; });
  if (!only_known) return text;
  const Value* value = object->find("@value");
  const Value* language = object->find("@language");
  const bool no_language = language == nullptr || is_empty(*language);
  if (no_language && (value == nullptr || is_empty(*value))) return std::nullopt;
  Object written{{"@value", value == nullptr || value->is_null() ? Value("") : *value}};
  if (!no_language) written.set("@language", *language);
  return Value(std::move(written));
}

Object written_properties(const Object& properties, std::string_view id, bool is_document) {
  Object out;
  for (const auto& [name, value] : properties) {
    if (value.is_null() || (is_document && (name == "mime" || name == "text" || name == "location"))) continue;
    out.append(name, value);
  }
  if (!is_document) {
    out.set("id", id);
    return out;
  }
  if (const Value* mime = properties.find("mime"); mime != nullptr && !is_empty(*mime)) out.set("mime", *mime);
  if (const Value* text = properties.find("text")) {
    if (auto written = written_text(*text)) out.set("text", std::move(*written));
  }
  out.set("id", id);
  if (const Value* location = properties.find("location"); location != nullptr && !is_empty(*location))
    out.set("location", *location);
  return out;
}

Object written_annotation(std::string_view type, Object properties) {
  return Object{{"@type", type}, {"properties", std::move(properties)}};
}

// Keys of the author's own first; then message and stack trace unless they are empty.
Object written_error(const Object& error) {
  constexpr std::array<std::string_view, 2> kKnown{"message", "stackTrace"};
  Object out;
  for (const auto& [name, value] : error) {
    if (!value.is_null() && !among(kKnown, name)) out.append(name, value);
  }
  for (const std::string_view name : kKnown) {
    if (const Value* value = error.find(name); value != nullptr && !is_empty(*value)) out.set(name, *value);
  }
  return out;
}

// Unknown keys first, then the known ones in the order of the Python SDK.
Object ordered_view_metadata(const Object& metadata) {
  Object out;
  for (const auto& [name, value] : metadata) {
    if (!value.is_null() && !among(kViewMetadataOrder, name)) out.append(name, value);
  }
  bool has_content = false;
  for (const std::string_view name : kViewMetadataOrder) {
    const Value* value = metadata.find(name);
    if (value == nullptr || (name != "app" && is_empty(*value))) continue;
    out.set(name, name == "error" && value->object() != nullptr ? Value(written_error(*value->object())) : *value);
    has_content = has_content || name == "contains" || name == "error" || name == "warnings";
  }
  if (!has_content) out.set("contains", Object());
  return out;
}

// The annotations of one type in a view, and what they all share.
struct TypeGroup {
  std::string_view type;
  std::vector<const Annotation*> members;
  Object shared;
};

std::vector<TypeGroup> grouped(const View& view) {
  std::vector<TypeGroup> groups;
  TypeGroup* last = nullptr;
  for (const auto& annotation : view.annotations()) {
    if (last == nullptr || !annotation->is(last->type)) {
      const auto at =
          std::find_if(groups.begin(), groups.end(), [&](const TypeGroup& group) { return annotation->is(group.type); });
      last = at == groups.end() ? &groups.emplace_back(TypeGroup{annotation->type(), {}, {}}) : &*at;
    }
    last->members.push_back(annotation.get());
  }
  return groups;
}

void find_shared(std::vector<TypeGroup>& groups) {
  for (TypeGroup& group : groups) {
    if (group.members.size() < 2) continue;
    for (const Object::Entry& property : group.members.front()->properties()) {
      if (property.second.is_null() || among(kNeverShared, property.first)) continue;
      const bool all = std::all_of(group.members.begin() + 1, group.members.end(), [&](const Annotation* member) {
        const Value* other = member->properties().find(property.first);
        return other != nullptr && *other == property.second;
      });
      if (all) group.shared.append(property.first, property.second);
    }
  }
}

const TypeGroup* group_of(const std::vector<TypeGroup>& groups, std::string_view type) {
  const auto at = std::find_if(groups.begin(), groups.end(), [&](const TypeGroup& group) { return same_type(group.type, type); });
  return at == groups.end() ? nullptr : &*at;
}

// contains of a written view: entries without annotations go, shared properties come.
Object written_contains(const Object& contains, const std::vector<TypeGroup>& groups) {
  Object out;
  for (const auto& [type, properties] : contains) {
    const TypeGroup* group = group_of(groups, type);
    if (group == nullptr) continue;
    Object entry = properties.object() == nullptr ? Object() : without_nulls(*properties.object());
    for (const auto& [name, value] : group->shared) entry.set(name, value);
    out.append(type, std::move(entry));
  }
  return out;
}

Object written_view_metadata(const View& view, const std::vector<TypeGroup>& groups) {
  Object metadata = view.metadata();
  if (Value* contains = metadata.find("contains"); contains != nullptr && contains->object() != nullptr) {
    if (view.has_error() || view.has_warnings())
      metadata.erase("contains");
    else
      *contains = written_contains(*contains->object(), groups);
  }
  return ordered_view_metadata(metadata);
}

// A view that is new, or that the app changed: then it is written as the Python SDK writes it.
Value written_view(const View& view) {
  std::vector<TypeGroup> groups = grouped(view);
  find_shared(groups);
  Array annotations;
  annotations.reserve(view.annotations().size());
  const TypeGroup* group = nullptr;
  for (const auto& annotation : view.annotations()) {
    if (group == nullptr || !annotation->is(group->type)) group = group_of(groups, annotation->type());
    Object properties;
    for (const auto& [name, value] : annotation->properties()) {
      if (!group->shared.contains(name)) properties.append(name, value);
    }
    annotations.emplace_back(
        written_annotation(annotation->type(), written_properties(properties, annotation->id(), annotation->is_document())));
  }
  return Object{{"id", view.id()}, {"metadata", written_view_metadata(view, groups)}, {"annotations", std::move(annotations)}};
}

}  // namespace

Written DocumentWriter::write(const Mmif& mmif, bool pretty) {
  auto parts = std::make_shared<Parts>();
  parts->input = mmif.bytes_;
  Written written;
  std::string text;
  const auto flush = [&] {
    if (text.empty()) return;
    parts->made.push_back(std::move(text));
    written.slices.emplace_back(parts->made.back());
    text.clear();
  };

  Object metadata;
  for (const auto& [name, value] : mmif.metadata_) {
    if (name != "mmif" && !value.is_null()) metadata.append(name, value);
  }
  metadata.set("mmif", mmif.version_uri());
  Array documents;
  for (const auto& document : mmif.documents_) {
    documents.emplace_back(written_annotation(document->type_, written_properties(document->properties_, document->id_, true)));
  }
  text = "{\"metadata\": " + to_mmif_text(metadata) + ", \"documents\": " + to_mmif_text(documents) + ", \"views\": [";

  // A run of untouched views that lay side by side in the input is one slice, with what stands between them.
  const View* previous = nullptr;
  for (const auto& view : mmif.views_) {
    const bool adjoins =
        view->untouched_ && previous != nullptr && previous->untouched_ && follows(*mmif.bytes_, previous->raw_, view->raw_);
    if (adjoins) {
      std::string_view& last = written.slices.back();
      last = std::string_view(last.data(), static_cast<std::size_t>(view->raw_.data() + view->raw_.size() - last.data()));
      previous = view.get();
      continue;
    }
    if (previous != nullptr) text += ", ";
    previous = view.get();
    if (view->untouched_) {
      flush();
      written.slices.push_back(view->raw_);
    } else {
      text += to_mmif_text(written_view(*view));
    }
  }
  text += "]}";
  flush();
  written.owner = std::move(parts);
  if (!pretty) return written;
  auto laid_out = std::make_shared<std::string>(relayout(written.to_string()));
  return Written{{std::string_view(*laid_out)}, laid_out};
}

Object DocumentWriter::view_metadata(const View& view) { return written_view_metadata(view, grouped(view)); }

// Whether nothing but a comma stands between two slices of the input.
bool DocumentWriter::follows(std::string_view bytes, std::string_view before, std::string_view after) {
  if (after.data() < before.data() + before.size()) return false;
  const auto end = static_cast<std::size_t>(before.data() + before.size() - bytes.data());
  const auto begin = static_cast<std::size_t>(after.data() - bytes.data());
  const std::size_t comma = skip_space(bytes, end);
  return bytes[comma] == ',' && skip_space(bytes, comma + 1) == begin;
}

Written Mmif::write(bool pretty) const { return DocumentWriter::write(*this, pretty); }

std::size_t Written::size() const noexcept {
  return std::accumulate(slices.begin(), slices.end(), std::size_t{0},
                         [](std::size_t sum, std::string_view slice) { return sum + slice.size(); });
}

std::string Written::to_string() const {
  std::string text;
  text.reserve(size());
  for (const std::string_view slice : slices) text += slice;
  return text;
}

}  // namespace mmif
