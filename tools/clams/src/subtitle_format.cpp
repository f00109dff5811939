#include "subtitle_format.hpp"

#include <array>
#include <cstdio>

namespace clams::tool {
namespace {

std::string time_text(std::int64_t milliseconds, char before_fraction) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%02lld:%02d:%02d%c%03d", static_cast<long long>(milliseconds / 3'600'000),
                static_cast<int>(milliseconds / 60'000 % 60), static_cast<int>(milliseconds / 1000 % 60), before_fraction,
                static_cast<int>(milliseconds % 1000));
  return text.data();
}

std::string times(const Cue& cue, char before_fraction) {
  return time_text(cue.start, before_fraction) + " --> " + time_text(cue.end, before_fraction) + "\n";
}

std::string escaped(const std::string& line) {
  std::string out;
  for (const char c : line) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string srt_text(const std::vector<Cue>& cues) {
  std::string out;
  std::size_t number = 0;
  for (const Cue& cue : cues) {
    out += std::to_string(++number) + "\n" + times(cue, ',');
    for (const std::string& line : cue.lines) out += line + "\n";
    out += "\n";
  }
  return out;
}

std::string vtt_text(const std::vector<Cue>& cues) {
  std::string out = "WEBVTT\n\n";
  for (const Cue& cue : cues) {
    out += times(cue, '.');
    for (const std::string& line : cue.lines) out += escaped(line) + "\n";
    out += "\n";
  }
  return out;
}

}  // namespace clams::tool
