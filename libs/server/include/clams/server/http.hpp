// The HTTP layer as the rest of the project sees it: plain values in and out, no type of the HTTP library.
#pragma once
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

#include "base/log.hpp"
#include "base/result.hpp"

namespace clams::server {

using Header = std::pair<std::string, std::string>;

struct HttpRequest {
  std::string method;      // as sent, case-sensitive
  std::string path;        // raw, before '?', not decoded
  std::string query;       // raw, after the first '?', without it
  std::vector<Header> headers;
  std::string body;        // capacity exceeds size by at least kBodyPadding (simdjson reads past the end); chunked bodies are already joined
  std::string request_id;  // X-Request-ID of the client (checked: 1-128 printable ASCII characters) or made by us
  std::string remote;      // "127.0.0.1:40312"
  // First header of that name, case-insensitive; empty if absent.
  std::string_view header(std::string_view name) const noexcept;
};
inline constexpr std::size_t kBodyPadding = 64;

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
  std::vector<Header> headers;                    // extra ones: Allow, Retry-After, …
  BodySlices body;
};

// What the server calls. Implementations are thread-safe.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // Called on an I/O thread when the header of a request without a body has been read: must not block (a cached answer, health, metrics).
  // nullopt: the request goes to `handle` on a request thread.
  virtual std::optional<HttpResponse> answer_now(const HttpRequest& request) = 0;
  // Called on a request thread. `stop` is requested when the client has gone away, the request's deadline passed or the drain deadline did.
  // Must not throw; if it does, the client gets a bare 500 and the log a line.
  virtual HttpResponse handle(HttpRequest request, std::stop_token stop) = 0;
  // An answer the HTTP layer makes by itself (413, 408, 429, 400 for a malformed request, …) may be given words by the app layer.
  virtual HttpResponse refusal(unsigned status, std::string_view reason) = 0;
};

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 5000;                       // 0: any free port
  unsigned io_threads = 1;                         // event loop threads
  unsigned request_threads = 4;                    // threads that run `handle`: requests at once
  std::size_t queue = 64;                          // requests that wait for a thread; more: refusal 429 with Retry-After
  std::uint64_t max_body = 512ULL << 20;           // beyond: refusal 413
  std::size_t max_header = 64 * 1024;              // request line and headers together; beyond: 431
  std::chrono::milliseconds header_timeout{15'000};  // from the first byte of a request head to its end
  std::chrono::milliseconds idle_timeout{75'000};    // keep-alive connection without a request
  std::chrono::milliseconds read_timeout{30'000};    // a body that makes no progress (rate floor: see http_server.cpp)
  std::chrono::milliseconds write_timeout{30'000};   // a client that does not take its answer
  std::optional<std::chrono::milliseconds> request_timeout;  // running longer: `stop` is requested
  std::chrono::milliseconds drain_timeout{30'000};
  std::size_t max_connections = 20'000;            // more are accepted and closed at once with 503
  std::string server_header = "clams-cpp";
};

// Called once for each finished exchange, after the answer was written (or the client had gone: status 499). On an I/O thread: must be quick.
struct Exchange {
  std::string_view method, path, query, request_id, remote, user_agent;
  unsigned status = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::chrono::nanoseconds queued{}, ran{}, total{};
};
using ExchangeObserver = std::function<void(const Exchange&)>;

struct HttpGauges {
  std::size_t connections = 0, queued = 0, running = 0;
};

class HttpServer {
 public:
  // Binds and listens. Errors are Configuration with one line that says what to do ("port 5000 on 127.0.0.1 is in use; …").
  static base::Result<std::unique_ptr<HttpServer>> listen(HttpServerOptions options, std::shared_ptr<HttpHandler> handler, ExchangeObserver observer,
                                                          base::Logger logger);
  virtual ~HttpServer() = default;
  virtual std::uint16_t port() const noexcept = 0;
  // Serves until `drain` has completed or `stop_now` was called. Blocks. Starts the I/O and request threads and joins them.
  virtual void run() = 0;
  // No new connections, idle ones closed, running requests finish with Connection: close; after drain_timeout their `stop` is requested, and
  // a little later what remains is answered 503. Callable from any thread (and from a signal-watching thread), more than once.
  virtual void drain() noexcept = 0;
  virtual void stop_now() noexcept = 0;
  virtual bool draining() const noexcept = 0;
  virtual HttpGauges gauges() const noexcept = 0;
};

}  // namespace clams::server
