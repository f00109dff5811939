// What all threads of one HTTP server share. Included by http_server.cpp only.
//
// Threads and what they may touch:
//   - an I/O thread owns its IoThread and every Connection in it; nothing else touches them, so they need no locks;
//   - a request thread owns the Job it runs, and hands it back by posting to the I/O thread;
//   - any thread may read and set the atomics of ServerCore.
// Ending happens in steps that every I/O thread reads off the same clock (DrainClock), so that no step depends on a message
// arriving.
#pragma once
#include <algorithm>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "body_budget.hpp"
#include "clams/server/http.hpp"
#include "http_date.hpp"
#include "request_id.hpp"
#include "request_pool.hpp"

namespace clams::server {

namespace asio = boost::asio;
using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;
inline constexpr asio::use_awaitable_t<Executor> kAwait;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
using boost::system::error_code;

inline constexpr std::size_t kScratch = std::size_t{64} << 10;
// A connection that always finds data or room goes to the back of the line after this many bytes.
inline constexpr std::size_t kTurn = std::size_t{4} << 20;
inline constexpr std::chrono::milliseconds kLastAnswers{
    1'000};  // between asking running requests to stop and answering 503 for them
// On a handover: between its beginning and the end of connections that bring no request. Clients that send one after the other are
// caught by the answer "Connection: close" instead.
inline constexpr std::chrono::milliseconds kHandoverQuiet{500};
inline constexpr std::chrono::milliseconds kHandoverLook{20};  // a successor waits for the end
inline constexpr std::chrono::milliseconds kFarewell{1'000};   // for what is still being written when everything else has ended

inline constexpr unsigned kPageThreads = 2;
inline constexpr std::size_t kPageQueue = 64;

class Connection;

// One event loop. Connections are listed so that one timer serves all their deadlines: setting a deadline is a store, not a system
// call.
struct IoThread {
  std::vector<Connection*> connections;
  std::unique_ptr<char[]> scratch{new char[kScratch]};  // what was just received; used up before the next wait
  RequestIds ids;
  DateCache date;
  asio::io_context context{1};  // after what its coroutines refer to
  Timer timer{context.get_executor()};
};

struct ServerCore {
  HttpServerOptions options;
  std::shared_ptr<HttpHandler> handler;
  ExchangeObserver observer;
  base::Logger logger;
  std::shared_ptr<BodyBudget> bodies;
  RequestPool pool;
  RequestPool pages{kPageThreads, kPageQueue};  // see HttpHandler::takes_a_moment
  const bool hands_over;                        // the listening sockets outlive this server: see HttpServer::adopt

  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> awaited{0};  // accepted ones that have or may still bring a request: all that do not linger
  std::atomic<std::size_t> active{0};   // requests with a thread, waiting for one, or being answered
  std::atomic<bool> draining{false};
  std::atomic<bool> stopping{false};  // stop_now: no more answers
  std::atomic<bool> accept_ended{false};
  std::atomic<Clock::rep> drain_began{0};   // since the clock's epoch; set before `draining`
  std::atomic<Clock::rep> finish_began{0};  // nothing active any more, or out of patience

  // Last: connections that are still there when it goes refer to all of the above. Shared, because a request thread that is late
  // may still want to post.
  std::vector<std::shared_ptr<IoThread>> threads;

  ServerCore(HttpServerOptions o, std::shared_ptr<HttpHandler> h, ExchangeObserver e, base::Logger l, bool over)
      : options(std::move(o)),
        handler(std::move(h)),
        observer(std::move(e)),
        logger(std::move(l)),
        bodies(std::make_shared<BodyBudget>(std::max(options.body_memory, options.max_body))),
        pool(options.request_threads, options.queue),
        hands_over(over) {}

  static TimePoint at(Clock::rep ticks) { return TimePoint(Clock::duration(ticks)); }
  bool finishing() const noexcept { return finish_began.load(std::memory_order_acquire) != 0; }
  // A successor gets what this server does not accept; without one, its clients would find the port closed.
  bool accepting() const noexcept { return !finishing() && !(hands_over && draining); }
  bool refuses_work() const noexcept { return draining && !hands_over; }
  // Whether anything is left that a drain waits for.
  bool busy() const noexcept { return (hands_over ? awaited : active).load(std::memory_order_relaxed) != 0; }

  // Every I/O thread looks at its connections and at the drain clock soon. Nothing is lost if this fails: they do so periodically
  // anyway.
  void poke() noexcept;

  // Answers the HTTP layer makes by itself. The words are the handler's; its exceptions end here.
  HttpResponse refusal(unsigned status, std::string_view reason) noexcept {
    try {
      return handler->refusal(status, reason);
    } catch (const std::exception& error) {
      logger.error(std::string("the handler threw while wording a refusal: ") + error.what());
    } catch (...) { logger.error("the handler threw while wording a refusal"); }
    return HttpResponse{status, {}, {}, {}};
  }
};

inline void ServerCore::poke() noexcept {
  for (const auto& thread : threads) {
    try {
      asio::post(thread->context, [loop = thread.get()] { loop->timer.cancel(); });
    } catch (const std::exception&) {  // no memory for the message: the periodic look comes
    }
  }
}

}  // namespace clams::server
