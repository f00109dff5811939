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

}  // namespace

base::Result<Envelope> parse_envelope(std::string text) {
  text.reserve(text.size() + kPadding);
  auto bytes = std::make_shared<const std::string>(std::move(text));
  const CheckerScope checker;
  BASE_TRY_ASSIGN(const Structurals structurals, checker->check(*bytes));
  Envelope envelope;
  std::size_t first = 0;
  if ((*bytes)[structurals[0]] == '{') {
    const std::vector<Member> members = top_level_members(*bytes, structurals);
    if (const Member* parameters = last_named(members, "parameters")) {
      envelope.is_envelope = true;
      Value value = read_value(parameters->value);
      if (value.object() == nullptr) {
        return Error{ErrorCode::InvalidDocument, "\"parameters\" must be a JSON object, got " + std::string(python_type_name(value))};
      }
      envelope.parameters = std::move(*value.object());
      const Member* inner = last_named(members, "mmif");
      if (inner == nullptr) return Error{ErrorCode::InvalidDocument, "Envelope is missing required \"mmif\" key"};
      first = inner->structural;
    }
  }
  BASE_TRY_ASSIGN(const DocumentIndex index, index_mmif(*bytes, structurals, first));
  envelope.mmif = MmifBuilder::build(std::move(bytes), index, first);
  return envelope;
}

}  // namespace mmif
