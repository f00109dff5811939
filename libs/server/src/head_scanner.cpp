#include <cstring>

#include "request_head.hpp"

namespace clams::server {

namespace {

bool is_method_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '$';
}

// The method of a head whose first line may not be complete yet.
bool method_may_be_valid(std::string_view line) {
  constexpr std::size_t kLongestMethod = 32;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == ' ') return i > 0;
    if (!is_method_char(line[i]) || i >= kLongestMethod) return false;
  }
  return true;
}

}  // namespace

std::size_t HeadScanner::refuse(unsigned status, std::string_view reason) {
  refusal_ = {status, reason};
  return 0;
}

bool HeadScanner::skip_leading(std::string_view bytes) {
  while (leading_ + 1 < bytes.size() && leading_ < kLeadingBytes && bytes[leading_] == '\r' && bytes[leading_ + 1] == '\n')
    leading_ += 2;
  const bool undecided =
      leading_ >= bytes.size() || (leading_ + 1 == bytes.size() && bytes[leading_] == '\r' && leading_ < kLeadingBytes);
  if (undecided) return false;
  scanned_ = line_start_ = leading_;
  return start_found_ = true;
}

bool HeadScanner::check_line_end(std::string_view bytes, std::size_t newline) {
  if (newline == line_start_ || bytes[newline - 1] != '\r') {
    refuse(400, "a line of the request head does not end with CR LF");
    return false;
  }
  return true;
}

std::size_t HeadScanner::scan(std::string_view bytes) {
  if (refusal_) return 0;
  if (!start_found_ && !skip_leading(bytes)) return 0;
  // Nothing beyond the limit is looked at: what lies there, and whether it has arrived, must not change the verdict.
  const bool over = bytes.size() - leading_ > max_header_;
  const std::size_t length = scan_lines(over ? bytes.substr(0, leading_ + max_header_) : bytes);
  if (length == 0 && !refusal_ && over) return refuse(431, "the request head is larger than this server accepts");
  return length;
}

std::size_t HeadScanner::scan_lines(std::string_view bytes) {
  if (!method_checked_) {
    const auto line = bytes.substr(leading_, 40);
    if (!method_may_be_valid(line)) return refuse(400, "the request does not begin with a method in upper case");
    method_checked_ = line.size() == 40 || line.find(' ') != std::string_view::npos;
  }
  while (scanned_ < bytes.size()) {
    // A line that begins with white space continues the one before (obsolete folding).
    if (scanned_ == line_start_ && line_start_ != leading_ && (bytes[scanned_] == ' ' || bytes[scanned_] == '\t')) {
      return refuse(400, "folded header lines are not accepted");
    }
    const void* found = std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_);
    if (found == nullptr) {
      scanned_ = bytes.size();
      break;
    }
    const auto newline = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    if (!check_line_end(bytes, newline)) return 0;
    const bool empty_line = newline == line_start_ + 1;
    scanned_ = line_start_ = newline + 1;
    if (empty_line) return scanned_;
  }
  return 0;
}

}  // namespace clams::server
