// One client's connection: reads a request, has it answered, and again. Included by http_server.cpp only.
//
// Everything here runs on the connection's own I/O thread. System calls are made directly and first (receive, send); only when the
// socket has nothing or is full does the coroutine wait, and then without a buffer: an idle connection costs its coroutine and
// nothing else.
//
// A client that goes away while its request waits or runs. TCP shows the same thing, an end of input, for a client that died and
// for one that has only finished sending (`nc -N`) and reads on. So, a few times a second:
//   1. an error on the socket (reset) means gone;
//   2. kProbeDelay after an end of input, "100 Continue" is sent, which HTTP/1.1 clients must skip. A closed socket answers that
//   with a
//      reset (then 1.); a half-closed one takes it, and its request runs on;
//   3. HTTP/1.0 has no interim answers: there, an end of input that lasts kProbeDelay counts as gone.
// Gone: the request's stop token is set (or it leaves the queue) and the exchange is reported with status 499.
// What a client sends meanwhile (pipelining) stays in the kernel until its turn. If that fills the kernel's buffer, the end of
// input behind it is seen only then.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "body_buffer.hpp"
#include "request_head.hpp"
#include "request_job.hpp"
#include "response_writer.hpp"
#include "server_core.hpp"

namespace clams::server {

inline constexpr std::chrono::milliseconds kProbeDelay{250};
inline constexpr std::chrono::seconds kLingerQuiet{2};   // a refused client that sends nothing more
inline constexpr std::chrono::seconds kLingerTotal{30};  // one that keeps sending

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ServerCore& core, const std::shared_ptr<IoThread>& home, Socket socket, bool overload);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The connection's whole life; the coroutine owns the connection.
  static Task<void> live(std::shared_ptr<Connection> self);
  // Deadlines, drain steps, and the watch over clients of long requests; called a few times a second.
  void look(TimePoint now);
  void job_came_back(const std::shared_ptr<Job>& job);

 private:
  Task<void> serve();

  enum class Phase { Idle, Head, Body, Running, Writing, Lingering };
  enum class Interrupt { None, Timeout, Drain, Kill };
  static constexpr TimePoint kNever = TimePoint::max();
  static constexpr unsigned kGone = 499;

  Task<bool> serve_one();
  Task<Refusal> read_head();
  Refusal take_head(std::string_view bytes, const HeadScanner& scanner, std::size_t end);
  std::size_t take_body_start(std::string_view bytes);
  Refusal no_memory(const std::bad_alloc& error);
  Task<Refusal> read_body();
  Task<Refusal> read_sized_body(BodyBuffer& body);
  Task<Refusal> read_chunked_body(BodyBuffer& body);
  Task<void> answer();
  Task<void> answer_by_job(RequestPool& pool);
  Task<void> refuse(Refusal refusal);
  Task<void> respond(HttpResponse response);
  Task<void> linger();
  Task<bool> ready(Socket::wait_type what, TimePoint deadline);
  Task<void> let_others_run();
  Refusal interrupted();

  std::string_view pending() const { return std::string_view(in_).substr(in_begin_); }
  void keep(std::string_view bytes);
  long receive(char* into, std::size_t size);
  void release_idle_memory();
  void set_phase(Phase phase);
  void interrupt(Interrupt why);
  void look_at_idle(TimePoint now);
  void close_after_handover(TimePoint now);
  void look_at_job(TimePoint now);
  void look_for_client(TimePoint now);
  void client_is_gone();
  void abandon_job();
  void wake();
  void wake_later();
  void observe(unsigned status);
  void forget_request();
  bool is_page() noexcept;
  std::optional<HttpResponse> ask_for_quick_answer() noexcept;
  template <class Handler>
  void set_waiter(Handler handler);

  struct Waiter {
    virtual ~Waiter() = default;
    virtual void resume() = 0;
  };
  // Names of a request that has moved into its job, for the observer.
  struct Names {
    std::string method, path, query, user_agent;
  };

  ServerCore& core_;
  IoThread& home_;
  std::weak_ptr<IoThread> home_link_;  // for jobs, which may outlive the thread
  Socket socket_;
  std::size_t slot_ = 0;  // in home_->connections
  Phase phase_ = Phase::Idle;
  Interrupt interrupt_ = Interrupt::None;
  TimePoint deadline_ = kNever;
  bool overload_ = false;
  bool any_request_ = false;
  bool close_ = false;
  bool linger_ = false;
  bool gone_ = false;
  bool abandoned_ = false;
  bool probed_ = false;
  bool method_is_head_ = false;
  bool refused_ = false;         // what was answered last had a Retry-After
  RequestPool* pool_ = nullptr;  // of job_

  std::string in_;  // received and not used yet, from in_begin_ on
  std::size_t in_begin_ = 0;
  RequestHead head_;
  BodyShare share_;  // of its body
  BodyBuffer body_;  // what of it came with the head
  std::unique_ptr<ChunkedBody> chunked_;
  std::string remote_;
  std::string request_id_;
  ResponseWriter writer_;
  std::shared_ptr<Job> job_;
  std::unique_ptr<Names> names_;
  std::unique_ptr<Waiter> waiter_;
  TimePoint began_{};
  TimePoint input_ended_ = kNever;
  std::uint64_t bytes_in_ = 0;
};

}  // namespace clams::server
