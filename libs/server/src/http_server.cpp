// The HTTP server, and the only translation unit that includes the HTTP library. Parts: beast_request.hpp (bytes to request),
// connection*.hpp (one client), request_job.hpp (one request on its thread), server_core.hpp (what they share); here: accepting,
// the event loops, and the end.
#include "clams/server/http.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <thread>

#include "beast_request.hpp"
#include "connection.hpp"
#include "connection_answer.hpp"
#include "connection_read.hpp"
#include "connection_watch.hpp"
#include "listener.hpp"
#include "server_core.hpp"

namespace clams::server {

namespace {

constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr int kAcceptsPerTurn = 64;
constexpr std::chrono::seconds kAcceptWarning{10};
constexpr std::chrono::milliseconds kLongestLook{200};
constexpr std::size_t kOverloadAnswers = 64;  // connections beyond the limit that are told so; more are just closed
constexpr std::chrono::milliseconds kThreadsGrace{2'000};

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

class AsioHttpServer final : public HttpServer {
 public:
  AsioHttpServer(HttpServerOptions options, std::shared_ptr<HttpHandler> handler, ExchangeObserver observer, base::Logger logger,
                 std::vector<Listener> listeners, bool hands_over)
      : core_(std::move(options), std::move(handler), std::move(observer), std::move(logger), hands_over) {
    for (unsigned i = 0; i < std::max(1U, core_.options.io_threads); ++i) core_.threads.push_back(std::make_shared<IoThread>());
    for (auto& listener : listeners) {
      if (port_ == 0) port_ = listener.port;
      auto& door = doors_.emplace_back(core_.threads.front()->context.get_executor(), protocol_of(listener));
      door.acceptor.assign(door.protocol, listener.fd.release());
    }
    open_doors_ = doors_.size();
  }

  std::uint16_t port() const noexcept override { return port_; }
  void run() override;
  void drain() noexcept override {
    Clock::rep none = 0;
    core_.drain_began.compare_exchange_strong(none, Clock::now().time_since_epoch().count());
    core_.draining = true;
    core_.poke();
  }
  void stop_now() noexcept override {
    core_.stopping = true;
    drain();
  }
  bool draining() const noexcept override { return core_.draining; }
  HttpGauges gauges() const noexcept override {
    return {core_.connections.load(std::memory_order_relaxed), core_.pool.queued(), core_.pool.running(), core_.bodies->taken()};
  }

 private:
  // A listening socket. The library needs to know its protocol only to make new sockets of it: a unix socket is as good.
  struct Door {
    Door(const Executor& executor, asio::ip::tcp of) : acceptor(executor), protocol(of) {}
    Acceptor acceptor;
    asio::ip::tcp protocol;
  };
  static asio::ip::tcp protocol_of(const Listener& listener) {
    return listener.is_ipv6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4();
  }
  Task<void> accept_clients(Door& door);
  Task<void> pause_accepting(int error);
  bool accept_one(Door& door, int& error);
  void adopt(const Door& door, int fd, bool overload);
  void begin_connection(const std::shared_ptr<IoThread>& thread, asio::ip::tcp protocol, int fd, bool overload);
  void close_doors();
  void take_turn();
  Task<void> look_after(std::shared_ptr<IoThread> thread);
  void take_drain_steps(TimePoint now);
  std::chrono::milliseconds time_between_looks() const;
  void run_loop(IoThread& thread);
  template <class T>
  void spawn(IoThread& thread, Task<T> task, std::string_view what);

  ServerCore core_;
  std::uint16_t port_ = 0;
  std::list<Door> doors_;       // after core_: they belong to an event loop there
  std::size_t open_doors_ = 0;  // of the first loop
  std::size_t next_thread_ = 0;
  TimePoint accept_warned_{};
};

template <class T>
void AsioHttpServer::spawn(IoThread& thread, Task<T> task, std::string_view what) {
  asio::co_spawn(thread.context.get_executor(), std::move(task), [this, what](const std::exception_ptr& thrown) {
    if (!thrown) return;
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) { core_.logger.error(std::string(what) + " ended by an exception: " + error.what()); }
  });
}

void AsioHttpServer::run() {
  core_.pool.start();
  core_.pages.start();
  for (Door& door : doors_) spawn(*core_.threads.front(), accept_clients(door), "accepting connections");
  for (const auto& thread : core_.threads) spawn(*thread, look_after(thread), "the event loop's timer");
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < core_.threads.size(); ++i) {
      others.emplace_back([this, thread = core_.threads[i]] { run_loop(*thread); });
    }
    run_loop(*core_.threads.front());
  }
  const auto left = core_.pool.stop(kThreadsGrace) + core_.pages.stop(kThreadsGrace);
  if (left != 0) {
    core_.logger.warning(std::to_string(left) +
                         " request(s) ignored the request to stop and were left behind; the process should end now");
  }
}

void AsioHttpServer::run_loop(IoThread& thread) {
  while (true) {
    try {
      thread.context.run();
      return;
    } catch (const std::exception& error) { core_.logger.error(std::string("an event handler threw: ") + error.what()); }
  }
}

Task<void> AsioHttpServer::accept_clients(Door& door) {
  while (core_.accepting()) {
    error_code error;
    co_await door.acceptor.async_wait(Acceptor::wait_read, asio::redirect_error(kAwait, error));
    int failure = 0;
    for (int i = 0; i < kAcceptsPerTurn && core_.accepting() && accept_one(door, failure); ++i) {}
    if (failure != 0) co_await pause_accepting(failure);
  }
  error_code ignored;
  door.acceptor.close(ignored);
  if (--open_doors_ != 0) co_return;
  core_.accept_ended = true;
  core_.poke();
}

// False: nothing more to accept now, or `error` says why accepting must pause.
bool AsioHttpServer::accept_one(Door& door, int& error) {
  const int fd = ::accept4(door.acceptor.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    const bool out_of_something = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (out_of_something) error = errno;
    return !out_of_something && errno != EAGAIN && errno != EWOULDBLOCK;  // else: this one client has gone again
  }
  const auto now_connected = core_.connections.load(std::memory_order_relaxed);
  if (now_connected >= core_.options.max_connections + kOverloadAnswers) {
    ::close(fd);
    return true;
  }
  adopt(door, fd, now_connected >= core_.options.max_connections);
  return true;
}

// Out of file descriptors or memory: waiting connections stay in the kernel's queue, and the log gets one line, not one per
// attempt.
Task<void> AsioHttpServer::pause_accepting(int error) {
  const auto now = Clock::now();
  if (accept_warned_ == TimePoint{} || now - accept_warned_ >= kAcceptWarning) {
    core_.logger.warning(base::error_from_errno("cannot accept connections now, trying again", error).message);
  }
  accept_warned_ = now;
  Timer timer(core_.threads.front()->context.get_executor(), kAcceptPause);
  error_code ignored;
  co_await timer.async_wait(asio::redirect_error(kAwait, ignored));
}

void AsioHttpServer::adopt(const Door& door, int fd, bool overload) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  core_.awaited.fetch_add(1, std::memory_order_relaxed);
  const auto thread = core_.threads[next_thread_++ % core_.threads.size()];
  if (thread == core_.threads.front()) return begin_connection(thread, door.protocol, fd, overload);
  asio::post(thread->context, [this, thread, protocol = door.protocol, owner = std::make_shared<base::Fd>(fd), overload] {
    begin_connection(thread, protocol, owner->release(), overload);
  });
}

void AsioHttpServer::begin_connection(const std::shared_ptr<IoThread>& thread, asio::ip::tcp protocol, int fd, bool overload) {
  base::Fd owner(fd);
  if (core_.finishing()) {
    core_.awaited.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  Socket socket(thread->context.get_executor());
  error_code error;
  socket.assign(protocol, owner.get(), error);
  if (error) {
    core_.awaited.fetch_sub(1, std::memory_order_relaxed);
    core_.logger.warning("cannot watch a new connection: " + error.message());
    return;
  }
  owner.release();
  auto connection = std::make_shared<Connection>(core_, thread, std::move(socket), overload);
  spawn(*thread, Connection::live(std::move(connection)), "a connection");
}

std::chrono::milliseconds AsioHttpServer::time_between_looks() const {
  const auto& o = core_.options;
  auto shortest = std::min({o.header_timeout, o.idle_timeout, o.read_timeout, o.write_timeout, o.drain_timeout});
  if (o.request_timeout) shortest = std::min(shortest, *o.request_timeout);
  return std::clamp(shortest / 4, std::chrono::milliseconds{10}, kLongestLook);
}

// The loop's only timer: looks at every connection's deadline, and at the drain clock. Ends when nothing is left to look after.
Task<void> AsioHttpServer::look_after(std::shared_ptr<IoThread> thread) {
  const auto period = time_between_looks();
  const bool is_first = thread == core_.threads.front();
  while (true) {
    if (is_first && core_.options.on_turn) take_turn();
    const auto now = Clock::now();
    if (core_.draining) take_drain_steps(now);
    for (Connection* connection : thread->connections) connection->look(now);
    // On a handover a connection may be on its way to this loop until nothing is awaited.
    if (core_.accept_ended && thread->connections.empty() && (core_.finishing() || !core_.hands_over)) co_return;
    thread->timer.expires_after(core_.hands_over && core_.draining ? std::min(period, kHandoverLook) : period);
    error_code ignored;
    co_await thread->timer.async_wait(asio::redirect_error(kAwait, ignored));
  }
}

void AsioHttpServer::take_turn() {
  try {
    core_.options.on_turn();
  } catch (const std::exception& error) {
    core_.logger.error(std::string("what the event loop does beside threw: ") + error.what());
  }
}

// The acceptors belong to the first loop, which may be another than this one.
void AsioHttpServer::close_doors() {
  asio::post(core_.threads.front()->context, [this] {
    error_code ignored;
    for (Door& door : doors_) door.acceptor.cancel(ignored);
  });
}

void AsioHttpServer::take_drain_steps(TimePoint now) {
  if (core_.finishing()) return;
  if (!core_.accepting() && !core_.accept_ended) close_doors();
  const auto patience_ends = ServerCore::at(core_.drain_began) + core_.options.drain_timeout + kLastAnswers + kFarewell;
  // What was accepted an instant ago may be on its way to another loop, so a handover waits for the doors first.
  const bool busy = core_.busy() || (core_.hands_over && !core_.accept_ended);
  if (busy && !core_.stopping && now < patience_ends) return;
  Clock::rep none = 0;
  if (!core_.finish_began.compare_exchange_strong(none, now.time_since_epoch().count())) return;
  close_doors();
  core_.poke();
}

}  // namespace

base::Result<std::unique_ptr<HttpServer>> HttpServer::listen(HttpServerOptions options, std::shared_ptr<HttpHandler> handler,
                                                             ExchangeObserver observer, base::Logger logger) {
  std::vector<Listener> listeners(1);
  BASE_TRY_ASSIGN(listeners.front(), open_listener(options.host, options.port));
  return std::unique_ptr<HttpServer>(std::make_unique<AsioHttpServer>(std::move(options), std::move(handler), std::move(observer),
                                                                      std::move(logger), std::move(listeners), false));
}

base::Result<std::unique_ptr<HttpServer>> HttpServer::adopt(std::vector<base::Fd> sockets, HttpServerOptions options,
                                                            std::shared_ptr<HttpHandler> handler, ExchangeObserver observer,
                                                            base::Logger logger) {
  std::vector<Listener> listeners;
  for (auto& socket : sockets) {
    BASE_TRY_ASSIGN(auto listener, describe_listener(socket.get()));
    listener.fd = std::move(socket);
    listeners.push_back(std::move(listener));
  }
  return std::unique_ptr<HttpServer>(std::make_unique<AsioHttpServer>(std::move(options), std::move(handler), std::move(observer),
                                                                      std::move(logger), std::move(listeners), true));
}

}  // namespace clams::server
