// Documents that the tests read, and short forms for writing them.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/files.hpp"
#include "mmif/mmif.hpp"
#include "mmif/time.hpp"

namespace mmif {

// tests/data/mmif/NAME.mmif of the checkout.
inline std::string sample(std::string_view name) {
  auto text = base::read_file(std::string(CLAMS_SOURCE) + "/tests/data/mmif/" + std::string(name) + ".mmif");
  if (!text) ADD_FAILURE() << text.error().message;
  return text ? *text : std::string();
}

inline std::unique_ptr<Mmif> parsed(std::string text) {
  auto mmif = Mmif::parse(std::move(text));
  if (!mmif) {
    ADD_FAILURE() << mmif.error().message;
    return Mmif::create();
  }
  return std::move(*mmif);
}

inline std::unique_ptr<Mmif> parsed_sample(std::string_view name) { return parsed(sample(name)); }

// An MMIF with the given documents and views (JSON texts of the elements).
inline std::string mmif_text(std::string_view documents, std::string_view views) {
  return R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [)" + std::string(documents) + R"(], "views": [)" +
         std::string(views) + "]}";
}
// One view v_0 of some app, with the given contains entries and annotations.
inline std::string view_text(std::string_view contains, std::string_view annotations, std::string_view id = "v_0") {
  return R"({"id": ")" + std::string(id) + R"(", "metadata": {"app": "http://apps.clams.ai/x/1", "contains": {)" +
         std::string(contains) + R"(}}, "annotations": [)" + std::string(annotations) + "]}";
}
// An annotation of a type of the vocabulary ("TimeFrame/v6"); properties without braces.
inline std::string annotation_text(std::string_view type, std::string_view properties) {
  return R"({"@type": "http://clams.ai/vocabulary/type/)" + std::string(type) + R"(", "properties": {)" + std::string(properties) +
         "}}";
}

}  // namespace mmif
