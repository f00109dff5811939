// A server on a loopback port with a handler that does as told, and a client that sends raw bytes.
#pragma once
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "clams/server/http.hpp"

namespace clams::server::testing {

using namespace std::chrono_literals;
inline constexpr auto kPatience = 60s;  // longer than anything here takes on a busy machine

// A gate that handlers wait at.
class Gate {
 public:
  void open();
  bool wait(std::chrono::milliseconds limit = kPatience);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// Waits until `condition` holds; false after kPatience.
bool eventually(const std::function<bool()>& condition);

// GET /now, /health: answered on the I/O thread. Everything else runs `on_handle` (an echo of the body unless set).
class FakeHandler final : public HttpHandler {
 public:
  std::function<HttpResponse(HttpRequest, std::stop_token)> on_handle;
  std::function<std::optional<HttpResponse>(const HttpRequest&)> on_answer_now;
  std::function<bool(const HttpRequest&)> is_page;  // none is, unless set
  std::atomic<int> handled{0};

  std::optional<HttpResponse> answer_now(const HttpRequest& request) override;
  bool takes_a_moment(const HttpRequest& request) const override { return is_page && is_page(request); }
  HttpResponse handle(HttpRequest request, std::stop_token stop) override;
  HttpResponse refusal(unsigned status, std::string_view reason) override;
};

HttpResponse text_answer(unsigned status, std::string text);

class RecordingSink final : public base::LogSink {
 public:
  void write(base::LogLevel level, std::string_view context, std::string_view message) noexcept override;
  bool enabled(base::LogLevel) const noexcept override { return true; }
  std::vector<std::string> lines() const;
  std::size_t count(std::string_view part) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

struct RecordedExchange {
  std::string method, path, query, request_id, remote, user_agent;
  unsigned status = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
};

// Runs on its own thread until drained or destroyed.
class TestServer {
 public:
  // `sockets`: served on in place of a port of its own.
  explicit TestServer(HttpServerOptions options = {}, std::vector<base::Fd> sockets = {});
  ~TestServer();

  FakeHandler& handler() { return *handler_; }
  HttpServer& server() { return *server_; }
  RecordingSink& log() { return *sink_; }
  std::uint16_t port() const { return server_->port(); }
  std::vector<RecordedExchange> exchanges() const;
  bool saw_status(unsigned status) const;
  // True once run() has returned.
  bool ended() const { return ended_; }
  bool wait_for_end();

 private:
  std::shared_ptr<FakeHandler> handler_ = std::make_shared<FakeHandler>();
  std::shared_ptr<RecordingSink> sink_ = std::make_shared<RecordingSink>();
  mutable std::mutex mutex_;
  std::vector<RecordedExchange> exchanges_;
  std::unique_ptr<HttpServer> server_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

struct Answer {
  unsigned status = 0;  // 0: the connection ended before a whole answer
  std::string head;
  std::string body;
  std::string header(std::string_view name) const;
  bool closes() const { return header("Connection") == "close"; }
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port, const char* host = "127.0.0.1");
  bool send(std::string_view bytes);  // false: the server does not take it
  Answer read_answer(bool head_only = false);
  // An interim or final status line and its fields, without a body.
  std::string read_head();
  bool wait_for_bytes();  // until something can be read; reads nothing
  // True when the server ends the connection (within kPatience); what it sent before is dropped.
  bool wait_for_close();
  void shutdown_write();
  void reset();  // closes with RST
  void close() { fd_.reset(); }
  int fd() const { return fd_.get(); }

 private:
  bool fill();
  base::Fd fd_;
  std::string in_;
};

// Memory files of bodies and documents that this process has open.
std::size_t open_memory_files();

// While it lives, no file of this process may grow beyond `bytes`; that is an error and not the end of the process.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uint64_t bytes);
  ~FileSizeLimit();
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  std::uint64_t before_ = 0;
};

std::string post(std::string_view path, std::string_view body, std::string_view more_headers = {});
std::string get(std::string_view path, std::string_view more_headers = {});
// One request on a connection of its own.
Answer ask(std::uint16_t port, std::string_view bytes);

}  // namespace clams::server::testing
