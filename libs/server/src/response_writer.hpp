// An answer on its way out: header text and body slices, sent with vectored writes and never joined.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "clams/server/http.hpp"

namespace clams::server {

// What one system call on a non-blocking socket came to.
enum class IoStep { Done, Again, Closed };

class ResponseWriter {
 public:
  struct Frame {
    std::string_view server;
    std::string_view date;
    std::string_view request_id;
    bool head_only = false;       // HEAD: length of the body, no body
    bool close = false;           // Connection: close
    bool say_keep_alive = false;  // an HTTP/1.0 client that asked for it must be told
  };
  // Content-Length, Transfer-Encoding, Connection and X-Request-ID come from here, never from `response`. Its fields with a line
  // break or a control character in them are left out: nothing of the app's may forge a header.
  void begin(HttpResponse response, const Frame& frame);
  // Sends until all is out, the socket is full (Again) or `budget` bytes went out (Again, with budget_spent()).
  IoStep send(int fd, std::size_t budget);
  bool budget_spent() const noexcept { return budget_spent_; }
  std::uint64_t sent() const noexcept { return sent_; }
  // Frees what the answer held; the header buffer keeps a small capacity.
  void end();

 private:
  std::size_t piece_count() const noexcept { return 1 + (head_only_ ? 0 : body_.slices.size()); }
  std::string_view piece(std::size_t index) const { return index == 0 ? std::string_view(head_) : body_.slices[index - 1]; }
  void advance(std::size_t bytes);

  std::string head_;
  BodySlices body_;
  bool head_only_ = false;
  bool budget_spent_ = false;
  std::size_t index_ = 0;   // piece that goes out next
  std::size_t offset_ = 0;  // bytes of it that are out
  std::uint64_t sent_ = 0;
};

std::string_view reason_phrase(unsigned status) noexcept;

}  // namespace clams::server
