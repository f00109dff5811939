// parse_head and ChunkedBody on top of Beast's parser. Included by http_server.cpp only: the one translation unit that pays for
// Beast.
#pragma once
#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>

#include "body_buffer.hpp"
#include "field_values.hpp"
#include "request_head.hpp"

namespace clams::server {

namespace beast = boost::beast;

// Beast's parser with its events written straight into our request: no second set of fields in between.
class RequestParser final : public beast::http::basic_parser<true> {
 public:
  using error_code = beast::error_code;

  // `out` null: the head was read before and only the body counts.
  RequestParser(RequestHead* out, BodyBuffer* body, std::uint64_t max_body) : out_(out), body_(body), max_body_(max_body) {
    header_limit((std::numeric_limits<std::uint32_t>::max)());  // HeadScanner has applied ours
    body_limit(boost::none);                                    // checked by the caller and in on_chunk_body_impl
  }

  void body_goes_to(BodyBuffer* body) { body_ = body; }
  // Whether a chunk header (with the trailers, of the last one) was read since this was asked.
  bool saw_chunk_header() { return std::exchange(saw_chunk_header_, false); }
  const Refusal& refusal() const noexcept { return refusal_; }
  void set_refusal(Refusal refusal) { refusal_ = refusal; }

 private:
  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target, int version, error_code&) override;
  void on_response_impl(int, beast::string_view, int, error_code&) override {}
  void on_field_impl(beast::http::field name, beast::string_view name_string, beast::string_view value, error_code& ec) override;
  void on_header_impl(error_code& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(beast::string_view bytes, error_code&) override { return bytes.size(); }
  void on_chunk_header_impl(std::uint64_t size, beast::string_view, error_code& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t remain, beast::string_view bytes, error_code& ec) override;
  void on_finish_impl(error_code&) override {}

  void refuse(unsigned status, std::string_view reason, error_code& ec) {
    refusal_ = {status, reason};
    ec = beast::http::error::bad_value;
  }

  RequestHead* out_;
  BodyBuffer* body_;
  std::uint64_t max_body_;
  Refusal refusal_;
  bool saw_chunk_header_ = false;
  bool head_done_ = false;
  bool hosts_ = false;
  bool coded_ = false;  // the body is in a content coding
  bool encodings_ = false;
  bool lengths_ = false;
};

inline void RequestParser::on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target, int version,
                                           error_code& ec) {
  if (out_ == nullptr) return;
  std::string_view rest(target.data(), target.size());
  // A proxy may send "http://host/path"; the path is what counts.
  if (const auto scheme = rest.find("://");
      scheme != std::string_view::npos && rest.front() != '/' && scheme < rest.find_first_of("?#")) {
    const auto path = rest.find_first_of("/?", scheme + 3);
    if (!is_host_value(rest.substr(scheme + 3, path == std::string_view::npos ? path : path - scheme - 3)))
      return refuse(400, "the request's target names no host", ec);
    rest = path == std::string_view::npos ? std::string_view{} : rest.substr(path);
  }
  const auto mark = rest.find('?');
  auto& request = out_->request;
  request.method.assign(method.data(), method.size());
  request.path.assign(rest.substr(0, mark));
  if (request.path.empty()) request.path = "/";
  request.query.assign(mark == std::string_view::npos ? std::string_view{} : rest.substr(mark + 1));
  out_->http_1_0 = version == 10;
}

inline void RequestParser::on_field_impl(beast::http::field name, beast::string_view name_string, beast::string_view value,
                                         error_code& ec) {
  if (head_done_ || out_ == nullptr) return;  // trailers, or a head that was read before
  using beast::http::field;
  auto& headers = out_->request.headers;
  if (headers.size() >= kMaxHeaderFields) return refuse(431, "the request has too many header fields", ec);
  switch (name) {
    case field::host:
      if (std::exchange(hosts_, true)) return refuse(400, "the request has more than one Host", ec);
      if (!is_host_value({value.data(), value.size()})) return refuse(400, "Host is not a host with or without a port", ec);
      break;
    case field::content_encoding: coded_ = coded_ || !is_identity_coding({value.data(), value.size()}); break;
    case field::transfer_encoding:
      if (std::exchange(encodings_, true) || !beast::iequals(value, "chunked")) {
        return refuse(400, "Transfer-Encoding must be exactly \"chunked\"", ec);
      }
      break;
    case field::content_length: lengths_ = true; break;
    case field::expect: out_->expects_continue = beast::iequals(value, "100-continue"); break;
    default: break;
  }
  headers.emplace_back(std::string(name_string.data(), name_string.size()), std::string(value.data(), value.size()));
}

inline void RequestParser::on_header_impl(error_code& ec) {
  head_done_ = true;
  if (out_ == nullptr) return;
  if (!hosts_ && !out_->http_1_0) return refuse(400, "an HTTP/1.1 request needs a Host", ec);
  if (encodings_ && out_->http_1_0) return refuse(400, "Transfer-Encoding is not part of HTTP/1.0", ec);
  if (encodings_ && lengths_) return refuse(400, "the request has both Transfer-Encoding and Content-Length", ec);
  out_->chunked = chunked();
  out_->keep_alive = keep_alive();
  out_->content_length = content_length().value_or(0);
  if (out_->http_1_0) out_->expects_continue = false;
  if (coded_ && out_->has_body())
    return refuse(415, "the body has a Content-Encoding; this server takes bodies as they are (identity)", ec);
}

inline void RequestParser::on_chunk_header_impl(std::uint64_t size, beast::string_view extension, error_code& ec) {
  saw_chunk_header_ = true;
  // Beast takes any byte between quotes.
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f'; };
  if (std::any_of(extension.begin(), extension.end(), is_control))
    return refuse(400, "a chunk extension has a control character", ec);
  if (size > max_body_ - body_->size()) refuse(413, "the request body is larger than this server accepts", ec);
}

inline std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, beast::string_view bytes, error_code&) {
  // Fits: the size of the whole chunk was checked with its header.
  body_->append({bytes.data(), bytes.size()});
  return bytes.size();
}

inline Refusal refusal_of(const RequestParser& parser, const beast::error_code& ec) {
  using beast::http::error;
  if (parser.refusal()) return parser.refusal();
  if (ec == error::bad_version) return {400, "the HTTP version is not 1.0 or 1.1"};
  if (ec == error::bad_method || ec == error::bad_target) return {400, "the request line is malformed"};
  if (ec == error::bad_content_length || ec == error::multiple_content_length)
    return {400, "Content-Length is malformed or given twice"};
  if (ec == error::bad_transfer_encoding) return {400, "Transfer-Encoding is malformed or stands beside Content-Length"};
  if (ec == error::bad_chunk || ec == error::bad_chunk_extension) return {400, "the chunked body is malformed"};
  return {400, "a header field is malformed"};
}

inline void reset_head(RequestHead& head) {
  head.request.headers.clear();
  head.content_length = 0;
  head.chunked = head.keep_alive = head.expects_continue = head.http_1_0 = false;
}

// NOLINTBEGIN(misc-definitions-in-headers): one source includes this, and others call what follows
Refusal parse_head(std::string_view head, RequestHead& out) {
  reset_head(out);
  RequestParser parser(&out, nullptr, 0);
  beast::error_code ec;
  parser.put(boost::asio::const_buffer(head.data(), head.size()), ec);
  if (ec && ec != beast::http::error::need_more) return refusal_of(parser, ec);
  if (!parser.is_header_done()) return {400, "the request head is incomplete"};
  return {};
}

struct ChunkedBody::State {
  State(std::uint64_t max_body, std::size_t line) : parser(nullptr, &ignored, max_body), max_line(line) {}
  BodyBuffer ignored;
  RequestParser parser;
  std::size_t max_line;
  bool begun = false;  // something of the body was taken
};

ChunkedBody::ChunkedBody(std::string_view head, std::uint64_t max_body, std::size_t max_line)
    : state_(std::make_unique<State>(max_body, max_line)) {
  beast::error_code ec;
  state_->parser.put(boost::asio::const_buffer(head.data(), head.size()), ec);
  state_->parser.eager(false);  // one chunk header, or some of a chunk's bytes, in each step
}
ChunkedBody::~ChunkedBody() = default;
ChunkedBody::ChunkedBody(ChunkedBody&&) noexcept = default;
ChunkedBody& ChunkedBody::operator=(ChunkedBody&&) noexcept = default;

inline constexpr Refusal kLongLine{400, "a line of the chunked body is too long"};

// Whether the line of a chunk header, if it is complete, ends within quotes: Beast would wait for the quote that ends them.
inline bool has_open_quote(std::string_view rest) {
  if (rest.substr(0, 2) == "\r\n") rest.remove_prefix(2);  // the end of the chunk before
  const auto end = rest.find("\r\n");
  if (end == std::string_view::npos) return false;
  bool open = false;
  for (std::size_t i = 0; i < end; ++i) {
    if (open && rest[i] == '\\')
      ++i;
    else if (rest[i] == '"')
      open = !open;
  }
  return open;
}

std::size_t ChunkedBody::feed(std::string_view bytes, BodyBuffer& body) {
  auto& parser = state_->parser;
  parser.body_goes_to(&body);
  std::size_t used = 0;
  // A last chunk that is the first: Beast would assert that it comes back no shorter than the whole end of a body.
  constexpr std::string_view kLast = "0\r\n", kEnd = "0\r\n\r\n";
  const bool waits = !state_->begun && bytes.size() < kEnd.size() && bytes.substr(0, kLast.size()) == kLast;
  while (!waits && used < bytes.size() && !parser.is_done() && !parser.refusal()) {
    beast::error_code ec;
    const auto taken = parser.put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), ec);
    used += taken;
    state_->begun = state_->begun || taken != 0;
    if (ec && ec != beast::http::error::need_more) {
      parser.set_refusal(refusal_of(parser, ec));
      break;
    }
    if (parser.saw_chunk_header() && taken > state_->max_line) parser.set_refusal(kLongLine);
    if (taken == 0) break;
  }
  if (parser.is_done() || parser.refusal()) return used;
  if (has_open_quote(bytes.substr(used))) parser.set_refusal({400, "the chunked body is malformed"});
  // What is left is the beginning of a chunk header or trailer. Beast would wait for a CR LF that a bare line feed stands for
  // elsewhere.
  const auto rest = bytes.substr(used);
  if (rest.size() > state_->max_line) parser.set_refusal(kLongLine);
  for (auto at = rest.find('\n'); at != std::string_view::npos; at = rest.find('\n', at + 1)) {
    if (at == 0 || rest[at - 1] != '\r') parser.set_refusal({400, "a line of the chunked body does not end with CR LF"});
  }
  return used;
}

bool ChunkedBody::done() const noexcept { return state_->parser.is_done() && !state_->parser.refusal(); }
const Refusal& ChunkedBody::refusal() const noexcept { return state_->parser.refusal(); }

WholeRequest parse_request(std::string_view bytes, std::size_t max_header, std::uint64_t max_body) {
  WholeRequest out;
  HeadScanner scanner(max_header);
  const auto end = scanner.scan(bytes);
  out.refusal = scanner.refusal();
  if (end == 0) return out;
  const auto head = bytes.substr(scanner.leading(), end - scanner.leading());
  if ((out.refusal = parse_head(head, out.head))) return out;
  const auto rest = bytes.substr(end);
  auto& body = out.head.request.body;
  if (out.head.chunked) {
    ChunkedBody chunked(head, max_body, max_header);
    auto joined = BodyBuffer::growing(max_body, false);
    out.used = end + chunked.feed(rest, joined);
    body = std::move(joined).finish();
    out.refusal = chunked.refusal();
    out.complete = chunked.done();
    return out;
  }
  if (out.head.content_length > max_body) {
    out.refusal = {413, "the request body is larger than this server accepts"};
    return out;
  }
  body = RequestBody(std::string(rest.substr(0, out.head.content_length)));
  out.complete = body.size() == out.head.content_length;
  out.used = end + body.size();
  return out;
}

// NOLINTEND(misc-definitions-in-headers)
}  // namespace clams::server
