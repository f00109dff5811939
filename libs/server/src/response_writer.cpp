#include "response_writer.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

namespace clams::server {

namespace {

bool is_safe(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f'; });
}

void append_number(std::string& out, std::size_t value) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

// These say how the answer is framed, which is decided here alone.
bool is_framing(std::string_view name) {
  constexpr std::array<std::string_view, 4> kFraming = {"content-length", "transfer-encoding", "connection", "x-request-id"};
  return std::any_of(kFraming.begin(), kFraming.end(), [name](std::string_view framing) {
    return std::equal(name.begin(), name.end(), framing.begin(), framing.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b; });
  });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty() || !is_safe(name) || !is_safe(value)) return;
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 507: return "Insufficient Storage";
    default: return status < 400 ? "OK" : status < 500 ? "Client Error" : "Server Error";
  }
}

void ResponseWriter::begin(HttpResponse response, const Frame& frame) {
  // An interim status cannot be an answer, and three digits are all the status line has.
  const unsigned status = response.status >= 200 && response.status <= 999 ? response.status : 500;
  const bool bodiless = status == 204 || status == 304;
  head_.clear();
  head_.append("HTTP/1.1 ");
  append_number(head_, status);
  head_.append(1, ' ').append(reason_phrase(status)).append("\r\n");
  append_field(head_, "Server", frame.server);
  append_field(head_, "Date", frame.date);
  append_field(head_, "Content-Type", response.content_type);
  if (!bodiless) {
    head_.append("Content-Length: ");
    append_number(head_, response.body.size());
    head_.append("\r\n");
  }
  append_field(head_, "X-Request-ID", frame.request_id);
  for (const auto& [name, value] : response.headers) {
    if (!is_framing(name)) append_field(head_, name, value);
  }
  if (frame.close)
    append_field(head_, "Connection", "close");
  else if (frame.say_keep_alive)
    append_field(head_, "Connection", "keep-alive");
  head_.append("\r\n");
  body_ = std::move(response.body);
  head_only_ = frame.head_only || bodiless;
  index_ = offset_ = 0;
  sent_ = 0;
}

void ResponseWriter::advance(std::size_t bytes) {
  sent_ += bytes;
  offset_ += bytes;
  while (index_ < piece_count() && offset_ >= piece(index_).size()) {
    offset_ -= piece(index_).size();
    ++index_;
  }
}

IoStep ResponseWriter::send(int fd, std::size_t budget) {
  budget_spent_ = false;
  std::size_t left = budget;
  while (index_ < piece_count()) {
    std::array<iovec, 64> pieces;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
    std::size_t count = 0;
    std::size_t skip = offset_;
    for (std::size_t i = index_; i < piece_count() && count < pieces.size(); ++i) {
      const auto view = piece(i).substr(skip);
      skip = 0;
      if (!view.empty()) pieces[count++] = {const_cast<char*>(view.data()), view.size()};  // NOLINT: sendmsg does not write
    }
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
    const auto result = ::sendmsg(fd, &message, MSG_NOSIGNAL);
    if (result < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? IoStep::Again : IoStep::Closed;
    }
    const auto bytes = static_cast<std::size_t>(result);
    advance(bytes);
    if (index_ >= piece_count()) break;
    budget_spent_ = bytes >= left;
    if (budget_spent_) return IoStep::Again;
    left -= bytes;
  }
  return IoStep::Done;
}

void ResponseWriter::end() {
  body_ = {};
  constexpr std::size_t kKeptCapacity = 1024;
  if (head_.capacity() > kKeptCapacity) std::string().swap(head_);
}

}  // namespace clams::server
