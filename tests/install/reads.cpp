#include <iostream>

#include "mmif/mmif.hpp"

int main() {
  const auto mmif = mmif::Mmif::parse(R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": []})");
  if (!mmif) {
    std::cerr << mmif.error().message << '\n';
    return 1;
  }
  std::cout << (*mmif)->version_uri() << '\n';
  return 0;
}
