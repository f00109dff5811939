#include "collect.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string_view>

#include "base/text.hpp"
#include "ocr/score.hpp"

namespace ocr {
namespace {

using tesseract::PageIteratorLevel;

// 0 to 1 in steps of 0.0001: Tesseract's own figure is no finer.
double share(double value) { return std::round(std::clamp(value, 0.0, 1.0) * 10'000) / 10'000; }

class Collector {
 public:
  explicit Collector(Page& page) : page_(page) {}

  void word(const tesseract::ResultIterator& it) {
    // Remembered over words without text: the next word with text may not be the one its line begins with.
    new_block_ |= it.IsAtBeginningOf(tesseract::RIL_BLOCK);
    new_paragraph_ |= new_block_ || it.IsAtBeginningOf(tesseract::RIL_PARA);
    new_line_ |= new_paragraph_ || it.IsAtBeginningOf(tesseract::RIL_TEXTLINE);
    if (it.Empty(tesseract::RIL_WORD)) return;
    const std::unique_ptr<char[]> raw(it.GetUTF8Text(tesseract::RIL_WORD));
    const std::string_view text = raw ? base::trim(raw.get()) : std::string_view();
    if (text.empty()) return;

    separate();
    if (new_block_) open(page_.blocks, it, tesseract::RIL_BLOCK, 0);
    if (new_paragraph_) open(page_.paragraphs, it, tesseract::RIL_PARA, page_.blocks.size() - 1);
    if (new_line_) open(page_.lines, it, tesseract::RIL_TEXTLINE, page_.paragraphs.size() - 1);
    open(page_.words, it, tesseract::RIL_WORD, page_.lines.size() - 1);
    new_block_ = new_paragraph_ = new_line_ = false;

    append(text);
    for (auto* pieces : {&page_.blocks, &page_.paragraphs, &page_.lines, &page_.words}) pieces->back().text.end = at_;
  }

 private:
  void append(std::string_view text) {
    page_.text += text;
    at_ += count_characters(text);
  }

  void separate() {
    if (!page_.words.empty()) append(new_paragraph_ ? "\n\n" : new_line_ ? "\n" : " ");
  }

  void open(std::vector<Piece>& pieces, const tesseract::ResultIterator& it, PageIteratorLevel level, std::size_t inside) {
    Piece piece;
    it.BoundingBox(level, &piece.box.left, &piece.box.top, &piece.box.right, &piece.box.bottom);
    piece.confidence = share(static_cast<double>(it.Confidence(level)) / 100);
    piece.text.begin = at_;
    piece.inside = inside;
    pieces.push_back(piece);
  }

  Page& page_;
  std::size_t at_ = 0;  // characters in page_.text
  bool new_block_ = true, new_paragraph_ = true, new_line_ = true;
};

}  // namespace

void collect(tesseract::ResultIterator& it, Page& page) {
  Collector collector(page);
  do collector.word(it);
  while (it.Next(tesseract::RIL_WORD));
  double sum = 0;
  for (const Piece& word : page.words) sum += word.confidence;
  page.confidence = page.words.empty() ? 0 : share(sum / static_cast<double>(page.words.size()));
}

}  // namespace ocr
