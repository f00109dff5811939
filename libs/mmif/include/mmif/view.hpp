// One view of an MMIF: what one run of one app found.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mmif/annotation.hpp"
#include "mmif/value.hpp"

namespace mmif {

// A view that came with the input is kept as its bytes and read when it is first asked for something; while nobody changes it, it
// leaves exactly as it came. Functions that change it throw std::invalid_argument when the caller breaks their contract (an app's
// mistake: the SDK turns it into an error view).
class View {
 public:
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  ~View();

  const std::string& id() const noexcept { return id_; }
  bool is_new() const noexcept { return is_new_; }  // made since the document was read

  // Metadata as read: "app", "timestamp", "contains", "parameters", …
  const Object& metadata() const;
  std::string_view app() const;
  std::string_view timestamp() const;
  bool has_error() const { return metadata().contains("error"); }
  bool has_warnings() const { return metadata().contains("warnings"); }
  Object& edit_metadata();

  // The entry of `contains` for a type (any version, see same_type), nullptr if the view does not have it.
  const Object* contains(std::string_view type) const;
  // Adds an entry for a type; does nothing when there is one.
  void new_contain(std::string_view type, Object properties = {});

  std::size_t annotation_count() const noexcept;
  const std::deque<std::unique_ptr<Annotation>>& annotations() const;
  std::vector<Annotation*> annotations(std::string_view type) const;
  // By long or short id.
  Annotation* find(std::string_view id) const;

  // Adds an annotation and, if missing, its type to `contains`. Without an id the next `<view>:<prefix>_<n>` is taken; an id
  // without ':' gets the view's prefix. Throws std::invalid_argument for an empty type and for an id that the view already has.
  Annotation& new_annotation(std::string_view type, Object properties = {}, std::string_view id = {});
  Annotation& new_text_document(std::string_view text, std::string_view language = "en", std::string_view id = {});

 private:
  friend class Mmif;
  friend class Annotation;
  friend class MmifBuilder;
  friend class DocumentWriter;
  View(Mmif* owner, std::string id) : owner_(owner), id_(std::move(id)) {}
  void load() const;  // parses the annotations of an input view
  Annotation& adopt(std::unique_ptr<Annotation> annotation) const;
  void touch() noexcept { untouched_ = false; }

  Mmif* owner_;
  std::string id_;
  bool is_new_ = false;
  bool untouched_ = false;  // leaves as raw_
  std::string_view raw_, raw_metadata_, raw_annotations_;
  std::size_t raw_count_ = 0;
  mutable bool metadata_loaded_ = true, annotations_loaded_ = true;
  mutable Object metadata_;
  mutable std::deque<std::unique_ptr<Annotation>> annotations_;
  mutable std::unordered_map<std::string_view, Annotation*> by_id_;
  mutable std::map<std::string, std::int64_t, std::less<>> counters_;
};

}  // namespace mmif
