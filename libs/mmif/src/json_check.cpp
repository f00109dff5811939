#include "json_check.hpp"

#include <simdjson.h>

#include <algorithm>
#include <string>
#include <vector>

#include "json_diagnose.hpp"
#include "json_grammar.hpp"
#include "mmif/json.hpp"

namespace mmif {
namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t kKeptCapacity = std::size_t{4} << 20;  // buffers for documents up to this size stay with the thread
constexpr std::size_t kLeastCapacity = 16384;

bool has_byte_order_mark(std::string_view text) { return text.substr(0, 3) == "\xEF\xBB\xBF"; }

}  // namespace

// simdjson's first stage checks UTF-8, quotes and control characters and finds the structural characters. Its second stage would
// build a tree (three times the text) and refuse what Python writes; json_grammar.cpp takes its place.
struct JsonChecker::Impl {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> scanner;
  std::vector<Bracketed> wide;

  simdjson::error_code scan(std::string_view text) {
    if (!scanner || scanner->capacity() < text.size()) {
      scanner.reset();
      const std::size_t capacity =
          text.size() > kKeptCapacity ? text.size() : std::max(kLeastCapacity, std::min(kKeptCapacity, 2 * text.size()));
      const auto* implementation = static_cast<const simdjson::implementation*>(simdjson::get_active_implementation());
      if (const auto error = implementation->create_dom_parser_implementation(capacity, 1, scanner)) return error;
    }
    return scanner->stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), simdjson::stage1_mode::regular);
  }
};

JsonChecker::JsonChecker() : impl_(std::make_unique<Impl>()) {}
JsonChecker::~JsonChecker() = default;

base::Result<Structurals> JsonChecker::check(std::string_view text) {
  if (text.size() >= UINT32_MAX - kPadding) {
    return Error{ErrorCode::InvalidDocument,
                 "the text has " + std::to_string(text.size()) + " bytes; JSON texts of 4 GiB and more cannot be read"};
  }
  if (text.empty() || has_byte_order_mark(text)) return diagnose_json(text);
  const simdjson::error_code error = impl_->scan(text);
  if (error == simdjson::MEMALLOC) {
    return Error{ErrorCode::Unavailable, "out of memory while reading a JSON text of " + std::to_string(text.size()) + " bytes"};
  }
  if (error != simdjson::SUCCESS) return diagnose_json(text);
  const std::span<const std::uint32_t> offsets(impl_->scanner->structural_indexes.get(), impl_->scanner->n_structural_indexes);
  if (!is_json_value(text, offsets, impl_->wide)) return diagnose_json(text);
  return Structurals{offsets, impl_->wide};
}

void JsonChecker::shrink() noexcept {
  if (impl_->scanner && impl_->scanner->capacity() > kKeptCapacity) impl_->scanner.reset();
  if (impl_->wide.capacity() * sizeof(Bracketed) > kKeptCapacity / 4) std::vector<Bracketed>().swap(impl_->wide);
}

JsonChecker& thread_checker() {
  thread_local JsonChecker checker;
  return checker;
}

}  // namespace mmif
