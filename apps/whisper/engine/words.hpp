// From the tokens of a segment to words.
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "engine/transcript.hpp"

namespace asr {

struct Token {
  std::string text;  // bytes; a character may be spread over several tokens
  std::chrono::milliseconds start{0}, end{0};
};

// A word begins where a token begins with a blank; in languages written without blanks (`language`: zh, ja, th, lo, my, yue) each
// token is a word. Punctuation stays with the word it follows. Times are those of a word's tokens, made to ascend and to stay
// between `from` and `to`.
std::vector<Word> words_of(const std::vector<Token>& tokens, std::string_view language, std::chrono::milliseconds from,
                           std::chrono::milliseconds to);

}  // namespace asr
