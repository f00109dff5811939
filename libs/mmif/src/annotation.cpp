#include "mmif/annotation.hpp"

#include <sys/stat.h>

#include <stdexcept>

#include "base/fd.hpp"
#include "location.hpp"
#include "mmif/mmif.hpp"

namespace mmif {
namespace {

bool is_document_field(std::string_view name) { return name == "text" || name == "mime" || name == "location"; }

bool exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

}  // namespace

const Value* Annotation::find(std::string_view name) const {
  if (const Value* pending = pending_.find(name)) return pending->is_null() ? nullptr : pending;
  if (const Value* own = properties_.find(name)) return own;
  if (view_ != nullptr) {
    if (const Object* defaults = view_->contains(type_)) {
      if (const Value* value = defaults->find(name)) return value;
    }
  }
  return is_document() ? owner_->said_about(*this, name) : nullptr;
}

std::string_view Annotation::string(std::string_view name, std::string_view otherwise) const {
  const Value* value = find(name);
  return value == nullptr ? otherwise : value->as_string(otherwise);
}
std::optional<std::int64_t> Annotation::integer(std::string_view name) const {
  const Value* value = find(name);
  return value == nullptr ? std::nullopt : value->as_int64();
}
std::optional<double> Annotation::number(std::string_view name) const {
  const Value* value = find(name);
  return value == nullptr ? std::nullopt : value->as_double();
}

Annotation& Annotation::set(std::string_view name, Value value) {
  if (name == "id") throw std::invalid_argument("the id of " + id_ + " cannot be changed; give it when the annotation is made");
  const std::string_view current = current_property_name(type_, name);
  const std::string key = current.starts_with('_') ? "@" + std::string(current.substr(1)) : std::string(current);
  if (is_document() && from_input_ && !is_document_field(key)) {
    pending_.set(key, std::move(value));
    return *this;
  }
  if (value.is_null())
    properties_.erase(key);
  else if (key == "location" && is_document() && value.string() != nullptr)
    properties_.set(key, location_uri(*value.string()));
  else
    properties_.set(key, std::move(value));
  if (view_ != nullptr) view_->touch();
  return *this;
}

base::Result<std::string> Annotation::location_path() const {
  const std::string_view uri = location();
  if (uri.empty()) return base::Error{base::ErrorCode::NotFound, "document " + id_ + " has no location"};
  BASE_TRY_ASSIGN(const LocalPath path, local_path(uri));
  return exists(path.decoded) || !exists(path.literal) ? path.decoded : path.literal;
}

base::Result<std::string> Annotation::text() const {
  if (!location().empty()) {
    BASE_TRY_ASSIGN(const std::string path, location_path());
    return base::read_file(path);
  }
  const Value* value = find("text");
  const Object* text = value == nullptr ? nullptr : value->object();
  const Value* content = text == nullptr ? nullptr : text->find("@value");
  if (content == nullptr) return base::Error{base::ErrorCode::NotFound, "document " + id_ + " has neither a location nor a text"};
  return std::string(content->as_string());
}

std::string_view Annotation::text_language() const {
  const Value* value = find("text");
  const Object* text = value == nullptr ? nullptr : value->object();
  const Value* language = text == nullptr ? nullptr : text->find("@language");
  return language == nullptr ? std::string_view() : language->as_string();
}

}  // namespace mmif
