#include "media/gap.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace media {
namespace {

using std::chrono::milliseconds;

const char* reason_in_words(Gap::Reason reason) noexcept {
  switch (reason) {
    case Gap::Reason::EndsEarly: return "the file ends early";
    case Gap::Reason::Damaged: return "damaged";
    case Gap::Reason::Jump: return "the time stamps jump";
  }
  return "unknown";
}

std::string seconds(milliseconds time) {
  char text[48];
  std::snprintf(text, sizeof text, "%lld.%03d s", static_cast<long long>(time.count() / 1000),
                static_cast<int>(time.count() % 1000));
  return text;
}

// The `most` longest, in the order of their times.
std::vector<Gap> longest(std::vector<Gap> gaps, std::size_t most) {
  if (gaps.size() <= most) return gaps;
  std::stable_sort(gaps.begin(), gaps.end(), [](const Gap& a, const Gap& b) { return a.length() > b.length(); });
  gaps.resize(most);
  std::sort(gaps.begin(), gaps.end(), [](const Gap& a, const Gap& b) { return a.from < b.from; });
  return gaps;
}

std::string gaps_in_words(const Completeness& completeness, std::size_t most) {
  const auto named = longest(completeness.gaps, most);
  char share[32];
  std::snprintf(share, sizeof share, " (%.1f %%)", completeness.missing_share() * 100);
  std::string text = seconds(completeness.missing()) + " of " + seconds(completeness.expected) + share + " are missing: ";
  for (std::size_t n = 0; n < named.size(); ++n) {
    if (n > 0) text += ", ";
    text += clock_time(named[n].from) + " to " + clock_time(named[n].to) + " (" + reason_in_words(named[n].reason) + ")";
  }
  if (const std::size_t rest = completeness.gaps.size() - named.size(); rest > 0)
    text += ", and " + std::to_string(rest) + " shorter";
  return text;
}

std::string steps_in_words(const std::vector<StepBack>& steps) {
  std::string text = "the time stamps step back by " + seconds(steps.front().by) + " at " + clock_time(steps.front().at);
  if (steps.size() > 1) text += " and " + std::to_string(steps.size() - 1) + " more times";
  return text + ", what follows is timed as if they went on";
}

}  // namespace

const char* name_of(Gap::Reason reason) noexcept {
  switch (reason) {
    case Gap::Reason::EndsEarly: return "ends-early";
    case Gap::Reason::Damaged: return "damaged";
    case Gap::Reason::Jump: return "jump";
  }
  return "unknown";
}

milliseconds Completeness::missing() const noexcept {
  milliseconds sum{0};
  for (const auto& gap : gaps) sum += gap.length();
  return sum;
}

double Completeness::missing_share() const noexcept {
  if (expected <= milliseconds(0)) return gaps.empty() ? 0 : 1;
  return std::min(1.0, static_cast<double>(missing().count()) / static_cast<double>(expected.count()));
}

void add_gap(std::vector<Gap>& gaps, Gap gap) {
  if (!gaps.empty()) {
    Gap& last = gaps.back();
    if (last.reason == gap.reason && gap.from <= last.to) {
      last.to = std::max(last.to, gap.to);
      return;
    }
    gap.from = std::max(gap.from, last.to);
  }
  if (gap.from < gap.to) gaps.push_back(gap);
}

std::string describe(const Completeness& completeness, std::size_t most) {
  std::string text = completeness.gaps.empty() ? std::string() : gaps_in_words(completeness, most);
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
  if (!completeness.steps_back.empty()) add(steps_in_words(completeness.steps_back));
  if (completeness.cut_at) add("the file is cut off at " + clock_time(*completeness.cut_at) + ", how much is missing is not known");
  return text;
}

std::string clock_time(milliseconds time) {
  const std::int64_t ms = std::abs(time.count());
  const auto part = [ms](std::int64_t unit, std::int64_t of) { return static_cast<int>(ms / unit % of); };
  const auto hours = static_cast<long long>(ms / 3'600'000);
  const char* sign = time.count() < 0 ? "-" : "";
  char text[48];
  if (hours > 0)
    std::snprintf(text, sizeof text, "%s%lld:%02d:%02d.%03d", sign, hours, part(60'000, 60), part(1000, 60), part(1, 1000));
  else
    std::snprintf(text, sizeof text, "%s%d:%02d.%03d", sign, part(60'000, 60), part(1000, 60), part(1, 1000));
  return text;
}

}  // namespace media
