// JSON and MMIF readers on arbitrary bytes: the same verdicts as simdjson's DOM (where Python's dialect says nothing else), and
// what is taken survives writing and reading.
#include <simdjson.h>

#include <cstdint>
#include <string>

#include "fuzz_check.hpp"
#include "mmif/json.hpp"
#include "mmif/mmif.hpp"
#include "mmif/time.hpp"

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What Python's reader takes and simdjson does not: NaN and infinities, lone surrogates, integers and exponents of any size. True
// when in doubt.
bool may_be_in_pythons_dialect(std::string_view text) {
  if (text.find("NaN") != std::string_view::npos || text.find("Infinity") != std::string_view::npos) return true;
  if (text.find("\\ud") != std::string_view::npos || text.find("\\uD") != std::string_view::npos) return true;
  std::size_t run = 0;
  bool exponent = false;
  for (const char c : text) {
    run = is_digit(c) ? run + 1 : 0;
    exponent = c == 'e' || c == 'E' || (exponent && (is_digit(c) || c == '+' || c == '-'));
    if (run >= 19 || (exponent && run >= 3)) return true;
  }
  return false;
}

void compare_with_simdjson(std::string_view text, bool taken) {
  if (text.starts_with("\xEF\xBB\xBF")) return;  // simdjson's versions differ
  simdjson::dom::parser parser;
  const auto error = parser.parse(simdjson::padded_string(text)).error();
  if (error == simdjson::SUCCESS) {
    // simdjson's limit is 1024 levels, ours 1000.
    claim(taken || mmif::parse_json(text).error().message.find("Nesting") != std::string::npos,
          "simdjson takes a text that we refuse");
  } else {
    claim(!taken || may_be_in_pythons_dialect(text), "we take a text that simdjson refuses");
  }
}

void look_around(const mmif::Mmif& mmif) {
  int left = 16;  // annotations to look at closely
  for (const auto& view : mmif.views()) {
    (void)view->app();
    (void)view->contains(mmif::types::TimeFrame);
    for (const auto& annotation : view->annotations()) {
      claim(mmif.find(annotation->id()) != nullptr, "an annotation is not found by its id");
      if (--left < 0) continue;
      (void)annotation->find("label");
      (void)mmif.aligned_with(*annotation);
      (void)mmif::extent_ms(mmif, *annotation);
      (void)mmif::document_of(mmif, *annotation);
      if (annotation->location().empty()) (void)mmif::text_of(mmif, *annotation);
    }
  }
  for (const auto& document : mmif.documents()) {
    claim(mmif.document(document->id()) == document.get(), "a document is not found by its id");
    (void)document->location_path();
    if (--left > 0) (void)mmif.views_for(document->id());
  }
}

void check_document(std::string_view text) {
  const auto mmif = mmif::Mmif::parse(std::string(text));
  if (!mmif) return;
  look_around(**mmif);
  const std::string written = (*mmif)->write().to_string();
  const auto again = mmif::Mmif::parse(written);
  claim(again.has_value(), "what we wrote is refused");
  claim((*again)->write().to_string() == written, "writing twice gives two texts");
  claim(*mmif::parse_json((*mmif)->write(true).to_string()) == *mmif::parse_json(written), "the pretty form says something else");
  for (const auto& view : (*mmif)->views()) view->edit_metadata();
  const std::string touched = (*mmif)->write().to_string();
  const auto third = mmif::Mmif::parse(touched);
  claim(third.has_value(), "a touched document is refused");
  for (const auto& view : (*third)->views()) view->edit_metadata();
  claim((*third)->write().to_string() == touched, "touching twice gives two texts");
  claim((*mmif)->pristine()->write().to_string() == written, "pristine() is not the input");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = mmif::parse_json(text);
  compare_with_simdjson(text, value.has_value());
  if (!value) {
    claim(!value.error().message.empty() && value.error().message != "the text is not valid JSON", "a refusal without a reason");
    return 0;
  }
  for (const bool pretty : {false, true}) {
    const auto again = mmif::parse_json(mmif::to_mmif_text(*value, pretty));
    claim(again && *again == *value, "a value does not survive writing");
  }
  (void)mmif::python_repr(*value);
  (void)mmif::to_metadata_text(*value);
  check_document(text);
  return 0;
}
