// What was read from one picture.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace ocr {

// Pixels of the picture, from its top left corner; `right` and `bottom` lie just outside.
struct Box {
  int left = 0, top = 0, right = 0, bottom = 0;
  friend bool operator==(const Box&, const Box&) = default;
};

// Characters (Unicode code points) of Page::text, [begin, end).
struct Span {
  std::size_t begin = 0, end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

// A word, line, paragraph or block with text in it. `inside` is the index of the line that holds a word, the paragraph that holds a
// line, the block that holds a paragraph; 0 for a block.
struct Piece {
  Box box;
  double confidence = 0;  // 0 to 1
  Span text;
  std::size_t inside = 0;
};

// Words of a line are separated by a space, lines by a line feed, paragraphs and blocks by an empty line. Everything is in reading
// order.
struct Page {
  std::string text;  // UTF-8; empty when nothing was found
  int width = 0, height = 0;
  double confidence = 0;  // mean of the words, 0 to 1
  std::vector<Piece> words, lines, paragraphs, blocks;
};

}  // namespace ocr
