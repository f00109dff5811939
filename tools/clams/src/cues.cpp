#include "cues.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.hpp"

namespace clams::tool {
namespace {

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::int64_t milliseconds(double value) {
  constexpr double kMost = 1e12;  // 30 years
  return static_cast<std::int64_t>(std::llround(std::clamp(value, 0.0, kMost)));
}

// Words of a text: at blanks, and where it has none, after each character that is longer than a byte (Chinese, Japanese).
std::vector<Word> words_of(std::string_view text, std::size_t longest) {
  std::vector<Word> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = text.find_first_not_of(" \t\r\n\f\v", at);
    if (start == std::string_view::npos) break;
    at = std::min(text.find_first_of(" \t\r\n\f\v", start), text.size());
    std::string_view word = text.substr(start, at - start);
    bool touches = false;
    while (characters(word) > longest) {
      std::size_t cut = 0;
      for (std::size_t n = 0; n < longest; ++n) {
        do ++cut;
        while (cut < word.size() && (static_cast<unsigned char>(word[cut]) & 0xC0U) == 0x80U);
      }
      out.push_back({std::string(word.substr(0, cut)), touches, std::nullopt});
      word.remove_prefix(cut);
      touches = true;
    }
    out.push_back({std::string(word), touches, std::nullopt});
  }
  return out;
}

bool all_timed(const std::vector<Word>& words) {
  return !words.empty() && std::all_of(words.begin(), words.end(), [](const Word& word) { return word.time.has_value(); });
}

// Gives words that have no time a share of the passage's, by their characters.
bool share_time(std::vector<Word>& words, const std::optional<double>& start, const std::optional<double>& end) {
  if (!start || !end || *end < *start) return false;
  std::size_t all = 0, before = 0;
  for (const Word& word : words) all += characters(word.text) + 1;
  const double each = (*end - *start) / static_cast<double>(std::max<std::size_t>(all, 1));
  for (Word& word : words) {
    const std::size_t size = characters(word.text) + 1;
    word.time = {*start + each * static_cast<double>(before), *start + each * static_cast<double>(before + size)};
    before += size;
  }
  return true;
}

std::vector<std::string> wrapped(const std::vector<Word>& words, std::size_t width) {
  std::vector<std::string> lines;
  for (const Word& word : words) {
    const std::string_view blank = word.touches ? "" : " ";
    if (lines.empty() || characters(lines.back()) + blank.size() + characters(word.text) > width)
      lines.push_back(word.text);
    else
      (lines.back() += blank) += word.text;
  }
  return lines;
}

// Lines as even as they can be without becoming more: one short word on a second line is hard to read.
std::vector<std::string> even_lines(const std::vector<Word>& words, std::size_t width) {
  auto best = wrapped(words, width);
  while (width > 1) {
    auto narrower = wrapped(words, --width);
    if (narrower.size() > best.size()) break;
    best = std::move(narrower);
  }
  return best;
}

bool ends_with_any(std::string_view text, std::string_view marks) { return !text.empty() && marks.find(text.back()) != marks.npos; }

// Cuts the words of one passage into cues so that the sum of costs is least: a cue costs, an uneven one costs more, a cut at the
// end of a clause or in a pause costs less than one in the middle.
class Cutter {
 public:
  Cutter(const std::vector<Word>& words, const CueLimits& limits) : words_(words), limits_(limits), best_(words.size() + 1) {}

  // Where the cues end, as counts of words from the beginning.
  std::vector<std::size_t> ends() {
    for (std::size_t end = 1; end <= words_.size(); ++end) choose_start(end);
    std::vector<std::size_t> out;
    for (std::size_t end = words_.size(); end > 0; end = best_[end].start) out.push_back(end);
    std::reverse(out.begin(), out.end());
    return out;
  }

 private:
  struct Choice {
    double cost = 0;
    std::size_t start = 0;
  };

  // A single word always makes a cue, whatever its length.
  void choose_start(std::size_t end) {
    best_[end] = {best_[end - 1].cost + cost(end - 1, end), end - 1};
    for (std::size_t start = end - 1; start > 0 && fits(start - 1, end); --start) {
      const double sum = best_[start - 1].cost + cost(start - 1, end);
      if (sum < best_[end].cost) best_[end] = {sum, start - 1};
    }
  }

  bool fits(std::size_t start, std::size_t end) const {
    if (gap_after(start) >= limits_.pause) return false;
    if (milliseconds(words_[end - 1].time->end) - milliseconds(words_[start].time->start) > limits_.longest) return false;
    return wrapped(slice(start, end), limits_.line).size() <= limits_.lines;
  }

  double cost(std::size_t start, std::size_t end) const {
    std::size_t size = 0;
    for (std::size_t n = start; n < end; ++n) size += characters(words_[n].text) + 1;
    const double empty = 1 - std::min(1.0, static_cast<double>(size) / static_cast<double>(limits_.line * limits_.lines));
    double out = 1 + empty * empty;
    if (end == words_.size()) return out;
    if (ends_with_any(words_[end - 1].text, ".?!"))
      out -= 0.6;
    else if (ends_with_any(words_[end - 1].text, ",;:"))
      out -= 0.4;
    if (gap_after(end - 1) >= kPauseToCutAt) out -= 0.4;
    return out;
  }

  std::int64_t gap_after(std::size_t n) const {
    if (n + 1 >= words_.size()) return 0;
    return milliseconds(words_[n + 1].time->start) - milliseconds(words_[n].time->end);
  }

  std::vector<Word> slice(std::size_t start, std::size_t end) const {
    return {words_.begin() + static_cast<std::ptrdiff_t>(start), words_.begin() + static_cast<std::ptrdiff_t>(end)};
  }

  static constexpr std::int64_t kPauseToCutAt = 250;
  const std::vector<Word>& words_;
  const CueLimits& limits_;
  std::vector<Choice> best_;  // [n]: of the first n words
};

// Words of a passage that has some, each with a time; empty where nothing says when they were spoken.
std::vector<Word> timed_words(const Passage& passage, const CueLimits& limits) {
  std::vector<Word> words = passage.words;
  std::erase_if(words, [](const Word& word) { return base::trim(word.text).empty(); });
  if (words.empty()) words = words_of(passage.text, limits.line);
  if (!all_timed(words) && !share_time(words, passage.start(), passage.end())) return {};
  for (Word& word : words)
    std::replace_if(
        word.text.begin(), word.text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return words;
}

void add_cues(std::vector<Cue>& cues, const std::vector<Word>& words, const CueLimits& limits) {
  std::size_t start = 0;
  for (const std::size_t end : Cutter(words, limits).ends()) {
    const std::vector<Word> part(words.begin() + static_cast<std::ptrdiff_t>(start),
                                 words.begin() + static_cast<std::ptrdiff_t>(end));
    cues.push_back({milliseconds(part.front().time->start), milliseconds(part.back().time->end), even_lines(part, limits.line)});
    start = end;
  }
}

// Two cues are never on the screen at once; each is there long enough to be read where the next one leaves the time.
void settle(std::vector<Cue>& cues, const CueLimits& limits) {
  std::stable_sort(cues.begin(), cues.end(), [](const Cue& a, const Cue& b) { return a.start < b.start; });
  for (std::size_t n = 0; n < cues.size(); ++n) {
    Cue& cue = cues[n];
    if (n > 0) cue.start = std::max(cue.start, cues[n - 1].end);
    const std::int64_t next = n + 1 < cues.size() ? cues[n + 1].start : std::numeric_limits<std::int64_t>::max();
    cue.end = std::max(cue.end, cue.start + limits.shortest);
    cue.end = std::max(std::min(cue.end, next), cue.start + 1);
  }
}

}  // namespace

Cues cues_of(const std::vector<Passage>& passages, const CueLimits& limits) {
  Cues out;
  for (const Passage& passage : passages) {
    if (base::trim(passage.text).empty()) continue;
    const auto words = timed_words(passage, limits);
    if (words.empty())
      ++out.without_time;
    else
      add_cues(out.cues, words, limits);
  }
  settle(out.cues, limits);
  return out;
}

}  // namespace clams::tool
