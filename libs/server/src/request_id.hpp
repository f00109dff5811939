// Names for requests that came without one.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace clams::server {

// 1-128 printable ASCII characters without space: safe in a header and in a log line.
bool is_valid_request_id(std::string_view id) noexcept;

// 16 hexadecimal digits each, from a random start; no two of one object are equal. One object per thread.
class RequestIds {
 public:
  RequestIds();
  void next(std::string& out);

 private:
  std::uint64_t state_;
};

}  // namespace clams::server
