// The Date header, made once a second.
#pragma once
#include <array>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

namespace clams::server {

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7); strftime would follow the process's locale.
inline std::string http_date(std::time_t when) {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  ::gmtime_r(&when, &utc);
  std::array<char, 96> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
      kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return {text.data(), static_cast<std::size_t>(length)};
}

class DateCache {
 public:
  std::string_view now() {
    const std::time_t second = std::time(nullptr);
    if (second != second_) text_ = http_date(second_ = second);
    return text_;
  }

 private:
  std::time_t second_ = -1;
  std::string text_;
};

}  // namespace clams::server
