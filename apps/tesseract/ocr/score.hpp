// How well a text was read, against the text that is known to be there.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace ocr {

struct Score {
  std::size_t edits = 0;       // insertions, deletions and substitutions of characters, the fewest that make one text the other
  std::size_t characters = 0;  // of the known text
  // edits / characters; of an empty known text: 0 if nothing was read, else 1. May exceed 1.
  double rate() const noexcept;
};

// Runs of white space count as one space, white space at the ends not at all. Characters are Unicode code points of the UTF-8
// texts; a byte that is no UTF-8 counts as one. Time grows with the product of the lengths of the parts that differ, memory with
// the length.
Score character_errors(std::string_view known, std::string_view read);

// The text as it is compared.
std::string normalise_space(std::string_view text);

// Code points of a UTF-8 text, as Span counts them.
std::size_t count_characters(std::string_view text) noexcept;

}  // namespace ocr
