#include "engine/words.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace asr {
namespace {

using std::chrono::milliseconds;

bool written_without_blanks(std::string_view language) {
  constexpr std::array<std::string_view, 6> kLanguages = {"zh", "ja", "th", "lo", "my", "yue"};
  return std::find(kLanguages.begin(), kLanguages.end(), language) != kLanguages.end();
}

// Bytes of the UTF-8 character that begins with `first`.
std::size_t length_of(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

bool ends_within_a_character(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) at += length_of(text[at]);
  return at > text.size();
}

// Marks that close a word or a sentence.
bool is_closing(std::string_view text) {
  constexpr std::array<std::string_view, 22> kMarks = {".", ",",  "!",  "?",  ":",  ";",  "\"", "'",  ")", "]",  "}",
                                                       "…", "。", "，", "！", "？", "：", "；", "、", "”", "」", "』"};
  return std::find(kMarks.begin(), kMarks.end(), text) != kMarks.end();
}

// Tokens joined where a character would be torn.
std::vector<Token> whole_characters(const std::vector<Token>& tokens) {
  std::vector<Token> whole;
  bool open = false;
  for (const auto& token : tokens) {
    if (open) {
      whole.back().text += token.text;
      whole.back().end = token.end;
    } else {
      whole.push_back(token);
    }
    open = ends_within_a_character(whole.back().text);
  }
  return whole;
}

void add(std::vector<Word>& words, const Token& piece, bool begins) {
  if (begins || words.empty()) return words.push_back({piece.text, piece.start, piece.end});
  words.back().text += piece.text;
  words.back().end = std::max(words.back().end, piece.end);
}

void trim_and_order(std::vector<Word>& words, milliseconds from, milliseconds to) {
  for (auto& word : words) word.text = std::string(base::trim(word.text));
  std::erase_if(words, [](const Word& word) { return word.text.empty(); });
  for (auto& word : words) {
    word.start = std::clamp(word.start, from, std::max(from, to));
    word.end = std::clamp(word.end, word.start, std::max(word.start, to));
    from = word.end;
  }
}

}  // namespace

std::vector<Word> words_of(const std::vector<Token>& tokens, std::string_view language, milliseconds from, milliseconds to) {
  std::vector<Word> words;
  const bool by_token = written_without_blanks(language);
  for (const auto& token : whole_characters(tokens)) {
    add(words, token, by_token ? !is_closing(base::trim(token.text)) : token.text.starts_with(' '));
  }
  trim_and_order(words, from, to);
  return words;
}

}  // namespace asr
