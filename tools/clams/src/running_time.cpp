#include "running_time.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace clams::tool {
namespace {

// Digits at the start of `text`, `least` to `most` of them; they are taken off.
std::optional<std::int64_t> take_digits(std::string_view& text, std::size_t least, std::size_t most) {
  std::size_t count = 0;
  while (count < text.size() && count < most && text[count] >= '0' && text[count] <= '9') ++count;
  if (count < least) return std::nullopt;
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + count, value);
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

// "1 day, ", "-2 days, "; zero when the text does not begin so.
std::optional<std::int64_t> take_days(std::string_view& text) {
  if (text.find(" day") == std::string_view::npos) return 0;
  const bool negative = take(text, "-");
  const auto days = take_digits(text, 1, 9);
  if (!days || !(take(text, " days, ") || take(text, " day, "))) return std::nullopt;
  return negative ? -*days : *days;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_running_time(std::string_view text) {
  const auto days = take_days(text);
  if (!days) return std::nullopt;
  const auto hours = take_digits(text, 1, 9);
  if (!hours || !take(text, ":")) return std::nullopt;
  const auto minutes = take_digits(text, 1, 2);
  if (!minutes || *minutes > 59 || !take(text, ":")) return std::nullopt;
  const auto seconds = take_digits(text, 1, 2);
  if (!seconds || *seconds > 59) return std::nullopt;
  std::int64_t thousandths = 0;
  if (take(text, ".")) {
    const std::size_t digits = std::min<std::size_t>(text.size(), 3);
    const auto fraction = take_digits(text, 1, 3);
    if (!fraction || !take_digits(text, 0, 6 - digits)) return std::nullopt;
    thousandths = *fraction * (digits == 1 ? 100 : digits == 2 ? 10 : 1);
  }
  if (!text.empty()) return std::nullopt;
  return std::chrono::days(*days) + std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + std::chrono::seconds(*seconds) +
         std::chrono::milliseconds(thousandths);
}

}  // namespace clams::tool
