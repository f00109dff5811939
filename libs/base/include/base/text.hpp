// Small text helpers that several layers need.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace base {

std::vector<std::string_view> split(std::string_view text, char separator);  // keeps empty pieces
std::string_view trim(std::string_view text);                                // ASCII white space at both ends
// "did you mean": the candidate with the smallest edit distance, at most two edits or a third of its length away, whatever the case
// of the letters and whether "-" or "_" joins words; else the only candidate that begins with `word` (three letters or more). Empty
// if none.
std::string_view closest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace base
