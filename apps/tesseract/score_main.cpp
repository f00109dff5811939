// ocr_score KNOWN.txt READ: the character error rate of a text, or of the texts of an MMIF file's last view that has any, against
// the known text.
#include <cstdio>
#include <string>

#include "base/fd.hpp"
#include "ocr/score.hpp"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs(
        "usage: ocr_score KNOWN.txt READ.txt\nprints the character error rate of READ.txt, white space runs counted as one space\n",
        stderr);
    return 2;
  }
  const auto known = base::read_file(argv[1]);
  const auto read = base::read_file(argv[2]);
  for (const auto* file : {&known, &read})
    if (!*file) {
      std::fprintf(stderr, "ocr_score: %s\n", file->error().message.c_str());
      return 1;
    }
  const ocr::Score score = ocr::character_errors(*known, *read);
  std::printf("character error rate %.2f %% (%zu of %zu characters)\n", 100 * score.rate(), score.edits, score.characters);
  return 0;
}
