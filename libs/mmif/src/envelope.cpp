#include <algorithm>

#include "document_index.hpp"
#include "json_check.hpp"
#include "json_scan.hpp"
#include "mmif/mmif.hpp"
#include "mmif_build.hpp"

namespace mmif {
namespace {

using base::Error;
using base::ErrorCode;

const Member* last_named(const std::vector<Member>& members, std::string_view key) {
  const auto at = std::find_if(members.rbegin(), members.rend(), [&](const Member& member) { return member.key == key; });
  return at == members.rend() ? nullptr : &*at;
}

struct Opened {
  EnvelopeLook look;
  DocumentIndex index;
  std::size_t first = 0;  // structural at which the MMIF begins
};

base::Result<Opened> open_envelope(std::string_view text, JsonChecker& checker) {
  BASE_TRY_ASSIGN(const Structurals structurals, checker.check(text));
  Opened opened;
  if (text[structurals[0]] == '{') {
    const std::vector<Member> members = top_level_members(text, structurals);
    if (const Member* parameters = last_named(members, "parameters")) {
      opened.look.is_envelope = true;
      Value value = read_value(parameters->value);
      if (value.object() == nullptr) {
        return Error{ErrorCode::InvalidDocument,
                     "\"parameters\" must be a JSON object, got " + std::string(python_type_name(value))};
      }
      opened.look.parameters = std::move(*value.object());
      const Member* inner = last_named(members, "mmif");
      if (inner == nullptr) return Error{ErrorCode::InvalidDocument, "Envelope is missing required \"mmif\" key"};
      opened.first = inner->structural;
    }
  }
  BASE_TRY_ASSIGN(opened.index, index_mmif(text, structurals, opened.first));
  return opened;
}

}  // namespace

static_assert(kReadPadding == kPadding);

base::Result<EnvelopeLook> look_into_envelope(std::string_view text) {
  const CheckerScope checker;
  BASE_TRY_ASSIGN(Opened opened, open_envelope(text, *checker));
  return std::move(opened.look);
}

base::Result<Envelope> parse_envelope(std::string text) {
  text.reserve(text.size() + kPadding);
  auto bytes = std::make_shared<const std::string>(std::move(text));
  const CheckerScope checker;
  BASE_TRY_ASSIGN(Opened opened, open_envelope(*bytes, *checker));
  Envelope envelope;
  envelope.is_envelope = opened.look.is_envelope;
  envelope.parameters = std::move(opened.look.parameters);
  envelope.mmif = MmifBuilder::build(std::move(bytes), opened.index, opened.first);
  return envelope;
}

}  // namespace mmif
