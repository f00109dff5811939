// How a connection answers requests. Included by http_server.cpp only.
#pragma once
#include <sys/socket.h>

#include <algorithm>
#include <optional>

#include "connection_refusals.hpp"

namespace clams::server {

inline bool says_when(const HttpResponse& response) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [](const Header& header) { return header.first == "Retry-After"; });
}

inline bool Connection::is_page() noexcept {
  try {
    return core_.handler->takes_a_moment(head_.request);
  } catch (const std::exception& error) {
    core_.logger.with_context(request_id_).error(std::string("the handler threw while looking at a request: ") + error.what());
  } catch (...) { core_.logger.with_context(request_id_).error("the handler threw while looking at a request"); }
  return false;
}

inline std::optional<HttpResponse> Connection::ask_for_quick_answer() noexcept {
  try {
    return core_.handler->answer_now(head_.request);
  } catch (const std::exception& error) {
    core_.logger.with_context(request_id_).error(std::string("the handler threw while answering at once: ") + error.what());
  } catch (...) { core_.logger.with_context(request_id_).error("the handler threw while answering at once"); }
  return HttpResponse{500, {}, {}, {}};
}

inline Task<void> Connection::answer() {
  close_ = !head_.keep_alive;
  if (!head_.has_body() && is_page()) {
    co_await answer_by_job(core_.pages);
    co_return;
  }
  if (!head_.has_body()) {
    if (auto quick = ask_for_quick_answer()) {
      co_await respond(std::move(*quick));
      co_return;
    }
  }
  if (core_.refuses_work()) {
    co_await refuse(kDraining);
    co_return;
  }
  co_await answer_by_job(core_.pool);
}

inline Task<void> Connection::answer_by_job(RequestPool& pool) {
  auto& request = head_.request;
  if (core_.observer || core_.options.status_of) {
    names_ = std::make_unique<Names>(Names{request.method, request.path, request.query, std::string(request.header("User-Agent"))});
  }
  if (!head_.has_body()) request.body = BodyBuffer().finish();
  job_ = std::make_shared<Job>(core_, home_link_, weak_from_this(), std::move(request), std::move(share_));
  request = HttpRequest{};
  gone_ = abandoned_ = probed_ = false;
  input_ended_ = kNever;
  set_phase(Phase::Running);
  pool_ = &pool;
  if (!pool.try_push(job_)) {
    job_.reset();
    co_await refuse(kQueueFull);
    co_return;
  }
  // The job comes back by a message to this thread, so it cannot be missed by waiting only now.
  co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(
      [this](auto handler) { set_waiter(std::move(handler)); }, kAwait);
  if (gone_ || interrupt_ == Interrupt::Kill) {
    observe(kGone);
    close_ = true;
  } else if (abandoned_) {
    co_await refuse(kDidNotEnd);
  } else {
    co_await respond(job_->take_response());
  }
  job_.reset();
}

inline Task<void> Connection::refuse(Refusal refusal) {
  if (request_id_.empty()) home_.ids.next(request_id_);
  if (refusal.status == 503 && (core_.draining || overload_)) close_ = true;
  linger_ = linger_ || overload_;
  auto response = core_.refusal(refusal.status, refusal.reason);
  if ((refusal.status == 429 || refusal.status == 503) && !says_when(response))
    response.headers.emplace_back("Retry-After", core_.draining ? kRetryAfterRestart : kRetryAfterMoment);
  if (refusal.status == 415) response.headers.emplace_back("Accept-Encoding", "identity");
  co_await respond(std::move(response));
}

inline Task<void> Connection::respond(HttpResponse response) {
  set_phase(Phase::Writing);
  close_ = close_ || core_.draining;
  if (core_.options.status_of) response.status = core_.options.status_of(names_ ? names_->path : head_.request.path, response.status);
  const unsigned status = response.status;
  refused_ = says_when(response);
  writer_.begin(std::move(response), {.server = core_.options.server_header,
                                      .date = home_.date.now(),
                                      .request_id = request_id_,
                                      .head_only = method_is_head_,
                                      .close = close_,
                                      .say_keep_alive = head_.http_1_0});
  bool taken = false;
  while (true) {
    const auto step = writer_.send(socket_.native_handle(), kTurn);
    taken = step == IoStep::Done;
    if (step != IoStep::Again) break;
    if (writer_.budget_spent()) {
      co_await let_others_run();
      continue;
    }
    const auto until = Clock::now() + core_.options.write_timeout;
    const bool is_ready = co_await ready(Socket::wait_write, until);
    if (!is_ready) break;
  }
  if (!taken) close_ = true;
  if (!taken) linger_ = false;
  observe(taken ? status : kGone);
  writer_.end();
}

// A client that is refused while it still sends would be told "connection reset" instead of our answer if the socket were closed at
// once: first our side ends, then what it still sends is thrown away, for a while.
inline Task<void> Connection::linger() {
  set_phase(Phase::Lingering);
  ::shutdown(socket_.native_handle(), SHUT_WR);
  const auto end = Clock::now() + kLingerTotal;
  std::size_t turn = 0;
  while (Clock::now() < end) {
    const long got = receive(home_.scratch.get(), kScratch);
    if (got == 0 || got == -2) co_return;
    if (got == -1) {
      const auto until = std::min<TimePoint>(end, Clock::now() + kLingerQuiet);
      const bool is_ready = co_await ready(Socket::wait_read, until);
      if (!is_ready) co_return;
      continue;
    }
    turn += static_cast<std::size_t>(got);
    if (turn >= kTurn) {
      turn = 0;
      co_await let_others_run();
    }
  }
}

inline void Connection::observe(unsigned status) {
  if (!core_.observer) return;
  const auto& request = head_.request;
  const auto now = Clock::now();
  Exchange exchange;
  exchange.method = names_ ? names_->method : request.method;
  exchange.path = names_ ? names_->path : request.path;
  exchange.query = names_ ? names_->query : request.query;
  exchange.user_agent = names_ ? std::string_view(names_->user_agent) : request.header("User-Agent");
  exchange.request_id = request_id_;
  exchange.remote = remote_;
  exchange.status = status;
  exchange.refused = refused_;
  exchange.bytes_in = bytes_in_;
  exchange.bytes_out = writer_.sent();
  exchange.total = now - began_;
  if (pool_ == &core_.pages) {
    // Time of pages says nothing of requests.
  } else if (job_ && job_->started() != TimePoint{}) {
    exchange.queued = job_->started() - job_->queued_at;
    exchange.ran = (job_->ended() != TimePoint{} ? job_->ended() : now) - job_->started();
  } else if (job_) {
    exchange.queued = now - job_->queued_at;
  }
  try {
    core_.observer(exchange);
  } catch (const std::exception& error) { core_.logger.error(std::string("the observer of requests threw: ") + error.what()); }
}

}  // namespace clams::server
