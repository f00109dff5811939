// Files of the profile store, which anyone with access to the folder may have written.
#include <cstdint>
#include <string_view>

#include "fuzz_check.hpp"
#include "profile/document.hpp"
#include "profile/facts.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto document = vram::profile::parse_document(text)) {
    if (document->parameters.empty()) document->parameters = "{}";  // the store fills them in before it writes
    claim(vram::profile::parse_document(vram::profile::to_text(*document)).has_value(), "a profile does not survive writing");
  } else {
    claim(!document.error().message.empty(), "a refusal without a reason");
  }
  if (const auto facts = vram::profile::parse_facts(text))
    claim(vram::profile::parse_facts(vram::profile::to_text(*facts)).has_value(), "facts do not survive writing");
  else
    claim(!facts.error().message.empty(), "a refusal without a reason");
  (void)vram::profile::parse_number(text);
  return 0;
}
