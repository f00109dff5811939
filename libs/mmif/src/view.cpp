#include "mmif/view.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "json_scan.hpp"
#include "mmif/mmif.hpp"

namespace mmif {

namespace {

// Old spellings become today's; where both stand, today's has the value that counts.
Object with_current_names(std::string_view type, Object properties) {
  const auto is_current = [&](const auto& property) { return current_property_name(type, property.first) == property.first; };
  if (std::all_of(properties.begin(), properties.end(), is_current)) return properties;
  Object current;
  for (auto& [name, value] : properties) {
    const std::string_view today = current_property_name(type, name);
    if (today == name || !properties.contains(today)) current.append(std::string(today), std::move(value));
  }
  return current;
}

}  // namespace

View::~View() = default;

const Object& View::metadata() const {
  if (!metadata_loaded_) {
    metadata_loaded_ = true;
    metadata_ = std::move(*read_value(raw_metadata_).object());
    if (Value* contains = metadata_.find("contains")) {
      for (auto& [type, entry] : *contains->object()) {
        if (Object* properties = entry.object()) {
          *properties = with_current_names(type, std::move(*properties));
          owner_->normalise_references(id_, *properties);
        }
      }
    }
  }
  return metadata_;
}

std::string_view View::app() const {
  const Value* value = metadata().find("app");
  return value == nullptr ? std::string_view() : value->as_string();
}
std::string_view View::timestamp() const {
  const Value* value = metadata().find("timestamp");
  return value == nullptr ? std::string_view() : value->as_string();
}

Object& View::edit_metadata() {
  metadata();
  touch();
  return metadata_;
}

const Object* View::contains(std::string_view type) const {
  const Value* contains = metadata().find("contains");
  if (contains == nullptr || contains->object() == nullptr) return nullptr;
  for (const auto& [uri, properties] : *contains->object()) {
    if (same_type(uri, type)) return properties.object();
  }
  return nullptr;
}

void View::new_contain(std::string_view type, Object properties) {
  if (type.empty()) throw std::invalid_argument("view " + id_ + ": a type must not be empty");
  if (contains(type) != nullptr) return;
  Object current;
  for (auto& [name, value] : properties) {
    const std::string_view today = current_property_name(type, name);
    current.set(today.starts_with('_') ? "@" + std::string(today.substr(1)) : std::string(today), std::move(value));
  }
  Object& metadata = edit_metadata();
  Value* contains = metadata.find("contains");
  if (contains == nullptr || contains->object() == nullptr) contains = &metadata.set("contains", Object());
  contains->object()->set(type, std::move(current));
}

std::size_t View::annotation_count() const noexcept { return annotations_loaded_ ? annotations_.size() : raw_count_; }

Annotation& View::adopt(std::unique_ptr<Annotation> annotation) const {
  Annotation& added = *annotation;
  annotations_.push_back(std::move(annotation));
  by_id_[added.id_] = &added;
  // Automatic ids go on from the highest "<prefix>_<n>" of the view.
  std::string_view short_id = added.id_;
  if (const std::size_t colon = short_id.rfind(':'); colon != std::string_view::npos) short_id.remove_prefix(colon + 1);
  const std::size_t underscore = short_id.rfind('_');
  if (underscore != std::string_view::npos && underscore + 1 < short_id.size()) {
    std::int64_t n = 0;
    const char* end = short_id.data() + short_id.size();
    const auto [stop, error] = std::from_chars(short_id.data() + underscore + 1, end, n);
    if (error == std::errc() && stop == end && n > 0 && n < INT64_MAX) {
      auto& counter = counters_[std::string(short_id.substr(0, underscore))];
      counter = std::max(counter, n);
    }
  }
  return added;
}

void View::load() const {
  if (annotations_loaded_) return;
  annotations_loaded_ = true;
  auto* self = const_cast<View*>(this);
  for_each_element(raw_annotations_, 0, [&](std::size_t begin, std::size_t end) {
    const std::string_view raw = raw_annotations_.substr(begin, end - begin);
    Value value = read_value(raw);
    Object& object = *value.object();
    const std::string type(object.find("@type")->as_string());
    Object properties = with_current_names(type, std::move(*object.find("properties")->object()));
    std::string id = owner_->long_id(id_, properties.find("id")->as_string());
    properties.erase("id");
    owner_->normalise_references(id_, properties);
    const auto same = by_id_.find(id);
    std::unique_ptr<Annotation> annotation(new Annotation(owner_, self, type, std::move(id)));
    annotation->properties_ = std::move(properties);
    annotation->from_input_ = true;
    if (same == by_id_.end()) {
      adopt(std::move(annotation));
      return;
    }
    // Of an id that occurs twice the last counts, at the place of the first.
    Annotation& first = *same->second;
    first.type_ = std::move(annotation->type_);
    first.properties_ = std::move(annotation->properties_);
  });
}

const std::deque<std::unique_ptr<Annotation>>& View::annotations() const {
  load();
  return annotations_;
}

std::vector<Annotation*> View::annotations(std::string_view type) const {
  std::vector<Annotation*> found;
  for (const auto& annotation : annotations()) {
    if (annotation->is(type)) found.push_back(annotation.get());
  }
  return found;
}

Annotation* View::find(std::string_view id) const {
  load();
  if (const auto at = by_id_.find(id); at != by_id_.end()) return at->second;
  if (id.find(':') != std::string_view::npos) return nullptr;
  const auto at = by_id_.find(id_ + ":" + std::string(id));
  return at == by_id_.end() ? nullptr : at->second;
}

Annotation& View::new_annotation(std::string_view type, Object properties, std::string_view id) {
  if (type.empty()) throw std::invalid_argument("view " + id_ + ": the type of an annotation must not be empty");
  if (properties.contains("id"))
    throw std::invalid_argument("view " + id_ + ": give the id of an annotation as its own argument, not among its properties");
  load();
  std::string full(id);
  if (id.empty()) {
    const std::string prefix = id_prefix(type);
    full = id_ + ":" + prefix + "_" + std::to_string(counters_[prefix] + 1);
  } else if (id.find(':') == std::string_view::npos) {
    full = id_ + ":" + full;
  }
  if (by_id_.contains(full)) throw std::invalid_argument("view " + id_ + " already has an annotation with the id " + full);
  new_contain(type);
  touch();
  Annotation& annotation = adopt(std::unique_ptr<Annotation>(new Annotation(owner_, this, std::string(type), std::move(full))));
  for (auto& [name, value] : properties) annotation.set(name, std::move(value));
  return annotation;
}

Annotation& View::new_text_document(std::string_view text, std::string_view language, std::string_view id) {
  Object content{{"@value", text}};
  if (!language.empty()) content.set("@language", language);
  return new_annotation(types::TextDocument, Object{{"text", std::move(content)}}, id);
}

}  // namespace mmif
