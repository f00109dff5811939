// Where a request body is received, how its memory grows, and how slowly it may come.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "clams/server/http.hpp"
#include "worker/protocol.hpp"

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

// What a client is told, with 503, when memory for its body cannot be had.
inline constexpr std::string_view kNoBodyMemory = "this server has no memory for the request body now";

// No shared memory, or no descriptor for it.
class NoSharedMemory final : public std::bad_alloc {
 public:
  explicit NoSharedMemory(std::string why) : why_(std::move(why)) {}
  const char* what() const noexcept override { return why_.c_str(); }

 private:
  std::string why_;
};

// A request body while it is received. Invariants:
//   - a body that may not be shared, or has no more than kMaxInlineBody bytes, is text_;
//   - of any other, all is in shared_ but the last bytes, at most kMaxInlineBody, which text_ collects so that small chunks do not
//     cost a system call each. Shared memory grows by being written to: for a body that is only announced there are neither pages
//     nor a descriptor. (Written from a buffer, because receiving into a mapping costs a page fault every 4 KiB, and that was
//     slower.)
// The first `filled_` bytes of text_ are received ones. Move-only; dropping it gives everything back.
// Throws std::bad_alloc (NoSharedMemory) and std::length_error where it grows.
class BodyBuffer {
 public:
  BodyBuffer() = default;
  // A body of known length: comes by append(), then room() and received().
  static BodyBuffer sized(std::uint64_t length, bool may_be_shared) {
    BodyBuffer body(length, may_be_shared);
    if (!body.may_be_shared_)
      body.text_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(length, kFirstReservation)) + kBodyPadding);
    return body;
  }
  // A body of at most `limit` bytes, which the caller sees to: comes by append().
  static BodyBuffer growing(std::uint64_t limit, bool may_be_shared) { return {limit, may_be_shared}; }

  std::uint64_t size() const noexcept { return filled_ + (shared_ ? shared_->size() : 0); }
  void append(std::string_view bytes) {
    if (may_be_shared_ && filled_ + bytes.size() > worker::kMaxInlineBody) return spill(bytes);
    append_growing(text_, bytes, may_be_shared_ ? worker::kMaxInlineBody : limit_);
    filled_ = text_.size();
  }
  // Where the next bytes of a sized body are to be received: in the text, or in `scratch`. Then tell how many came.
  std::span<char> room(std::span<char> scratch) {
    if (may_be_shared_) return scratch.first(static_cast<std::size_t>(std::min<std::uint64_t>(limit_ - size(), scratch.size())));
    if (filled_ == text_.size()) extend_body(text_, limit_);
    return std::span(text_).subspan(filled_);
  }
  void received(std::span<const char> bytes) {
    if (may_be_shared_) return append({bytes.data(), bytes.size()});
    filled_ += bytes.size();
  }
  // REQUIRES: a sized body has its length.
  RequestBody finish() && {
    if (shared_) {
      write(std::exchange(text_, {}));
      return RequestBody(std::move(*shared_));
    }
    text_.reserve(text_.size() + kBodyPadding);
    return RequestBody(std::move(text_));
  }

 private:
  BodyBuffer(std::uint64_t limit, bool may_be_shared)
      : limit_(limit), may_be_shared_(may_be_shared && limit > worker::kMaxInlineBody) {}

  void spill(std::string_view bytes) {
    if (!shared_) {
      auto created = worker::DocumentWriter::create();
      if (!created) throw NoSharedMemory(created.error().message);
      shared_ = std::move(created).value();
    }
    write(text_);
    text_.clear();
    filled_ = 0;
    write(bytes);
  }
  void write(std::string_view bytes) {
    if (const auto written = shared_->append(bytes); !written) throw NoSharedMemory(written.error().message);
  }

  std::uint64_t limit_ = 0;
  bool may_be_shared_ = false;
  std::string text_;
  std::size_t filled_ = 0;
  std::optional<worker::DocumentWriter> shared_;
};

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
