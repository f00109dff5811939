// What happens to a connection from outside its coroutine: deadlines, drain steps, the watch over a client whose request runs.
// Included by http_server.cpp only.
#pragma once
#include <poll.h>
#include <sys/socket.h>

#include "connection.hpp"

namespace clams::server {

template <class Handler>
inline void Connection::set_waiter(Handler handler) {
  struct Typed final : Waiter {
    explicit Typed(Handler h) : handler(std::move(h)) {}
    void resume() override { std::move(handler)(); }
    Handler handler;
  };
  waiter_ = std::make_unique<Typed>(std::move(handler));
}

inline void Connection::wake() {
  // Taken out first: the resumed coroutine may wait again, or end this connection.
  if (const auto waiter = std::move(waiter_)) waiter->resume();
}

// Not at once: callers stand in a loop over all connections, which the resumed coroutine may change.
inline void Connection::wake_later() {
  asio::post(home_.context, [self = shared_from_this(), job = job_] { self->job_came_back(job); });
}

inline void Job::give_back() noexcept {
  const auto home = home_.lock();
  if (!home) return;
  try {
    asio::post(home->context, [job = shared_from_this()] {
      if (const auto connection = job->connection_.lock()) {
        job->came_back = true;
        connection->job_came_back(job);
      }
    });
  } catch (const std::exception& error) {
    // No memory for the message: the connection learns of it when it is next looked at.
    lost_.store(true, std::memory_order_release);
    logger_.error(std::string("cannot hand a finished request back: ") + error.what());
  }
}

inline void Connection::job_came_back(const std::shared_ptr<Job>& job) {
  if (job == job_) wake();
}

inline void Connection::set_phase(Phase phase) {
  const auto is_active = [](Phase p) { return p == Phase::Running || p == Phase::Writing; };
  const bool was = is_active(phase_);
  const bool is = is_active(phase);
  const auto lingered = static_cast<std::size_t>(phase_ == Phase::Lingering);
  const auto lingers = static_cast<std::size_t>(phase == Phase::Lingering);
  if (lingered != lingers) core_.awaited.fetch_add(lingered - lingers, std::memory_order_relaxed);  // modulo: one less, or one more
  phase_ = phase;
  if (was == is) return;
  if (is)
    core_.active.fetch_add(1, std::memory_order_relaxed);
  else if (core_.active.fetch_sub(1, std::memory_order_relaxed) == 1 && core_.draining)
    core_.poke();
}

inline void Connection::interrupt(Interrupt why) {
  if (interrupt_ >= why) return;
  interrupt_ = why;
  error_code ignored;
  socket_.cancel(ignored);
}

inline void Connection::look(TimePoint now) {
  if (deadline_ <= now) interrupt(Interrupt::Timeout);
  if (phase_ == Phase::Running) return look_at_job(now);
  if (core_.stopping) return interrupt(Interrupt::Kill);
  if (phase_ == Phase::Idle) return look_at_idle(now);
  if (!core_.finishing()) return;
  if (now >= ServerCore::at(core_.finish_began) + kFarewell) return interrupt(Interrupt::Kill);
  if (phase_ == Phase::Head || phase_ == Phase::Body) interrupt(Interrupt::Drain);
}

// 1. A client connects and sends a request, or sends one on a connection that is kept. 2. Before we read it, the connection is
// closed for being idle: the client gets a reset. So a connection that was used just now stays a moment, and what has arrived is
// read first.
inline void Connection::close_after_handover(TimePoint now) {
  const auto quiet_since = std::max(began_, ServerCore::at(core_.drain_began));
  if (now < quiet_since + kHandoverQuiet && !core_.finishing()) return;
  pollfd client{socket_.native_handle(), POLLIN, 0};
  if (core_.finishing() || ::poll(&client, 1, 0) == 0) interrupt(Interrupt::Drain);
}

inline void Connection::look_at_idle(TimePoint now) {
  if (core_.hands_over && core_.draining) return close_after_handover(now);
  // Clients that come while the server drains may still ask for its health: they were not idle when it began.
  const auto drain_began = core_.drain_began.load(std::memory_order_relaxed);
  if (core_.finishing()) return interrupt(Interrupt::Drain);
  if (drain_began != 0 && began_ <= ServerCore::at(drain_began)) {
    pollfd client{socket_.native_handle(), POLLIN, 0};
    if (now >= began_ + kHandoverQuiet && ::poll(&client, 1, 0) == 0) interrupt(Interrupt::Drain);
    return;
  }
  constexpr std::chrono::seconds kBusyClient{1};
  if (now - began_ > kBusyClient) release_idle_memory();
}

inline void Connection::look_at_job(TimePoint now) {
  if (!job_ || !waiter_) return;
  const auto job = job_;
  if (job->lost()) return wake_later();
  if (core_.stopping || core_.finishing()) return abandon_job();
  if (core_.draining) {
    const auto patience_ends = ServerCore::at(core_.drain_began) + core_.options.drain_timeout;
    if (now >= patience_ends + kLastAnswers) return abandon_job();
    if (now >= patience_ends && !std::exchange(job->stop_sent, true)) job->request_stop();
  }
  const auto started = job->started();
  if (core_.options.request_timeout && started != TimePoint{} && now - started >= *core_.options.request_timeout) {
    if (!std::exchange(job->stop_sent, true)) job->stop_overdue();
  }
  if (!gone_) look_for_client(now);
}

// poll(2) tells an end of input without reading, so nothing that the client pipelines is touched.
inline void Connection::look_for_client(TimePoint now) {
  pollfd client{socket_.native_handle(), POLLRDHUP, 0};
  if (::poll(&client, 1, 0) <= 0) return;
  if ((client.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) return client_is_gone();
  if (input_ended_ == kNever) input_ended_ = now;
  if (probed_ || now - input_ended_ < kProbeDelay) return;
  probed_ = true;
  constexpr std::string_view kProbe = "HTTP/1.1 100 Continue\r\n\r\n";
  if (head_.http_1_0 || ::send(socket_.native_handle(), kProbe.data(), kProbe.size(), MSG_NOSIGNAL) < 0) client_is_gone();
}

inline void Connection::client_is_gone() {
  if (std::exchange(gone_, true)) return;
  job_->client_is_gone();
  // Still in the queue: it leaves at once and makes room. Otherwise the handler ends it, and it comes back as usual.
  if (pool_->remove(job_.get())) { wake_later(); }
}

// The client is answered without the job, whose result is dropped when it comes.
inline void Connection::abandon_job() {
  if (std::exchange(abandoned_, true)) return;
  if (core_.stopping) interrupt_ = Interrupt::Kill;
  job_->request_stop();
  pool_->remove(job_.get());
  wake_later();
}

}  // namespace clams::server
