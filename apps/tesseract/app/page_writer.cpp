#include "page_writer.hpp"

#include <vector>

namespace ocr_app {
namespace {

namespace types = mmif::types;

// top left, top right, bottom left, bottom right
mmif::Array corners(const ocr::Box& box) {
  const auto corner = [](int x, int y) { return mmif::Value(mmif::Array{x, y}); };
  return {corner(box.left, box.top), corner(box.right, box.top), corner(box.left, box.bottom), corner(box.right, box.bottom)};
}

// Where each character of a UTF-8 text begins, in bytes, and its end.
std::vector<std::size_t> character_starts(const std::string& text) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) starts.push_back(i);
  starts.push_back(text.size());
  return starts;
}

}  // namespace

mmif::View& PageWriter::view() {
  if (view_ != nullptr) return *view_;
  view_ = &run_.new_view();
  const bool video = document_.is(types::VideoDocument);
  mmif::Object about{{"document", document_.id()}};
  view_->new_contain(types::TextDocument, about);
  if (video) about.set("timeUnit", "milliseconds");
  if (video) view_->new_contain(types::TimePoint, about);
  view_->new_contain(types::BoundingBox, about);
  view_->new_contain(types::Alignment);
  return *view_;
}

void PageWriter::align(const std::string& source, const std::string& target) {
  view().new_annotation(types::Alignment, {{"source", source}, {"target", target}});
}

void PageWriter::add_page(const ocr::Page& page, std::optional<int> number) {
  mmif::Object place;
  if (number) place.set("page", *number);
  add_text(page, {document_.id(), document_.id()}, place);
}

void PageWriter::add_frame(const ocr::Page& page, std::chrono::milliseconds time, const mmif::Annotation* time_point,
                           const mmif::Annotation* time_frame) {
  const mmif::Annotation& point =
      time_point != nullptr ? *time_point : view().new_annotation(types::TimePoint, {{"timePoint", time.count()}});
  const std::string& origin = time_frame != nullptr ? time_frame->id() : point.id();
  add_text(page, {origin, point.id(), time_point == nullptr && time_frame != nullptr}, {{"timePoint", time.count()}});
}

void PageWriter::add_text(const ocr::Page& page, const Sources& sources, const mmif::Object& place) {
  mmif::Annotation& text = view().new_text_document(page.text, settings_.language);
  const std::string id = text.id();
  text.set("origin", sources.origin);
  text.set("origins", mmif::Array{sources.place});
  text.set("confidence", page.confidence);
  if (const auto* number = place.find("page")) text.set("page", *number);
  if (sources.align_origin) align(sources.origin, id);
  if (settings_.blocks) add_boxes(page, page.blocks, "block", id, place);
  if (settings_.lines) add_boxes(page, page.lines, "line", id, place);
  if (settings_.words) add_boxes(page, page.words, "word", id, place);
  // visaid_builder takes the source of the last Alignment for the place of a text.
  align(sources.place, id);
}

void PageWriter::add_boxes(const ocr::Page& page, const std::vector<ocr::Piece>& pieces, const char* label,
                           const std::string& text_id, const mmif::Object& place) {
  const auto starts = character_starts(page.text);
  for (const auto& piece : pieces) {
    const std::size_t begin = starts[piece.text.begin];
    mmif::Object properties{{"label", label},
                            {"coordinates", corners(piece.box)},
                            {"confidence", piece.confidence},
                            {"text", page.text.substr(begin, starts[piece.text.end] - begin)},
                            {"textSpan", mmif::Array{piece.text.begin, piece.text.end}}};
    for (const auto& [name, value] : place) properties.set(name, value);
    const mmif::Annotation& box = view().new_annotation(types::BoundingBox, std::move(properties));
    align(box.id(), text_id);
  }
}

}  // namespace ocr_app
