// From what was read to annotations of a view.
#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "clams/run.hpp"
#include "mmif/mmif.hpp"
#include "ocr/page.hpp"
#include "settings.hpp"

namespace ocr_app {

// Writes the pages or frames of one document into one view, which is made with the first of them.
class PageWriter {
 public:
  // References are kept: the writer lives within one request.
  PageWriter(clams::Run& run, const mmif::Annotation& document, const Settings& settings)
      : run_(run), document_(document), settings_(settings) {}

  // `number`: of the page, from 1, if the document has several.
  void add_page(const ocr::Page& page, std::optional<int> number);
  // A frame: aligned with `time_point`, or with a new TimePoint at `time` when there is none, and then also with `time_frame` if it
  // comes from one.
  void add_frame(const ocr::Page& page, std::chrono::milliseconds time, const mmif::Annotation* time_point,
                 const mmif::Annotation* time_frame);

 private:
  mmif::View& view();
  // What a text was read from: the annotation that asked for it, and where it stands. Both are one for a page or a TimePoint.
  struct Sources {
    std::string origin, place;
    bool align_origin = false;
  };
  void add_text(const ocr::Page& page, const Sources& sources, const mmif::Object& place);
  void add_boxes(const ocr::Page& page, const std::vector<ocr::Piece>& pieces, const char* label, const std::string& text_id,
                 const mmif::Object& place);
  void align(const std::string& source, const std::string& target);

  clams::Run& run_;
  const mmif::Annotation& document_;
  const Settings& settings_;
  mmif::View* view_ = nullptr;
};

}  // namespace ocr_app
