#include "json_check.hpp"

#include <simdjson.h>

#include <string>

#include "json_diagnose.hpp"
#include "json_neutral.hpp"
#include "mmif/json.hpp"

namespace mmif {
namespace {

constexpr std::size_t kKeptCapacity = std::size_t{2} << 20;  // buffers for documents up to this size stay with the thread

bool has_byte_order_mark(std::string_view text) { return text.substr(0, 3) == "\xEF\xBB\xBF"; }

}  // namespace

struct JsonChecker::Impl {
  std::unique_ptr<simdjson::dom::parser> parser;
  std::string neutral;

  simdjson::error_code parse(std::string_view text) {
    if (!parser) {
      parser = std::make_unique<simdjson::dom::parser>();
      if (const auto error = parser->allocate(16384, kMaxDepth)) return error;  // grows with the text, the depth stays
    }
    return parser->parse(text.data(), text.size(), false).error();
  }
};

JsonChecker::JsonChecker() : impl_(std::make_unique<Impl>()) {}
JsonChecker::~JsonChecker() = default;

base::Result<Structurals> JsonChecker::check(std::string_view text) {
  if (text.size() >= UINT32_MAX - kPadding) {
    return base::Error{base::ErrorCode::InvalidDocument, "the text has " + std::to_string(text.size()) + " bytes; JSON texts of 4 GiB and more cannot be read"};
  }
  if (has_byte_order_mark(text)) return diagnose_json(text);
  simdjson::error_code error = impl_->parse(text);
  if (error != simdjson::SUCCESS) {
    // Python apps write what JSON forbids (NaN, lone surrogates, large integers): a copy of the same length without these goes through the strict
    // parser; offsets stay valid for the original.
    if (error == simdjson::MEMALLOC) return base::Error{base::ErrorCode::Unavailable, "out of memory while reading a JSON text of " + std::to_string(text.size()) + " bytes"};
    impl_->neutral.assign(text);
    const bool changed = neutralise_json(impl_->neutral);
    impl_->neutral.append(kPadding, ' ');
    if (changed) error = impl_->parse(std::string_view(impl_->neutral).substr(0, text.size()));
    if (error != simdjson::SUCCESS) return diagnose_json(text);
  }
  const auto& implementation = *impl_->parser->implementation;
  return Structurals(implementation.structural_indexes.get(), implementation.n_structural_indexes);
}

void JsonChecker::shrink() noexcept {
  if (impl_->parser && impl_->parser->capacity() > kKeptCapacity) impl_->parser.reset();
  if (impl_->neutral.capacity() > kKeptCapacity) std::string().swap(impl_->neutral);
}

JsonChecker& thread_checker() {
  thread_local JsonChecker checker;
  return checker;
}

}  // namespace mmif
