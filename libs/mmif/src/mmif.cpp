#include "mmif/mmif.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <unordered_map>

#include "document_index.hpp"
#include "document_write.hpp"
#include "json_check.hpp"
#include "json_scan.hpp"
#include "location.hpp"
#include "mmif_build.hpp"

namespace mmif {
namespace {

template <class T>
std::size_t position_of_id(const std::vector<std::unique_ptr<T>>& list, std::string_view id) {
  const auto at = std::find_if(list.begin(), list.end(), [&](const auto& item) { return item->id() == id; });
  return static_cast<std::size_t>(at - list.begin());
}

// Properties whose values are ids of annotations or documents.
bool holds_reference(std::string_view name) { return name == "document" || name == "source" || name == "target"; }
bool holds_references(std::string_view name) { return name == "targets" || name == "representatives"; }

}  // namespace

Mmif::~Mmif() = default;

base::Result<std::unique_ptr<Mmif>> Mmif::parse(std::string text) {
  text.reserve(text.size() + kPadding);
  auto bytes = std::make_shared<const std::string>(std::move(text));
  const CheckerScope checker;
  BASE_TRY_ASSIGN(const Structurals structurals, checker->check(*bytes));
  BASE_TRY_ASSIGN(const DocumentIndex index, index_mmif(*bytes, structurals));
  return MmifBuilder::build(std::move(bytes), index);
}

std::unique_ptr<Mmif> Mmif::create() {
  std::unique_ptr<Mmif> mmif(new Mmif());
  mmif->metadata_.set("mmif", "http://mmif.clams.ai/" + std::string(kSpecVersion));
  return mmif;
}

std::unique_ptr<Mmif> Mmif::pristine() const {
  if (!bytes_) return create();
  const CheckerScope checker;
  const auto structurals = checker->check(*bytes_);
  const auto index = index_mmif(*bytes_, *structurals, first_structural_);
  return MmifBuilder::build(bytes_, *index, first_structural_);
}

std::unique_ptr<Mmif> MmifBuilder::build(std::shared_ptr<const std::string> bytes, const DocumentIndex& index,
                                         std::size_t first_structural) {
  std::unique_ptr<Mmif> mmif(new Mmif());
  mmif->first_structural_ = first_structural;
  mmif->bytes_ = std::move(bytes);
  mmif->metadata_ = std::move(*read_value(index.metadata).object());
  for (const std::string_view raw : index.documents) mmif->add_document(raw);
  // Of a view id that occurs twice the last view counts, at the place of the first, as in Python.
  std::unordered_map<std::string, std::size_t> places;
  for (const ViewSlices& slices : index.views) {
    std::unique_ptr<View> view(new View(mmif.get(), read_string(slices.id, 0)));
    view->untouched_ = true;
    view->raw_ = slices.whole;
    view->raw_metadata_ = slices.metadata;
    view->raw_annotations_ = slices.annotations;
    view->raw_count_ = slices.annotation_count;
    view->metadata_loaded_ = view->annotations_loaded_ = false;
    const auto [at, fresh] = places.emplace(view->id(), mmif->views_.size());
    if (fresh)
      mmif->views_.push_back(std::move(view));
    else
      mmif->views_[at->second] = std::move(view);
  }
  return mmif;
}

void Mmif::add_document(std::string_view raw) {
  Value value = read_value(raw);
  Object& object = *value.object();
  Object& properties = *object.find("properties")->object();
  const std::string id(properties.find("id")->as_string());
  std::unique_ptr<Annotation> document(new Annotation(this, nullptr, std::string(object.find("@type")->as_string()), id));
  properties.erase("id");
  if (Value* location = properties.find("location"); location != nullptr && location->string() != nullptr) {
    *location = location_uri(*location->string());
  }
  document->properties_ = std::move(properties);
  document->from_input_ = true;
  adopt(std::move(document));
}

// Of an id that occurs twice the last document counts, at the place of the first.
Annotation& Mmif::adopt(std::unique_ptr<Annotation> document) {
  std::size_t place = documents_.size();
  if (auto known = document_places_.extract(document->id()); !known.empty()) {
    place = known.mapped();
    documents_[place] = std::move(document);
  } else {
    documents_.push_back(std::move(document));
  }
  document_places_.emplace(documents_[place]->id(), place);
  return *documents_[place];
}

std::string_view Mmif::version_uri() const noexcept {
  const Value* value = metadata_.find("mmif");
  return value == nullptr ? std::string_view() : value->as_string();
}

std::vector<Annotation*> Mmif::documents(std::string_view type) const {
  std::vector<Annotation*> found;
  for (const auto& document : documents_) {
    if (document->is(type)) found.push_back(document.get());
  }
  for (const auto& view : views_) {
    if (view->annotations_loaded_ || view->contains(type) != nullptr) {
      for (Annotation* annotation : view->annotations(type)) found.push_back(annotation);
    }
  }
  return found;
}

Annotation* Mmif::top_level_document(std::string_view id) const {
  const auto at = document_places_.find(id);
  return at == document_places_.end() ? nullptr : documents_[at->second].get();
}

bool Mmif::is_top_level_document(std::string_view id) const { return document_places_.contains(id); }

Annotation* Mmif::document(std::string_view id) const {
  if (Annotation* top = top_level_document(id)) return top;
  Annotation* found = find(id);
  return found != nullptr && found->is_document() ? found : nullptr;
}

Annotation& Mmif::new_document(std::string_view type, std::string_view id, Object properties) {
  if (!is_document_type(type)) throw std::invalid_argument("'" + std::string(type) + "' is not the type of a document");
  if (id.empty() || is_top_level_document(id) || view(id) != nullptr)
    throw std::invalid_argument("the id '" + std::string(id) + "' of a new document is empty or taken");
  if (properties.contains("id"))
    throw std::invalid_argument("the id of document '" + std::string(id) + "' stands among its properties too; give it once");
  Annotation& document = adopt(std::unique_ptr<Annotation>(new Annotation(this, nullptr, std::string(type), std::string(id))));
  for (auto& [name, value] : properties) document.set(name, std::move(value));
  return document;
}

View* Mmif::view(std::string_view id) const {
  const std::size_t at = position_of_id(views_, id);
  return at < views_.size() ? views_[at].get() : nullptr;
}

std::vector<View*> Mmif::views_containing(std::string_view type) const {
  std::vector<View*> found;
  for (const auto& view : views_) {
    if (view->contains(type) != nullptr) found.push_back(view.get());
  }
  return found;
}

View* Mmif::last_view_containing(std::string_view type) const {
  for (auto view = views_.rbegin(); view != views_.rend(); ++view) {
    if ((*view)->contains(type) != nullptr) return view->get();
  }
  return nullptr;
}

std::vector<View*> Mmif::views_containing(const std::vector<std::string_view>& types) const {
  std::vector<View*> found;
  for (const auto& view : views_) {
    if (std::all_of(types.begin(), types.end(), [&](std::string_view type) { return view->contains(type) != nullptr; }))
      found.push_back(view.get());
  }
  return found;
}

std::vector<View*> Mmif::views_for(std::string_view document_id) const {
  std::vector<View*> found;
  for (const auto& view : views_) {
    const auto names_it = [&](const Value* value) { return value != nullptr && value->as_string() == document_id; };
    bool about = names_it(view->metadata().find("document"));
    if (const Value* contains = view->metadata().find("contains"); !about && contains != nullptr && contains->object() != nullptr) {
      for (const auto& [type, properties] : *contains->object())
        about = about || (properties.object() != nullptr && names_it(properties.object()->find("document")));
    }
    for (auto at = view->annotations().begin(); !about && at != view->annotations().end(); ++at)
      about = names_it((*at)->properties().find("document"));
    if (about) found.push_back(view.get());
  }
  return found;
}

Annotation* Mmif::find(std::string_view id) const {
  if (Annotation* top = top_level_document(id)) return top;
  const View* by_prefix = view(id.substr(0, id.find(':')));
  if (by_prefix != nullptr) {
    if (Annotation* found = by_prefix->find(id)) return found;
  }
  if (id.find(':') == std::string_view::npos) return nullptr;
  for (const auto& view : views_) {  // ids that do not begin with their view's id are rare, but allowed
    if (view.get() == by_prefix) continue;
    if (Annotation* found = view->find(id)) return found;
  }
  return nullptr;
}

std::vector<Annotation*> Mmif::annotations(std::string_view type) const {
  std::vector<Annotation*> found;
  for (const auto& view : views_) {
    for (Annotation* annotation : view->annotations(type)) found.push_back(annotation);
  }
  return found;
}

std::vector<Annotation*> Mmif::aligned_with(const Annotation& annotation) const {
  std::vector<Annotation*> found;
  for (const View* view : views_containing(types::Alignment)) {
    for (const Annotation* alignment : view->annotations(types::Alignment)) {
      const std::string_view source = alignment->string("source"), target = alignment->string("target");
      if (source != annotation.id() && target != annotation.id()) continue;
      if (Annotation* other = find(source == annotation.id() ? target : source)) found.push_back(other);
    }
  }
  return found;
}

View& Mmif::new_view() {
  std::size_t n = views_.size();
  std::string id;
  do id = "v_" + std::to_string(n++);
  while (view(id) != nullptr || is_top_level_document(id));
  std::unique_ptr<View> view(new View(this, std::move(id)));
  view->is_new_ = true;
  views_.push_back(std::move(view));
  return *views_.back();
}

std::vector<View*> Mmif::new_views() const {
  std::vector<View*> found;
  for (const auto& view : views_) {
    if (view->is_new()) found.push_back(view.get());
  }
  return found;
}

void Mmif::remove(const View& view) {
  std::erase_if(views_, [&](const auto& candidate) { return candidate.get() == &view; });
}

std::string Mmif::long_id(std::string_view view_id, std::string_view id) const {
  if (id.find(':') != std::string_view::npos) return std::string(id);
  return std::string(view_id) + ":" + std::string(id);
}

void Mmif::normalise_references(std::string_view view_id, Object& properties) const {
  const auto fix = [&](Value& value) {
    const std::string* id = value.string();
    if (id != nullptr && id->find(':') == std::string::npos && !is_top_level_document(*id)) value = long_id(view_id, *id);
  };
  for (auto& [name, value] : properties) {
    if (holds_reference(name))
      fix(value);
    else if (holds_references(name) && value.array() != nullptr)
      std::for_each(value.array()->begin(), value.array()->end(), fix);
  }
}

const Value* Mmif::said_about(const Annotation& document, std::string_view name) const {
  const Value* found = nullptr;
  for (const View* view : views_containing(types::Annotation)) {
    for (const Annotation* annotation : view->annotations(types::Annotation)) {
      if (annotation->string("document") != document.id()) continue;
      if (const Value* value = annotation->properties().find(name)) found = value;  // what was said last counts
    }
  }
  return found;
}

// The last view made since reading if it is empty, else the last one that is about the document, else the last one.
View* Mmif::view_for_properties_of(const Annotation& document) const {
  View* last = nullptr;
  View* about = nullptr;
  for (View* view : new_views()) {
    if (view->has_error() || view->has_warnings()) continue;
    last = view;
    const auto& list = view->annotations();
    if (std::any_of(list.begin(), list.end(),
                    [&](const auto& annotation) { return annotation->string("document") == document.id(); }))
      about = view;
  }
  return last == nullptr || last->annotation_count() == 0 || about == nullptr ? last : about;
}

void Mmif::write_document_properties(const std::function<View&()>& own_view) {
  std::vector<Annotation*> changed;
  for (const auto& document : documents_) {
    if (!document->pending_.empty()) changed.push_back(document.get());
  }
  for (const auto& view : views_) {
    if (view->is_new() || !view->annotations_loaded_) continue;
    for (const auto& annotation : view->annotations()) {
      if (!annotation->pending_.empty()) changed.push_back(annotation.get());
    }
  }
  for (Annotation* document : changed) {
    const Object pending = std::exchange(document->pending_, {});
    Object fresh;
    for (const auto& [name, value] : pending) {
      const Value* known = document->find(name);
      if (!value.is_null() && (known == nullptr || *known != value)) fresh.set(name, value);
    }
    if (fresh.empty()) continue;
    View* target = view_for_properties_of(*document);
    if (target == nullptr) target = &own_view();
    fresh.set("document", document->id());
    target->new_annotation(types::Annotation, std::move(fresh));
  }
}

base::Status Mmif::check_new_views() const {
  for (const View* view : new_views()) {
    const std::string where = "/views/" + std::to_string(position_of_id(views_, view->id()));
    const std::string whose = ", view " + view->id() + " written by the app";
    if (!view->metadata().contains("app")) {
      return base::Error{base::ErrorCode::InvalidDocument,
                         "the view needs \"app\": it was not signed (at " + where + "/metadata" + whose + ")"};
    }
    // A document of this view alone, without its annotations: those cannot be made wrong.
    const Value alone(Object{{"id", view->id()}, {"metadata", DocumentWriter::view_metadata(*view)}, {"annotations", Array()}});
    std::string text =
        R"({"metadata": {"mmif": "http://mmif.clams.ai/"}, "documents": [], "views": [)" + to_mmif_text(alone) + "]}";
    text.reserve(text.size() + kPadding);
    const CheckerScope checker;
    BASE_TRY_ASSIGN(const Structurals structurals, checker->check(text));
    const auto index = index_mmif(text, structurals);
    if (index) continue;
    std::string message = index.error().message;
    constexpr std::string_view kAlone = "(at /views/0";
    if (const std::size_t at = message.rfind(kAlone); at != std::string::npos) message.replace(at, kAlone.size(), "(at " + where);
    message.insert(message.size() - 1, whose);  // before the bracket
    return base::Error{base::ErrorCode::InvalidDocument, std::move(message)};
  }
  return {};
}

}  // namespace mmif
