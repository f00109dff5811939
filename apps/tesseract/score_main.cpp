// ocr_score KNOWN.txt READ: how many characters of a known text were read wrongly. READ is an MMIF file (the text documents of its
// last view that has any are taken) or plain text.
#include <cstdio>
#include <string>

#include "base/fd.hpp"
#include "base/text.hpp"
#include "mmif/mmif.hpp"
#include "ocr/score.hpp"

namespace {

constexpr const char* kUsage =
    "usage: ocr_score KNOWN.txt READ\n"
    "Prints the character error rate of READ against the text KNOWN.txt. READ is an MMIF file, of which the last view\n"
    "with text documents is taken, or a text file. Runs of white space count as one space.\n";

base::Result<std::string> text_of_mmif(const std::string& path, std::string bytes) {
  BASE_TRY_ASSIGN(const auto mmif, mmif::Mmif::parse(std::move(bytes)));
  const mmif::View* view = mmif->last_view_containing(mmif::types::TextDocument);
  if (view == nullptr) return base::Error{base::ErrorCode::NotFound, "no view of \"" + path + "\" has a text document"};
  std::string text;
  for (const auto* document : view->annotations(mmif::types::TextDocument)) {
    BASE_TRY_ASSIGN(const std::string part, document->text());
    text += part + "\n";
  }
  return text;
}

base::Result<std::string> read_text(const std::string& path) {
  BASE_TRY_ASSIGN(std::string bytes, base::read_file(path));
  if (base::trim(bytes).starts_with('{')) return text_of_mmif(path, std::move(bytes));
  return bytes;
}

base::Result<ocr::Score> score(const std::string& known_path, const std::string& read_path) {
  BASE_TRY_ASSIGN(const std::string known, base::read_file(known_path));
  BASE_TRY_ASSIGN(const std::string read, read_text(read_path));
  return ocr::character_errors(known, read);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--help") return std::fputs(kUsage, stdout) < 0 ? 1 : 0;
  if (argc != 3) return std::fputs(kUsage, stderr), 2;
  const auto result = score(argv[1], argv[2]);
  if (!result) return std::fprintf(stderr, "ocr_score: %s\n", result.error().message.c_str()), 1;
  std::printf("character error rate: %.2f %% (%zu errors in %zu characters)\n", 100 * result->rate(), result->edits,
              result->characters);
  return 0;
}
