// A connection's life, and how it reads requests. Included by http_server.cpp only.
#pragma once
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

#include "body_buffer.hpp"
#include "connection_refusals.hpp"
#include "listener.hpp"

namespace clams::server {

inline Connection::Connection(ServerCore& core, const std::shared_ptr<IoThread>& home, Socket socket, bool overload)
    : core_(core),
      home_(*home),
      home_link_(home),
      socket_(std::move(socket)),
      slot_(home->connections.size()),
      overload_(overload) {
  home_.connections.push_back(this);
  core_.connections.fetch_add(1, std::memory_order_relaxed);
}

inline Connection::~Connection() {
  set_phase(Phase::Idle);
  home_.connections.back()->slot_ = slot_;
  home_.connections[slot_] = home_.connections.back();
  home_.connections.pop_back();
  core_.connections.fetch_sub(1, std::memory_order_relaxed);
  core_.awaited.fetch_sub(1, std::memory_order_relaxed);
}

inline Task<void> Connection::live(std::shared_ptr<Connection> self) { co_await self->serve(); }

inline Task<void> Connection::serve() {
  remote_ = peer_name(socket_.native_handle());
  if (overload_) {
    began_ = Clock::now();
    co_await refuse(kTooManyConnections);
  } else {
    bool more = true;
    while (more) more = co_await serve_one();
  }
  if (linger_) co_await linger();
}

// False: the connection ends.
inline Task<bool> Connection::serve_one() {
  forget_request();
  auto refusal = co_await read_head();
  if (!refusal && head_.content_length > core_.options.max_body) refusal = kBodyTooLarge;
  if (!refusal && head_.has_body() && core_.refuses_work()) refusal = kDraining;
  // A large body is not even read when nobody could take it up; a small one is, so that the connection can go on.
  if (!refusal && head_.content_length > kFirstReservation && core_.pool.full()) refusal = kQueueFull;
  share_ = BodyShare(core_.bodies);
  if (!refusal && !share_.grow_to(head_.content_length)) refusal = kNoMemory;
  if (!refusal && head_.has_body()) { refusal = co_await read_body(); }
  if (refusal.status == kGone) {
    if (any_request_) observe(kGone);
    co_return false;
  }
  if (refusal) {
    body_ = {};
    share_.give_back();
    close_ = linger_ = true;
    co_await refuse(refusal);
    co_return false;
  }
  co_await answer();
  co_return !close_;
}

inline Refusal Connection::interrupted() {
  const auto why = std::exchange(interrupt_, Interrupt::None);
  if (why == Interrupt::Timeout && phase_ == Phase::Head) return {408, "the request head did not arrive in time"};
  if (why == Interrupt::Timeout && phase_ == Phase::Body) return {408, "the request body arrives too slowly"};
  if (why == Interrupt::Drain && phase_ != Phase::Idle) return {503, "draining"};
  if (why == Interrupt::Kill) interrupt_ = Interrupt::Kill;
  return {kGone, {}};
}

inline void Connection::keep(std::string_view bytes) {
  in_.erase(0, std::exchange(in_begin_, 0));
  in_.append(bytes);
}

// >0: bytes; 0: end of input; -1: nothing there now; -2: the connection is broken.
inline long Connection::receive(char* into, std::size_t size) {
  while (true) {
    const auto result = ::recv(socket_.native_handle(), into, size, 0);
    if (result >= 0) {
      bytes_in_ += static_cast<std::uint64_t>(result);
      return static_cast<long>(result);
    }
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : -2;
  }
}

inline Task<bool> Connection::ready(Socket::wait_type what, TimePoint deadline) {
  if (interrupt_ != Interrupt::None) co_return false;
  deadline_ = deadline;
  error_code error;
  co_await socket_.async_wait(what, asio::redirect_error(kAwait, error));
  deadline_ = kNever;
  co_return interrupt_ == Interrupt::None && !error;
}

inline Task<void> Connection::let_others_run() { co_await asio::post(home_.context.get_executor(), kAwait); }

// An idle connection keeps no buffers; a busy one keeps its small ones from request to request.
inline void Connection::release_idle_memory() {
  if (in_.capacity() > sizeof(std::string)) std::string().swap(in_);
  in_begin_ = 0;
  head_.request = HttpRequest{};
}

inline void Connection::forget_request() {
  any_request_ = method_is_head_ = close_ = refused_ = false;
  pool_ = nullptr;
  share_.give_back();
  bytes_in_ = 0;
  names_.reset();
  request_id_.clear();
  auto& request = head_.request;
  request.method.clear();
  request.path.clear();
  request.query.clear();
  request.headers.clear();
}

inline Task<Refusal> Connection::read_head() {
  HeadScanner scanner(core_.options.max_header);
  // A pipelined request may be here already.
  auto bytes = pending();
  began_ = Clock::now();
  const auto idle_until = began_ + core_.options.idle_timeout;
  while (true) {
    if (!bytes.empty()) {
      any_request_ = true;
      const auto end = scanner.scan(bytes);
      if (scanner.refusal()) co_return scanner.refusal();
      if (end != 0) co_return take_head(bytes, scanner, end);
      if (pending().empty()) keep(bytes);
    }
    const bool idle = !any_request_;
    set_phase(idle ? Phase::Idle : Phase::Head);
    if (idle && core_.finishing()) co_return Refusal{kGone, {}};
    long got = -1;
    while (got == -1) {
      const auto until = idle ? idle_until : began_ + core_.options.header_timeout;
      const bool is_ready = co_await ready(Socket::wait_read, until);
      if (!is_ready) co_return interrupted();
      got = receive(home_.scratch.get(), kScratch);
    }
    if (got <= 0) {
      any_request_ = false;  // half a head is no request
      co_return Refusal{kGone, {}};
    }
    if (idle) began_ = Clock::now();
    bytes = {home_.scratch.get(), static_cast<std::size_t>(got)};
    if (!pending().empty()) {
      keep(bytes);
      bytes = pending();
    }
  }
}

// `bytes` lie in scratch or in in_; what does not belong to this head and the beginning of its body is kept in in_.
inline Refusal Connection::take_head(std::string_view bytes, const HeadScanner& scanner, std::size_t end) {
  const auto head = bytes.substr(scanner.leading(), end - scanner.leading());
  const bool in_scratch = pending().empty();
  auto& request = head_.request;
  const auto refusal = parse_head(head, head_);
  method_is_head_ = request.method == "HEAD";
  const auto id = request.header("X-Request-ID");
  if (is_valid_request_id(id))
    request.request_id = id;
  else
    home_.ids.next(request.request_id);
  request.remote = remote_;
  request_id_ = request.request_id;
  if (refusal) return refusal;
  chunked_.reset();
  if (head_.chunked) chunked_ = std::make_unique<ChunkedBody>(head, core_.options.max_body, core_.options.max_header);
  auto rest = bytes.substr(end);
  try {
    rest.remove_prefix(take_body_start(rest));
  } catch (const std::bad_alloc& error) { return no_memory(error); }
  if (!in_scratch)
    in_begin_ = in_.size() - rest.size();
  else if (!rest.empty())
    keep(rest);
  return {};
}

// Returns how many of the bytes belong to the body; those of a chunked one are left for read_chunked_body.
inline std::size_t Connection::take_body_start(std::string_view bytes) {
  const auto& options = core_.options;
  if (!head_.has_body() || head_.content_length > options.max_body) return 0;
  body_ = head_.chunked ? BodyBuffer::growing(options.max_body, options.shared_bodies)
                        : BodyBuffer::sized(head_.content_length, options.shared_bodies);
  const auto part = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), head_.content_length)));
  body_.append(part);
  return part.size();
}

inline Refusal Connection::no_memory(const std::bad_alloc& error) {
  core_.logger.with_context(request_id_).error(std::string("no memory for a request body: ") + error.what());
  return kNoMemory;
}

inline Task<Refusal> Connection::read_body() {
  set_phase(Phase::Body);
  try {
    BodyBuffer body = std::exchange(body_, {});  // given back with this call, unless it becomes the request's
    if (head_.expects_continue && body.size() == 0 && pending().empty()) {
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      // 25 bytes into a socket whose earlier answers were all taken: they fit, or the client is gone.
      if (::send(socket_.native_handle(), kContinue.data(), kContinue.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(kContinue.size())) {
        co_return Refusal{kGone, {}};
      }
    }
    Refusal refusal;
    if (head_.chunked)
      refusal = co_await read_chunked_body(body);
    else
      refusal = co_await read_sized_body(body);
    if (!refusal) head_.request.body = std::move(body).finish();
    co_return refusal;
  } catch (const std::bad_alloc& error) { no_memory(error); }
  co_return kNoMemory;
}

inline Task<Refusal> Connection::read_sized_body(BodyBuffer& body) {
  const auto total = head_.content_length;
  std::size_t turn = 0;
  const auto began = Clock::now();
  BodyProgress progress(began, core_.options.read_timeout);
  bool promised = true;
  while (body.size() < total) {
    const auto room = body.room({home_.scratch.get(), kScratch});
    const long got = receive(room.data(), room.size());
    if (got == 0) co_return Refusal{400, "the request body ended before its Content-Length"};
    if (got == -2) co_return Refusal{kGone, {}};
    if (got == -1) {
      turn = 0;
      const bool is_ready = co_await ready(Socket::wait_read, progress.deadline());
      if (!is_ready) co_return interrupted();
      continue;
    }
    body.received(room.first(static_cast<std::size_t>(got)));
    const auto now = Clock::now();
    progress.received(static_cast<std::uint64_t>(got), now);
    if (promised && !comes_fast_enough(body.size(), total, now - began)) {
      promised = false;
      share_.shrink_to(body.size());
    }
    if (!share_.grow_to(body.size())) co_return kNoMemory;
    turn += static_cast<std::size_t>(got);
    if (turn >= kTurn) {
      turn = 0;
      co_await let_others_run();
    }
  }
  co_return Refusal{};
}

inline Task<Refusal> Connection::read_chunked_body(BodyBuffer& body) {
  BodyProgress progress(Clock::now(), core_.options.read_timeout);
  auto bytes = pending();
  std::size_t turn = 0;
  while (true) {
    const bool in_scratch = pending().empty();
    const auto used = chunked_->feed(bytes, body);
    if (in_scratch)
      keep(bytes.substr(used));
    else
      in_begin_ += used;
    if (chunked_->refusal()) co_return chunked_->refusal();
    if (!share_.grow_to(body.size())) co_return kNoMemory;
    if (chunked_->done()) break;
    if (turn >= kTurn) {
      turn = 0;
      co_await let_others_run();
    }
    long got = receive(home_.scratch.get(), kScratch);
    while (got == -1) {
      turn = 0;
      const bool is_ready = co_await ready(Socket::wait_read, progress.deadline());
      if (!is_ready) co_return interrupted();
      got = receive(home_.scratch.get(), kScratch);
    }
    if (got == 0) co_return Refusal{400, "the chunked body ended before its last chunk"};
    if (got < 0) co_return Refusal{kGone, {}};
    progress.received(static_cast<std::uint64_t>(got), Clock::now());
    turn += static_cast<std::size_t>(got);
    bytes = {home_.scratch.get(), static_cast<std::size_t>(got)};
    if (!pending().empty()) {
      keep(bytes);
      bytes = pending();
    }
  }
  chunked_.reset();
  co_return Refusal{};
}

}  // namespace clams::server
