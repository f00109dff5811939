// HTTP requests in one piece and bit by bit: limits hold, and where the bytes are cut changes nothing.
#include <cstdint>
#include <string>

#include "body_buffer.hpp"
#include "fuzz_check.hpp"
#include "request_head.hpp"

namespace {

using namespace clams::server;

constexpr std::size_t kMaxHeader = 512;  // small, so that inputs soon reach it
constexpr std::uint64_t kMaxBody = 4096;

struct Head {
  std::size_t length = 0;
  std::size_t leading = 0;
  Refusal refusal;
};

// The head when `step` more bytes arrive each time, the first `begin` at once.
Head head_of(std::string_view bytes, std::size_t begin, std::size_t step) {
  HeadScanner scanner(kMaxHeader);
  std::size_t length = 0;
  for (std::size_t have = begin;; have += step) {
    length = scanner.scan(bytes.substr(0, have));
    if (length != 0 || scanner.refusal() || have >= bytes.size()) break;
  }
  return {length, scanner.leading(), scanner.refusal()};
}

struct Chunked {
  std::string body;
  std::size_t used = 0;
  bool done = false;
  bool refused = false;
};

// The chunked body when `step` more bytes arrive each time. What feed() leaves comes again with more behind it, as the contract
// says.
Chunked chunked_of(std::string_view head, std::string_view bytes, std::size_t step) {
  ChunkedBody decoder(head, kMaxBody, kMaxHeader);
  auto joined = BodyBuffer::growing(kMaxBody, false);
  Chunked out;
  for (std::size_t have = step;; have += step) {
    out.used += decoder.feed(bytes.substr(out.used, have - out.used), joined);
    if (decoder.done() || decoder.refusal() || have >= bytes.size()) break;
  }
  out.body = std::move(joined).finish().text();
  out.done = decoder.done();
  out.refused = static_cast<bool>(decoder.refusal());
  return out;
}

void check_whole(std::string_view bytes) {
  const auto whole = parse_request(bytes, kMaxHeader, kMaxBody);
  claim(whole.used <= bytes.size(), "more bytes used than there are");
  if (whole.refusal) {
    claim(whole.refusal.status >= 400 && whole.refusal.status < 600, "a refusal without a status of an error");
    claim(!whole.refusal.reason.empty(), "a refusal without a reason");
  } else if (whole.complete) {
    const auto& request = whole.head.request;
    claim(!request.method.empty() && !request.path.empty(), "a request without method or path");
    claim(request.body.size() <= kMaxBody, "a body over the limit");
    claim(!whole.head.chunked || request.body.size() == 0 || request.body.text().capacity() >= request.body.size() + kBodyPadding,
          "a body without room behind it");
    claim(!(whole.head.chunked && whole.head.content_length != 0), "chunked and with a length");
  }
}

void check_cuts(std::string_view bytes) {
  const auto whole = head_of(bytes, bytes.size(), 1);
  claim(whole.length <= whole.leading + kMaxHeader, "a head over the limit");
  for (const auto& other : {head_of(bytes, 0, 1), head_of(bytes, bytes.size() / 2, bytes.size()), head_of(bytes, 0, 7)}) {
    claim(whole.refusal.status == other.refusal.status && whole.refusal.reason == other.refusal.reason,
          "a cut changes the refusal");
    claim(whole.length == other.length && whole.leading == other.leading, "a cut changes the head");
  }
  if (whole.length == 0) return;
  const auto head = bytes.substr(whole.leading, whole.length - whole.leading);
  RequestHead parsed;
  if (parse_head(head, parsed) || !parsed.chunked) return;
  const auto rest = bytes.substr(whole.length);
  const auto at_once = chunked_of(head, rest, rest.size() + 1);
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
    const auto other = chunked_of(head, rest, step);
    claim(at_once.refused == other.refused, "a cut changes whether a chunked body is refused");
    claim(at_once.done == other.done, "a cut changes whether a chunked body is complete");
    claim(!at_once.done || (at_once.body == other.body && at_once.used == other.used), "a cut changes a chunked body");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_whole(bytes);
  check_cuts(bytes);
  return 0;
}
