// How the memory of a request body grows, and how slowly a body may come.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "clams/server/http.hpp"

namespace clams::server {

// A client that only announces a large body gets this much. Once that much has really come, the whole announced length is reserved:
// untouched pages of a large allocation cost address space and no memory, so the peak is the body plus this one copied piece.
inline constexpr std::size_t kFirstReservation = std::size_t{1} << 20;
// Bytes are made valid in steps just before they are received, so that clearing them stays in the processor's cache.
inline constexpr std::size_t kBodyStep = std::size_t{256} << 10;

// Makes room for the next piece of a body of `total` bytes; returns how many bytes were added at the end of `body` for the caller
// to fill (it cuts off what it did not fill). Throws std::bad_alloc / std::length_error.
inline std::size_t extend_body(std::string& body, std::uint64_t total) {
  const auto missing = total - body.size();
  const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(missing, kBodyStep));
  if (body.capacity() < body.size() + step + kBodyPadding) {
    const bool first = body.size() + step <= kFirstReservation;
    body.reserve(static_cast<std::size_t>(first ? std::min<std::uint64_t>(total, kFirstReservation) : total) + kBodyPadding);
  }
  body.resize(body.size() + step);
  return step;
}

// Appends to a body whose length is not known; capacity grows fourfold up to `limit` and keeps the padding.
inline void append_growing(std::string& body, std::string_view bytes, std::uint64_t limit) {
  const auto needed = body.size() + bytes.size();
  if (body.capacity() < needed + kBodyPadding) {
    const auto wish = std::min<std::uint64_t>(std::max<std::uint64_t>(body.capacity() * 4, 4096), limit);
    body.reserve(std::max<std::size_t>(needed, static_cast<std::size_t>(wish)) + kBodyPadding);
  }
  body.append(bytes);
}

// The progress rule: within each window of `read_timeout` the client must bring kSlowestRate bytes a second on average, or the rest
// of the body. A modem passes; a byte a second does not, however long the body.
class BodyProgress {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint64_t kSlowestRate = 256;

  BodyProgress(Clock::time_point now, std::chrono::milliseconds window) : window_(window), deadline_(now + window) {}
  void received(std::uint64_t bytes, Clock::time_point now) {
    in_window_ += bytes;
    if (in_window_ < floor()) return;
    in_window_ = 0;
    deadline_ = now + window_;
  }
  Clock::time_point deadline() const noexcept { return deadline_; }
  std::uint64_t floor() const noexcept {
    return std::max<std::uint64_t>(1, kSlowestRate * static_cast<std::uint64_t>(window_.count()) / 1000);
  }

 private:
  std::chrono::milliseconds window_;
  Clock::time_point deadline_;
  std::uint64_t in_window_ = 0;
};

}  // namespace clams::server
