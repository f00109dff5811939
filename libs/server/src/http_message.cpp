#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "clams/server/http.hpp"

namespace clams::server {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

const std::string& RequestBody::text() const noexcept {
  if (is_shared()) std::abort();
  return text_;
}

std::string RequestBody::take_text() && {
  if (is_shared()) std::abort();
  return std::exchange(text_, {});
}

base::Result<worker::Document> RequestBody::take_document() && {
  if (auto shared = std::exchange(shared_, std::nullopt)) return std::move(*shared).finish();
  return worker::Document::of(std::exchange(text_, {}));
}

BodySlices BodySlices::of(std::string text) {
  auto owner = std::make_shared<const std::string>(std::move(text));
  BodySlices out;
  out.slices.emplace_back(*owner);
  out.owner = std::move(owner);
  return out;
}

std::size_t BodySlices::size() const noexcept {
  return std::accumulate(slices.begin(), slices.end(), std::size_t{0},
                         [](std::size_t sum, std::string_view slice) { return sum + slice.size(); });
}

}  // namespace clams::server
