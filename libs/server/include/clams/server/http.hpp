// The HTTP layer as the rest of the project sees it: plain values in and out, no type of the HTTP library.
#pragma once
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "worker/document.hpp"

namespace clams::server {

using Header = std::pair<std::string, std::string>;

inline constexpr std::size_t kBodyPadding = worker::Document::kReadPadding;

// What a client sent as a body, chunks already joined: text in this process's heap or, where HttpServerOptions::shared_bodies asks
// for it and the body is larger than worker::kMaxInlineBody, shared memory, which goes to another process without ever lying in
// this heap. Move-only: whoever takes it has its memory. Not thread-safe.
class RequestBody {
 public:
  RequestBody() = default;  // empty text
  explicit RequestBody(std::string text) : text_(std::move(text)) {}
  explicit RequestBody(worker::DocumentWriter shared) : shared_(std::move(shared)) {}

  bool is_shared() const noexcept { return shared_.has_value(); }
  std::uint64_t size() const noexcept { return shared_ ? shared_->size() : text_.size(); }
  // REQUIRES: !is_shared(). From a server, capacity exceeds size by at least kBodyPadding (simdjson reads past the end).
  const std::string& text() const noexcept;
  std::string take_text() &&;
  // Of either kind, without a copy. May wait for a moment (worker::DocumentWriter::finish): not on an I/O thread. Errors: Io.
  base::Result<worker::Document> take_document() &&;

 private:
  std::string text_;
  std::optional<worker::DocumentWriter> shared_;  // not sealed yet
};

struct HttpRequest {
  std::string method;  // as sent, case-sensitive
  std::string path;   // raw, before '?', not decoded; of an absolute target ("http://host/path") what follows the host; never empty
  std::string query;  // raw, after the first '?', without it
  std::vector<Header> headers;
  RequestBody body;
  std::string request_id;  // X-Request-ID of the client (checked: 1-128 printable ASCII characters) or made by us
  std::string remote;      // "127.0.0.1:40312"
  std::shared_ptr<const std::atomic<bool>> overdue;  // true when `stop` was requested for request_timeout; may be null
  // First header of that name, case-insensitive; empty if absent.
  std::string_view header(std::string_view name) const noexcept;
};

// A body as slices that are written one after the other without being joined. `owner` keeps alive what the slices point to.
struct BodySlices {
  std::vector<std::string_view> slices;
  std::shared_ptr<const void> owner;
  static BodySlices of(std::string text);
  std::size_t size() const noexcept;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";  // empty: no Content-Type header
  // Extra ones: Allow, Retry-After, … Left out: Content-Length, Transfer-Encoding, Connection, X-Request-ID (the layer's own), and
  // any whose name or value holds a line break or control character.
  std::vector<Header> headers;
  BodySlices body;
};

// What the server calls. Implementations are thread-safe.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // Called on an I/O thread when the header of a request without a body has been read: must not block (a cached answer, health,
  // metrics). nullopt: the request goes to `handle` on a request thread. While draining only this and pages are
  // answered; the rest is refused with 503.
  virtual std::optional<HttpResponse> answer_now(const HttpRequest& request) = 0;
  // Called on an I/O thread before `answer_now`: whether the answer to this request without a body takes up to a few hundred
  // milliseconds (a reading of the GPU). Such a page is answered by `handle` on a thread for pages: also while every request thread
  // is busy, and while draining.
  virtual bool takes_a_moment(const HttpRequest& request) const {
    (void)request;
    return false;
  }
  // Called on a request thread, or on one for pages. `stop` is requested when the client has gone away, the request's deadline
  // passed or the drain deadline did. Callbacks registered on `stop` run on an I/O thread: they must be quick. A client that only
  // ends its sending side
  // (`nc -N`) has not gone; what tells the two apart is described in src/connection.hpp. Must not throw; if it does, the client
  // gets a bare 500 and the log a line.
  virtual HttpResponse handle(HttpRequest request, std::stop_token stop) = 0;
  // An answer the HTTP layer makes by itself (413, 408, 429, 400 for a malformed request, …) may be given words by the app layer.
  // Called on an I/O thread: must be quick. A 429 or 503 gets a Retry-After unless it has one.
  virtual HttpResponse refusal(unsigned status, std::string_view reason) = 0;
};

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 5000;                         // 0: any free port
  unsigned io_threads = 1;                           // event loop threads
  unsigned request_threads = 4;                      // threads that run `handle`: requests at once
  std::size_t queue = 64;                            // requests that wait for a thread; more: refusal 429 with Retry-After
  std::uint64_t max_body = 512ULL << 20;             // beyond: refusal 413
  std::uint64_t body_memory = 4ULL << 30;            // of all bodies at once, at least max_body; what has no room: refusal 503
  bool shared_bodies = false;                        // for a handler that hands bodies to another process: see RequestBody
  std::size_t max_header = std::size_t{64} * 1024;   // request line and headers together; beyond: 431
  std::chrono::milliseconds header_timeout{15'000};  // from the first byte of a request head to its end
  std::chrono::milliseconds idle_timeout{75'000};    // keep-alive connection without a request
  // In each window of this length a body must bring 256 bytes a second on average, or its rest (src/body_buffer.hpp): slow links
  // pass.
  std::chrono::milliseconds read_timeout{30'000};
  std::chrono::milliseconds write_timeout{30'000};  // a client that takes nothing of its answer for so long
  std::optional<std::chrono::milliseconds>
      request_timeout;  // running longer (time in the queue does not count): `stop` is requested
  std::chrono::milliseconds drain_timeout{30'000};
  std::size_t max_connections = 20'000;  // more are accepted and closed at once with 503
  std::string server_header = "clams-cpp";
  // The status that a client gets instead of this one, for clients that know few; empty: the same. Called on I/O threads for every
  // answer, refusals included: must be quick, thread-safe and not throw. `path` is empty where no head could be read.
  std::function<unsigned(std::string_view path, unsigned status)> status_of = {};
  // Called by the first event loop while it turns, at most 200 ms apart, the first time once it accepts connections. Must be quick;
  // may call `drain`.
  std::function<void()> on_turn = {};
};

// Called once for each finished exchange, after the answer was written (or the client had gone: status 499). On an I/O thread: must
// be quick, and thread-safe if there are several of them. The views end with the call. Method, path and query are empty where no
// head could be read.
struct Exchange {
  std::string_view method, path, query, request_id, remote, user_agent;
  unsigned status = 0;
  bool refused = false;  // the answer had a Retry-After
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::chrono::nanoseconds queued{}, ran{}, total{};
};
using ExchangeObserver = std::function<void(const Exchange&)>;

struct HttpGauges {
  std::size_t connections = 0, queued = 0, running = 0;
  std::uint64_t body_bytes = 0;  // held, or promised to bodies that are coming
};

class HttpServer {
 public:
  // Binds and listens. Errors are Configuration with one line that says what to do ("port 5000 on 127.0.0.1 is in use; …").
  static base::Result<std::unique_ptr<HttpServer>> listen(HttpServerOptions options, std::shared_ptr<HttpHandler> handler,
                                                          ExchangeObserver observer, base::Logger logger);
  // Serves on listening stream sockets that outlive this process (a service manager's) in place of host and port. `drain` then
  // hands over to a successor and turns no request away: new connections are not accepted any more and wait in the kernel, requests
  // on those that were are still answered, and a connection without one is closed after half a second. Error Configuration: a
  // descriptor listens on nothing.
  static base::Result<std::unique_ptr<HttpServer>> adopt(std::vector<base::Fd> sockets, HttpServerOptions options,
                                                         std::shared_ptr<HttpHandler> handler, ExchangeObserver observer,
                                                         base::Logger logger);
  virtual ~HttpServer() = default;
  virtual std::uint16_t port() const noexcept = 0;  // of the first socket that has one; else 0
  // Serves until `drain` has completed or `stop_now` was called. Blocks; to be called once. The caller's thread is the first I/O
  // thread; the others and the request threads are started here and joined. Only a request that still ignores its `stop` 2 s after
  // the end is left behind with its thread (and a log line): the process should then end. Sockets are close-on-exec.
  virtual void run() = 0;
  // Idle connections are closed; running and queued requests end with their results and Connection: close; meanwhile new
  // connections are still taken, for what `answer_now` answers (health), and all else is refused with 503. After drain_timeout
  // `stop` is requested for what runs; 1 s later what remains is answered 503. Then, or as soon as nothing runs, the port is closed
  // and run() returns. Callable from any thread (not from a signal handler), before run() too, and more than once.
  virtual void drain() noexcept = 0;
  // Requests `stop` for everything, answers nothing more, closes everything.
  virtual void stop_now() noexcept = 0;
  virtual bool draining() const noexcept = 0;
  virtual HttpGauges gauges() const noexcept = 0;
};

}  // namespace clams::server
