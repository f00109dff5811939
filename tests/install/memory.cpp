#include <iostream>

#include "base/bytes.hpp"
#include "vram/admission.hpp"

int main() {
  std::cout << vram::Headroom::percent(25).of(base::Bytes(1000)).count() << '\n';
  return 0;
}
