// The published vocabulary: type URIs, how they compare, prefixes of ids, old spellings of properties. Source:
// clams-vocabulary 1.2.0.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace mmif {

// URI of the newest version of each type: what an app writes.
namespace types {
// NOLINTBEGIN(readability-identifier-naming): the published names
inline constexpr std::string_view Thing = "http://clams.ai/vocabulary/type/Thing/v1";
inline constexpr std::string_view Alignment = "http://clams.ai/vocabulary/type/Alignment/v1";
inline constexpr std::string_view Annotation = "http://clams.ai/vocabulary/type/Annotation/v6";
inline constexpr std::string_view BoundingBox = "http://clams.ai/vocabulary/type/BoundingBox/v5";
inline constexpr std::string_view Chapter = "http://clams.ai/vocabulary/type/Chapter/v6";
inline constexpr std::string_view Interval = "http://clams.ai/vocabulary/type/Interval/v5";
inline constexpr std::string_view NamedEntity = "http://clams.ai/vocabulary/type/NamedEntity/v1";
inline constexpr std::string_view NounChunk = "http://clams.ai/vocabulary/type/NounChunk/v1";
inline constexpr std::string_view Paragraph = "http://clams.ai/vocabulary/type/Paragraph/v1";
inline constexpr std::string_view Polygon = "http://clams.ai/vocabulary/type/Polygon/v5";
inline constexpr std::string_view Region = "http://clams.ai/vocabulary/type/Region/v5";
inline constexpr std::string_view Relation = "http://clams.ai/vocabulary/type/Relation/v5";
inline constexpr std::string_view Sentence = "http://clams.ai/vocabulary/type/Sentence/v1";
inline constexpr std::string_view Span = "http://clams.ai/vocabulary/type/Span/v5";
inline constexpr std::string_view TimeFrame = "http://clams.ai/vocabulary/type/TimeFrame/v6";
inline constexpr std::string_view TimePoint = "http://clams.ai/vocabulary/type/TimePoint/v5";
inline constexpr std::string_view Token = "http://clams.ai/vocabulary/type/Token/v1";
inline constexpr std::string_view VerbChunk = "http://clams.ai/vocabulary/type/VerbChunk/v1";
inline constexpr std::string_view VideoObject = "http://clams.ai/vocabulary/type/VideoObject/v5";
inline constexpr std::string_view AudioDocument = "http://clams.ai/vocabulary/type/AudioDocument/v2";
inline constexpr std::string_view Document = "http://clams.ai/vocabulary/type/Document/v2";
inline constexpr std::string_view ImageDocument = "http://clams.ai/vocabulary/type/ImageDocument/v2";
inline constexpr std::string_view TextDocument = "http://clams.ai/vocabulary/type/TextDocument/v2";
inline constexpr std::string_view VideoDocument = "http://clams.ai/vocabulary/type/VideoDocument/v2";
// NOLINTEND(readability-identifier-naming)
}  // namespace types

enum class TypeKind { Thing, Annotation, Document };

struct TypeInfo {
  std::string_view name;  // "TimeFrame"
  TypeKind kind;
  std::string_view prefix;  // of automatic ids: "tf"
  int latest;               // newest version
};

struct KnownType {
  const TypeInfo* info;
  int version;
};

// Type and version of a URI in any of its published spellings; nullopt for a foreign type.
std::optional<KnownType> find_type(std::string_view uri) noexcept;

// Whether two type URIs mean the same type: a newest version equals every version of its type, older versions only themselves;
// foreign types by URI.
bool same_type(std::string_view a, std::string_view b) noexcept;

// "TimeFrame" for any version; the last part of the path for a foreign URI.
std::string_view short_name(std::string_view uri) noexcept;

// A document, also a foreign one: the URI has "Document/" in it or ends in "Document".
bool is_document_type(std::string_view uri) noexcept;

// Prefix of automatic ids: of the vocabulary, else the lower-cased capitals of the short name ("FooBar" -> "fb"), else "x".
std::string id_prefix(std::string_view uri);

// Today's name of a property ("frameType" of a TimeFrame is "label"), or the name itself.
std::string_view current_property_name(std::string_view type_uri, std::string_view property) noexcept;

}  // namespace mmif
