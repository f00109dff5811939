// Turning bytes into a request, and saying no to bytes that are not one. Everything here works on memory only (no sockets, no
// clock), so that tests and fuzz targets call the same code as the server. Not thread-safe; no global state.
//
// Stricter than the HTTP library on purpose, because a lenient reader behind a proxy is how requests are smuggled:
//   refused with 400: bare line feeds, folded header lines, any Transfer-Encoding other than exactly "chunked", Transfer-Encoding
//   in HTTP/1.0 or together with Content-Length, differing Content-Lengths, signs or garbage in lengths and chunk sizes, control
//   characters, methods that are not upper case, HTTP/1.1 without a Host, a second Host, a Host that is none (an empty one too).
//   refused with 415: a body in a content coding (gzip and the like); no client of CLAMS sends one.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "clams/server/http.hpp"

namespace clams::server {

// Why a request is not served. `reason` points to a literal. status 0: no refusal.
struct Refusal {
  unsigned status = 0;
  std::string_view reason;
  explicit operator bool() const noexcept { return status != 0; }
};

// Finds the end of a request head in bytes that arrive bit by bit; each byte is looked at once. Refuses as early as it can, so that
// neither a TLS hello nor a header without an end is waited for. Where the bytes are cut changes nothing.
class HeadScanner {
 public:
  explicit HeadScanner(std::size_t max_header) : max_header_(max_header) {}
  // `bytes`: all bytes since the start of this request, those of earlier calls included.
  // Returns the length of the head with its closing empty line, or 0 when more bytes are needed or `refusal()` is set.
  std::size_t scan(std::string_view bytes);
  const Refusal& refusal() const noexcept { return refusal_; }
  // Empty lines before the request line (at most kLeadingBytes, RFC 9112 section 2.2); the head proper begins there.
  std::size_t leading() const noexcept { return leading_; }

 private:
  static constexpr std::size_t kLeadingBytes = 4;
  bool skip_leading(std::string_view bytes);
  std::size_t scan_lines(std::string_view bytes);
  bool check_line_end(std::string_view bytes, std::size_t newline);
  std::size_t refuse(unsigned status, std::string_view reason);

  std::size_t max_header_;
  std::size_t leading_ = 0;
  std::size_t scanned_ = 0;     // everything before was looked at
  std::size_t line_start_ = 0;  // of the line that has not ended yet
  bool start_found_ = false;
  bool method_checked_ = false;
  Refusal refusal_;
};

class BodyBuffer;

struct RequestHead {
  HttpRequest request;  // method, path, query, headers; body, id and remote are left alone
  std::uint64_t content_length = 0;
  bool chunked = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool http_1_0 = false;
  bool has_body() const noexcept { return chunked || content_length != 0; }
};

inline constexpr std::size_t kMaxHeaderFields = 256;  // more: 431

// Reads one complete head, as found by HeadScanner and without its leading lines. `out` is reused: its old values go, capacity
// stays.
Refusal parse_head(std::string_view head, RequestHead& out);

// Decodes a chunked body. Trailers are read and dropped.
class ChunkedBody {
 public:
  // `head`: the request's head, already accepted by parse_head. `max_body` bounds the joined body, `max_line` one chunk header.
  ChunkedBody(std::string_view head, std::uint64_t max_body, std::size_t max_line);
  ~ChunkedBody();
  ChunkedBody(ChunkedBody&&) noexcept;
  ChunkedBody& operator=(ChunkedBody&&) noexcept;
  ChunkedBody(const ChunkedBody&) = delete;
  ChunkedBody& operator=(const ChunkedBody&) = delete;

  // Takes as much of `bytes` as it can and appends what it decodes to `body`.
  // Returns the bytes used; the caller presents the rest again, with more behind it, unless done() or refusal().
  std::size_t feed(std::string_view bytes, BodyBuffer& body);
  bool done() const noexcept;
  const Refusal& refusal() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A whole request from one piece of memory; what the fuzz target calls. `complete` is false when bytes are missing.
struct WholeRequest {
  RequestHead head;
  Refusal refusal;
  bool complete = false;
  std::size_t used = 0;
};
WholeRequest parse_request(std::string_view bytes, std::size_t max_header, std::uint64_t max_body);

}  // namespace clams::server
