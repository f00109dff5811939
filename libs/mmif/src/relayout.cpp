#include "relayout.hpp"

#include "json_scan.hpp"

namespace mmif {

std::string relayout(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  std::size_t level = 0;
  const auto line = [&] {
    out += '\n';
    out.append(level * 2, ' ');
  };
  for (std::size_t at = skip_space(text, 0); at < text.size(); at = skip_space(text, at)) {
    const char c = text[at];
    if (c == '{' || c == '[') {
      const std::size_t next = skip_space(text, at + 1);
      out += c;
      if (text[next] == '}' || text[next] == ']') {
        out += text[next];
        at = next + 1;
        continue;
      }
      ++level;
      line();
      ++at;
    } else if (c == '}' || c == ']') {
      --level;
      line();
      out += c;
      ++at;
    } else if (c == ',') {
      out += c;
      line();
      ++at;
    } else if (c == ':') {
      out += ": ";
      ++at;
    } else {
      // A string may be followed by ':', which ends no scalar; strings end at their quote.
      const std::size_t end = skip_value(text, at);
      out.append(text, at, end - at);
      at = end;
    }
  }
  return out;
}

}  // namespace mmif
