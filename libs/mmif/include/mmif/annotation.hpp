// One annotation or document of an MMIF.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "mmif/value.hpp"
#include "mmif/vocabulary.hpp"

namespace mmif {

class Mmif;
class View;

// A document is an annotation whose type is a document type; documents at the top level have no view. Lives as long as its Mmif, at
// a fixed address. Not thread-safe: one Mmif belongs to one thread at a time.
class Annotation {
 public:
  ~Annotation() = default;
  Annotation(const Annotation&) = delete;
  Annotation& operator=(const Annotation&) = delete;

  const std::string& type() const noexcept { return type_; }  // @type as it was written
  bool is(std::string_view type) const noexcept {
    return same_type(type_, type);
  }  // any published spelling and version, see same_type
  bool is_document() const noexcept { return is_document_type(type_); }
  // "v_0:tf_1"; of a top-level document "d1". Short ids of old files read as long ones.
  const std::string& id() const noexcept { return id_; }
  const View* view() const noexcept { return view_; }

  // A property by its current name ("label", also where the file says "frameType"): the annotation's own, else the default that its
  // view's `contains` gives, else, for a document, what `Annotation`s of the views say about it. nullptr if there is none.
  // References in it ("document", "targets", …) are long ids.
  const Value* find(std::string_view name) const;
  std::string_view string(std::string_view name, std::string_view otherwise = {}) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<double> number(std::string_view name) const;
  // Own properties in order, without "id".
  const Object& properties() const noexcept { return properties_; }

  // Sets a property under its current name; null removes it; a leading "_" is written as "@". On a document that came with the
  // input the property (other than text, mime, location) becomes an `Annotation` about it in a view of the running app.
  Annotation& set(std::string_view name, Value value);

  // Documents. location: as written ("file:///data/a%20b.mp4"), empty if none. location_path: the local file; percent-encoding is
  // decoded when the decoded path exists or the literal one does not. Error NotFound when the document has no location, Unsupported
  // for a scheme other than file.
  std::string_view location() const { return string("location"); }
  base::Result<std::string> location_path() const;
  std::string_view mime() const { return string("mime"); }
  // Text of a TextDocument: content of the located file if it has a location, else text.@value. Error NotFound when there is
  // neither.
  base::Result<std::string> text() const;
  std::string_view text_language() const;

 private:
  friend class Mmif;
  friend class View;
  friend class MmifBuilder;
  friend class DocumentWriter;
  Annotation(Mmif* owner, View* view, std::string type, std::string id)
      : owner_(owner), view_(view), type_(std::move(type)), id_(std::move(id)) {}

  Mmif* owner_;
  View* view_;
  std::string type_;
  std::string id_;
  Object properties_;
  Object pending_;  // set on a document of the input, not written yet
  bool from_input_ = false;
};

}  // namespace mmif
