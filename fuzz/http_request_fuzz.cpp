// HTTP requests in one piece and bit by bit: limits hold, and where the bytes are cut changes nothing.
#include <cstdint>
#include <string>

#include "fuzz_check.hpp"
#include "request_head.hpp"

namespace {

constexpr std::size_t kMaxHeader = 2048;
constexpr std::uint64_t kMaxBody = 4096;

// The head's length when the bytes arrive in two parts.
std::size_t head_length(std::string_view bytes, std::size_t cut, clams::server::Refusal& refusal) {
  clams::server::HeadScanner scanner(kMaxHeader);
  std::size_t length = scanner.scan(bytes.substr(0, cut));
  if (length == 0 && !scanner.refusal()) length = scanner.scan(bytes);
  refusal = scanner.refusal();
  return length;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = clams::server::parse_request(bytes, kMaxHeader, kMaxBody);
  claim(whole.used <= bytes.size(), "more bytes used than there are");
  if (whole.refusal) {
    claim(whole.refusal.status >= 400 && whole.refusal.status < 600, "a refusal without a status of an error");
    claim(!whole.refusal.reason.empty(), "a refusal without a reason");
  } else if (whole.complete) {
    claim(!whole.head.request.method.empty() && !whole.head.request.path.empty(), "a request without method or path");
    claim(whole.head.request.body.size() <= kMaxBody, "a body over the limit");
    claim(!whole.head.chunked || whole.head.request.body.size() == 0 ||
              whole.head.request.body.text().capacity() >= whole.head.request.body.size() + clams::server::kBodyPadding,
          "a body without room behind it");
    claim(!(whole.head.chunked && whole.head.content_length != 0), "chunked and with a length");
  }
  clams::server::Refusal at_once, in_two;
  const std::size_t length = head_length(bytes, bytes.size(), at_once);
  for (const std::size_t cut : {std::size_t{1}, size / 2, size - (size > 0)}) {
    if (cut > size) continue;
    const std::size_t cut_length = head_length(bytes, cut, in_two);
    claim(at_once.status == in_two.status && (at_once || length == cut_length), "a cut changes the head");
  }
  return 0;
}
