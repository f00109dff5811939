// One pass over a checked JSON text: is it MMIF (schema of spec 1.2.0), and where does each part lie?
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "json_check.hpp"

namespace mmif {

// Slices of the original text.
struct ViewSlices {
  std::string_view whole;
  std::string_view id;  // the string literal
  std::string_view metadata;
  std::string_view annotations;  // the array
  std::size_t annotation_count = 0;
};

struct DocumentIndex {
  std::string_view metadata;
  std::vector<std::string_view> documents;
  std::vector<ViewSlices> views;
};

// Indexes the MMIF value that begins at structural `first`. Error InvalidDocument: what is wrong, worded as Python's jsonschema,
// and where, as a JSON pointer. Also refused: a top-level key that occurs twice.
base::Result<DocumentIndex> index_mmif(std::string_view text, Structurals structurals, std::size_t first = 0);

// The members of the object at structural 0 by key: value's structural index and slice. Used to look into envelopes.
struct Member {
  std::string key;
  std::size_t structural;
  std::string_view value;
};
std::vector<Member> top_level_members(std::string_view text, Structurals structurals);

}  // namespace mmif
