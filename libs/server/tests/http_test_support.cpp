#include "http_test_support.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace clams::server::testing {

void Gate::open() {
  const std::lock_guard lock(mutex_);
  open_ = true;
  changed_.notify_all();
}

bool Gate::wait(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return open_; });
}

bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

HttpResponse text_answer(unsigned status, std::string text) {
  HttpResponse out;
  out.status = status;
  out.content_type = "text/plain; charset=utf-8";
  out.body = BodySlices::of(std::move(text));
  return out;
}

std::optional<HttpResponse> FakeHandler::answer_now(const HttpRequest& request) {
  if (on_answer_now) return on_answer_now(request);
  if (request.path == "/now" || request.path == "/health") return text_answer(200, "now");
  return std::nullopt;
}

HttpResponse FakeHandler::handle(HttpRequest request, std::stop_token stop) {
  ++handled;
  if (on_handle) return on_handle(std::move(request), std::move(stop));
  return text_answer(200, std::move(request.body).take_text());
}

HttpResponse FakeHandler::refusal(unsigned status, std::string_view reason) {
  return text_answer(status, std::string(reason) + "\n");
}

void RecordingSink::write(base::LogLevel, std::string_view, std::string_view message) noexcept {
  const std::lock_guard lock(mutex_);
  lines_.emplace_back(message);
}

std::vector<std::string> RecordingSink::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

std::size_t RecordingSink::count(std::string_view part) const {
  const auto all = lines();
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [part](const auto& line) { return line.find(part) != std::string::npos; }));
}

TestServer::TestServer(HttpServerOptions options, std::vector<base::Fd> sockets) {
  options.port = 0;
  auto observer = [this](const Exchange& e) {
    const std::lock_guard lock(mutex_);
    exchanges_.push_back({std::string(e.method), std::string(e.path), std::string(e.query), std::string(e.request_id),
                          std::string(e.remote), std::string(e.user_agent), e.status, e.bytes_in, e.bytes_out});
  };
  auto server = sockets.empty() ? HttpServer::listen(options, handler_, observer, base::Logger(sink_))
                                : HttpServer::adopt(std::move(sockets), options, handler_, observer, base::Logger(sink_));
  if (!server) {
    ADD_FAILURE() << server.error().message;
    std::abort();
  }
  server_ = std::move(server).value();
  thread_ = std::thread([this] {
    server_->run();
    ended_ = true;
  });
}

TestServer::~TestServer() {
  server_->stop_now();
  thread_.join();
}

std::vector<RecordedExchange> TestServer::exchanges() const {
  const std::lock_guard lock(mutex_);
  return exchanges_;
}

bool TestServer::saw_status(unsigned status) const {
  const auto all = exchanges();
  return std::any_of(all.begin(), all.end(), [status](const auto& e) { return e.status == status; });
}

bool TestServer::wait_for_end() {
  return eventually([this] { return ended(); });
}

std::string Answer::header(std::string_view name) const {
  const auto key = "\r\n" + std::string(name) + ": ";
  const auto at = head.find(key);
  if (at == std::string::npos) return {};
  const auto start = at + key.size();
  return head.substr(start, head.find("\r\n", start) - start);
}

RawClient::RawClient(std::uint16_t port, const char* host) {
  sockaddr_storage address{};
  socklen_t size = sizeof(sockaddr_in);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address);
  if (::inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
  } else {
    ::inet_pton(AF_INET6, host, &v6->sin6_addr);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    size = sizeof(sockaddr_in6);
  }
  fd_ = base::Fd(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) ADD_FAILURE() << "cannot connect to port " << port;
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    pollfd waiter{fd_.get(), POLLOUT, 0};
    if (::poll(&waiter, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) != 1) return false;
    const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) continue;
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool RawClient::fill() {
  pollfd waiter{fd_.get(), POLLIN, 0};
  if (::poll(&waiter, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) != 1) {
    ADD_FAILURE() << "the server said nothing";
    return false;
  }
  std::array<char, 65536> buffer;  // NOLINT: filled below
  const auto got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  in_.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

std::string RawClient::read_head() {
  while (in_.find("\r\n\r\n") == std::string::npos) {
    if (!fill()) return {};
  }
  const auto end = in_.find("\r\n\r\n") + 4;
  auto head = in_.substr(0, end);
  in_.erase(0, end);
  return head;
}

Answer RawClient::read_answer(bool head_only) {
  Answer out;
  out.head = read_head();
  if (out.head.size() < 12) return {};
  const auto length = head_only ? 0 : std::strtoul(out.header("Content-Length").c_str(), nullptr, 10);
  while (in_.size() < length) {
    if (!fill()) return {};
  }
  out.body = in_.substr(0, length);
  in_.erase(0, length);
  out.status = static_cast<unsigned>(std::strtoul(out.head.c_str() + 9, nullptr, 10));
  return out;
}

bool RawClient::wait_for_bytes() {
  pollfd waiter{fd_.get(), POLLIN, 0};
  return ::poll(&waiter, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) == 1;
}

bool RawClient::wait_for_close() {
  while (true) {
    pollfd waiter{fd_.get(), POLLIN, 0};
    if (::poll(&waiter, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) != 1) return false;
    std::array<char, 4096> buffer;  // NOLINT: filled below
    if (::recv(fd_.get(), buffer.data(), buffer.size(), 0) <= 0) return true;
  }
}

void RawClient::shutdown_write() { ::shutdown(fd_.get(), SHUT_WR); }

void RawClient::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  fd_.reset();
}

std::size_t open_memory_files() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    count += std::filesystem::read_symlink(entry, gone).string().starts_with("/memfd:") ? 1 : 0;
  }
  return count;
}

FileSizeLimit::FileSizeLimit(std::uint64_t bytes) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  before_ = std::exchange(limit.rlim_cur, bytes);
  EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
}

FileSizeLimit::~FileSizeLimit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = before_;
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

std::string post(std::string_view path, std::string_view body, std::string_view more_headers) {
  std::string out = "POST ";
  out.append(path).append(" HTTP/1.1\r\nHost: test\r\nContent-Length: ").append(std::to_string(body.size())).append("\r\n");
  return out.append(more_headers).append("\r\n").append(body);
}

std::string get(std::string_view path, std::string_view more_headers) {
  std::string out = "GET ";
  return out.append(path).append(" HTTP/1.1\r\nHost: test\r\n").append(more_headers).append("\r\n");
}

Answer ask(std::uint16_t port, std::string_view bytes) {
  RawClient client(port);
  client.send(bytes);
  return client.read_answer();
}

}  // namespace clams::server::testing
