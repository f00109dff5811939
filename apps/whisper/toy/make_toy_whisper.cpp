// make_toy_whisper OUT.bin f16|q8_0 en|many: writes the model for tests; see toy_model.hpp for what it answers.
#include <cstdio>
#include <string>

#include "toy/toy_model.hpp"

namespace {

constexpr const char* kUsage = "usage: make_toy_whisper OUT.bin f16|q8_0 en|many\n";

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fputs(kUsage, stderr), 2;
  const std::string type = argv[2], languages = argv[3];
  if ((type != "f16" && type != "q8_0") || (languages != "en" && languages != "many")) return std::fputs(kUsage, stderr), 2;
  const bool written = toy::write_toy_model(argv[1], type == "f16" ? toy::TensorType::F16 : toy::TensorType::Q8_0,
                                            languages == "en" ? toy::Languages::English : toy::Languages::Many);
  if (!written)
    return std::fprintf(stderr, "make_toy_whisper: cannot write %s; is there room, and is the folder writable?\n", argv[1]), 1;
  return 0;
}
