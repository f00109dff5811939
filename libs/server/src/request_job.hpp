// One request on its way through a request thread. Included by http_server.cpp only.
#pragma once
#include <atomic>
#include <memory>
#include <stop_token>

#include "server_core.hpp"

namespace clams::server {

// Made by a connection, run by a request thread, given back to the connection by a message to its I/O thread. The connection may
// have gone by then, and even the I/O thread (a handler that ignored its stop token): hence the weak pointers, locked only where
// they are safe: `home` anywhere, `connection` on its own I/O thread.
class Job final : public PoolTask, public std::enable_shared_from_this<Job> {
 public:
  Job(const ServerCore& core, std::weak_ptr<IoThread> home, std::weak_ptr<Connection> connection, HttpRequest request,
      BodyShare share)
      : handler_(core.handler),
        logger_(core.logger),
        home_(std::move(home)),
        connection_(std::move(connection)),
        share_(std::move(share)),
        request_(std::move(request)) {}

  void run() noexcept override {
    started_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
    // Asked to stop while it waited: nobody wants the answer.
    if (!client_gone_.load(std::memory_order_relaxed)) handle();
    ended_ = Clock::now();
    give_back();
  }

  void request_stop() { stop_.request_stop(); }
  void stop_overdue() {
    overdue_.store(true, std::memory_order_relaxed);
    stop_.request_stop();
  }
  void client_is_gone() {
    client_gone_.store(true, std::memory_order_relaxed);
    stop_.request_stop();
  }
  // Time zero of the clock: not started.
  TimePoint started() const noexcept { return ServerCore::at(started_.load(std::memory_order_relaxed)); }
  // I/O thread only; time zero of the clock until the job came back.
  TimePoint ended() const noexcept { return came_back ? ended_ : TimePoint{}; }
  HttpResponse take_response() { return std::move(response_); }
  // The message that it has ended could not be sent.
  bool lost() const noexcept { return lost_.load(std::memory_order_acquire); }
  TimePoint queued_at = Clock::now();
  bool came_back = false;  // I/O thread
  bool stop_sent = false;  // I/O thread: because of the request's deadline or the drain

 private:
  void handle() noexcept;
  void give_back() noexcept;

  std::shared_ptr<HttpHandler> handler_;
  base::Logger logger_;
  std::weak_ptr<IoThread> home_;
  std::weak_ptr<Connection> connection_;
  BodyShare share_;  // until the answer was written: it may point into the body
  HttpRequest request_;
  HttpResponse response_;
  std::stop_source stop_;
  std::atomic<bool> client_gone_{false};
  std::atomic<bool> lost_{false};
  std::atomic<bool> overdue_{false};
  std::atomic<Clock::rep> started_{0};
  TimePoint ended_{};
};

inline void Job::handle() noexcept {
  request_.overdue = std::shared_ptr<const std::atomic<bool>>(shared_from_this(), &overdue_);
  const auto id = logger_.enabled(base::LogLevel::Error) ? request_.request_id : std::string();
  try {
    response_ = handler_->handle(std::move(request_), stop_.get_token());
    return;
  } catch (const std::exception& error) {
    logger_.with_context(id).error(std::string("the request handler threw: ") + error.what());
  } catch (...) { logger_.with_context(id).error("the request handler threw something that is not an exception"); }
  response_ = HttpResponse{500, {}, {}, {}};
}

}  // namespace clams::server
