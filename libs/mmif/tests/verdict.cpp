// What the reader takes: documents on standard input, each as its length in decimal, a line feed and its bytes; for each a line on
// standard output, "ok" or "refused: reason".
#include <charconv>
#include <iostream>
#include <string>

#include "mmif/mmif.hpp"

namespace {

bool read_length(std::size_t& length) {
  std::string line;
  do {  // a line feed may stand after a document
    if (!std::getline(std::cin, line)) return false;
  } while (line.empty());
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), length);
  return error == std::errc() && end == line.data() + line.size();
}

std::string on_one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  std::size_t length = 0;
  while (read_length(length)) {
    std::string text(length, '\0');
    if (!std::cin.read(text.data(), static_cast<std::streamsize>(length))) return 2;
    const auto mmif = mmif::Mmif::parse(std::move(text));
    std::cout << (mmif ? "ok" : "refused: " + on_one_line(mmif.error().message)) << "\n";
  }
  return std::cin.eof() ? 0 : 2;
}
