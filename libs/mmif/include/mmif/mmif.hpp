// An MMIF document: read, look around, add views, write.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "mmif/annotation.hpp"
#include "mmif/json.hpp"
#include "mmif/value.hpp"
#include "mmif/view.hpp"
#include "mmif/vocabulary.hpp"

namespace mmif {

inline constexpr std::string_view kSpecVersion = "1.2.0";

// A written document as slices to be sent one after the other. `owner` keeps their bytes alive.
struct Written {
  std::vector<std::string_view> slices;
  std::shared_ptr<const void> owner;
  std::size_t size() const noexcept;
  std::string to_string() const;
};

// Not thread-safe: one Mmif belongs to one thread at a time. References to views and annotations stay valid as long as the Mmif
// lives and is not moved into.
class Mmif {
 public:
  // Reads a document; takes its bytes over. Error InvalidDocument says what is wrong and where.
  static base::Result<std::unique_ptr<Mmif>> parse(std::string text);
  // The document as it was read, without anything that was done since.
  std::unique_ptr<Mmif> pristine() const;
  // A new document without anything in it, of the spec version of this library.
  static std::unique_ptr<Mmif> create();
  ~Mmif();
  Mmif(const Mmif&) = delete;
  Mmif& operator=(const Mmif&) = delete;

  const Object& metadata() const noexcept { return metadata_; }
  std::string_view version_uri() const noexcept;  // metadata.mmif, "http://mmif.clams.ai/1.2.0"

  // Documents at the top level, in order.
  const std::vector<std::unique_ptr<Annotation>>& documents() const noexcept { return documents_; }
  // Documents of a type, in any version; those of the top level first, then those within views.
  std::vector<Annotation*> documents(std::string_view type) const;
  // By id: top-level ("d1") or within a view ("v_0:td_1"). nullptr if there is none.
  Annotation* document(std::string_view id) const;
  Annotation& new_document(std::string_view type, std::string_view id, Object properties);

  const std::vector<std::unique_ptr<View>>& views() const noexcept { return views_; }
  View* view(std::string_view id) const;
  // Views whose `contains` has the type; the last one; those that have all of several types.
  std::vector<View*> views_containing(std::string_view type) const;
  View* last_view_containing(std::string_view type) const;
  std::vector<View*> views_containing(const std::vector<std::string_view>& types) const;
  // Views that are about a document: their contains, metadata or annotations name it.
  std::vector<View*> views_for(std::string_view document_id) const;

  // Any annotation or document by its long id.
  Annotation* find(std::string_view id) const;
  std::vector<Annotation*> annotations(std::string_view type) const;
  // What Alignments connect an annotation with, in order of the views.
  std::vector<Annotation*> aligned_with(const Annotation& annotation) const;

  // Adds a view with the id v_N; N = number of views, or the next that is free.
  View& new_view();
  std::vector<View*> new_views() const;
  void remove(const View& view);

  // Properties that were set on documents of the input become `Annotation`s in a view made since reading, each once; `own_view`
  // makes one when there is none.
  void write_document_properties(const std::function<View&()>& own_view);
  // Checks the metadata of views made since reading against the schema. Error InvalidDocument.
  base::Status check_new_views() const;

  // Bytes of views that nobody changed are used as they came, without a copy; documents, metadata and the views that are new or
  // changed are written in Python's form: `contains` entries without annotations are left out, and properties that all of two or
  // more annotations of a type share are moved to `contains`. Pretty: the whole document is laid out with two spaces; numbers and
  // strings of the input keep their spelling.
  Written write(bool pretty = false) const;

 private:
  friend class Annotation;
  friend class View;
  friend class MmifBuilder;
  friend class DocumentWriter;
  Mmif() = default;
  bool is_top_level_document(std::string_view id) const;
  std::string long_id(std::string_view view_id, std::string_view id) const;
  void normalise_references(std::string_view view_id, Object& properties) const;
  const Value* said_about(const Annotation& document, std::string_view name) const;
  View* view_for_properties_of(const Annotation& document) const;
  Annotation* top_level_document(std::string_view id) const;
  Annotation& adopt(std::unique_ptr<Annotation> document);
  void add_document(std::string_view raw);

  std::shared_ptr<const std::string> bytes_;
  std::size_t first_structural_ = 0;  // where in bytes_ the MMIF begins: not at 0 in an envelope
  Object metadata_;
  std::vector<std::unique_ptr<Annotation>> documents_;
  std::unordered_map<std::string_view, std::size_t> document_places_;  // keys point to the ids of documents_
  std::vector<std::unique_ptr<View>> views_;
};

// A request body may be an envelope: {"parameters": {…}, "mmif": {…}}.
struct Envelope {
  bool is_envelope = false;
  Object parameters;  // raw values, in order
  std::unique_ptr<Mmif> mmif;
};
// Detection by the top-level key "parameters", whatever its value. Error InvalidDocument in the words of the Python SDK.
base::Result<Envelope> parse_envelope(std::string text);

// The same without building anything, for a front that hands the bytes on: whether the body is a valid MMIF or envelope, and the
// parameters of an envelope.
struct EnvelopeLook {
  bool is_envelope = false;
  Object parameters;
};
inline constexpr std::size_t kReadPadding = 64;
// REQUIRES: kReadPadding readable bytes after `text` (std::string with that much spare capacity). Errors as parse_envelope.
base::Result<EnvelopeLook> look_into_envelope(std::string_view text);

}  // namespace mmif
