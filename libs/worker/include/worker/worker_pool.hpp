// A pool of worker processes: starts, watches, replaces and ends them, and gives each request to one of them.
//
// Threads: one event thread owns all sockets, pipes, pidfds and timers; one starter thread asks the owner's consent and executes
// processes. Both live as long as the pool. Every function here may be called from any thread and returns at once, except where it
// says that it waits. Processes: the workers and nothing else. If this process dies, by whatever signal, the kernel ends the
// workers: their life lines break (see life_line.hpp).
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "worker/document.hpp"
#include "worker/observer.hpp"
#include "worker/protocol.hpp"

namespace worker {

// Descriptor numbers in the worker, for the command's arguments.
inline constexpr int kChannelFd = 3;
inline constexpr int kLifeLineFd = 4;

struct PoolOptions {
  std::string name = "worker";  // in log lines
  ChildCommand command;
  unsigned workers = 1;      // processes at most (at least 1); a reload may have more for a moment
  unsigned per_worker = 1;   // requests at once in each; a worker that says it can do fewer gets fewer
  unsigned start_ahead = 1;  // processes started before anybody asks; the others when a request finds no free place
  std::size_t max_queued = 64;
  std::uint64_t max_document = std::uint64_t{1} << 32;

  std::chrono::milliseconds start_timeout{300'000};  // exec until ready: a constructor may load a model
  std::chrono::milliseconds cancel_grace{3'000};     // an overdue request's time to end by itself, before its worker counts as hung
  std::chrono::milliseconds finish_grace{600'000};   // for the other requests of a worker that is retired
  std::chrono::milliseconds stop_grace{3'000};       // from "shut down" to SIGTERM
  std::chrono::milliseconds kill_grace{2'000};       // from SIGTERM to SIGKILL
  std::chrono::milliseconds backoff_first{100};      // after the first crash; doubles
  std::chrono::milliseconds backoff_max{30'000};
  std::chrono::milliseconds settled{30'000};  // a worker that stayed ready this long, or ran a request, or was killed from outside,
                                              // crashed by bad luck: back-off starts anew
  std::chrono::milliseconds ping_interval{30'000};  // of workers that run nothing; 0: never
  std::chrono::milliseconds ping_timeout{20'000};

  // A worker beyond one of these is retired after its request. nullopt: no limit.
  // Growth: over what it was after the first request with the same models.
  std::optional<base::Bytes> max_host_growth;    // of its resident set
  std::optional<base::Bytes> max_device_growth;  // of what its reports say it holds between requests, all devices together
  std::optional<std::uint64_t> max_requests;

  std::size_t log_lines_per_second = 500;  // of each output of each worker; more are counted only
};

// A request for a worker.
struct Request {
  std::string kind = "annotate";
  Attributes attributes;
  Document document;
  std::string model;        // routing hint: a worker that holds it comes first; empty: none
  std::string kin;          // second hint: a worker that was given one of the same kin comes before others; empty: none
  bool only_there = false;  // waits for such a worker while one lives, although others are free
  std::string context;      // request id for log lines
  std::optional<std::chrono::steady_clock::time_point> deadline;         // for all of it, waiting included
  std::stop_token stop;                                                  // nobody waits any more
  bool rerun_allowed = false;                                            // may run a second time when its worker dies
  std::function<void(double fraction, std::string_view text)> progress;  // on the event thread
  // Dropped when no worker runs the request any more: when it was answered, was never given to one, or its worker is dead. That may
  // be later than the completion of a request that timed out or was cancelled. Hold the memory lease here.
  std::shared_ptr<const void> until_over;
};

enum class Ending {
  Answered,    // the worker gave a result
  Failed,      // the worker gave an error: `code` and `error`
  WorkerDied,  // `error` says how
  TimedOut,
  Cancelled,
  Refused,  // never given to a worker: queue full, draining, or no worker can be started
};
std::string_view name_of(Ending ending) noexcept;

struct Outcome {
  Ending ending = Ending::Refused;
  Attributes attributes;
  Document document;
  WorkerCode code = WorkerCode::None;
  std::optional<MemoryReport> memory;
  base::Error error;      // in words for people, unless Answered
  WorkerRef worker;       // that ran it last; id 0 if none did
  unsigned attempts = 0;  // workers that have read it; WorkerDied with 0: on a seat, the worker died before it could begin
  std::chrono::nanoseconds queued{}, ran{};
};
// Called exactly once, on the event thread (or, after the pool's end, on the caller's): must be quick and must not throw.
using Completion = std::function<void(Outcome)>;

struct WorkerStatus {
  WorkerRef worker;
  WorkerState state = WorkerState::Dead;
  unsigned running = 0;  // requests and held seats
  std::set<std::string> models;
  std::uint64_t requests = 0;  // done by this process
  std::optional<MemoryReport> memory;
  std::chrono::steady_clock::time_point idle_since{};  // when it last began to run nothing; only in state Ready
};

struct PoolStatus {
  std::vector<WorkerStatus> workers;
  std::size_t queued = 0, running = 0;
  std::uint64_t started = 0;  // processes, ever
  std::uint64_t ready = 0;    // of them, those that became ready
  std::uint64_t crashed = 0;  // ended without being told to
  std::uint64_t hung = 0, leaked = 0, out_of_memory_killed = 0, reruns = 0;
  bool draining = false;
  // Why the last start failed, while none has succeeded since; none: a worker runs, or nothing speaks against starting one.
  std::optional<base::Error> start_error;
};

namespace detail {
class PoolCore;
}

// A place in one worker, held until the seat is dropped: lets the owner know which process will run a request, and promise memory
// for that process, before the request goes out. Move-only; may be dropped while its request runs.
class Seat {
 public:
  Seat() = default;
  Seat(Seat&& other) noexcept { *this = std::move(other); }
  Seat& operator=(Seat&& other) noexcept;
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  ~Seat() { release(); }
  explicit operator bool() const noexcept { return number_ != 0; }
  const WorkerRef& worker() const noexcept { return worker_; }
  // Models that the worker holds, as known when the seat was given.
  const std::set<std::string>& models() const noexcept { return models_; }
  void release() noexcept;

 private:
  friend class detail::PoolCore;
  friend class WorkerPool;
  std::weak_ptr<detail::PoolCore> pool_;
  std::uint64_t number_ = 0;
  WorkerRef worker_;
  std::set<std::string> models_;
};
using SeatCompletion = std::function<void(base::Result<Seat>)>;

class WorkerPool {
 public:
  // Errors: InvalidArgument (no program, 0 workers), Io. Workers are started in the background; one that cannot start shows in the
  // log, in the status and in the answers.
  static base::Result<std::unique_ptr<WorkerPool>> start(PoolOptions options, std::shared_ptr<WorkerObserver> observer,
                                                         base::Logger logger);
  // As stop_now, then waits for the threads.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void submit(Request request, Completion done);
  std::future<Outcome> submit(Request request);

  // Waits in the same queue as requests. Errors: QueueFull, Timeout, Cancelled, Unavailable (draining, or no worker can be
  // started). Of the wish only model, kin, only_there, deadline, stop and context count.
  void acquire(Request wish, SeatCompletion done);
  std::future<base::Result<Seat>> acquire(Request wish);
  // Runs on the seat's worker, as many one after the other as wanted; ends WorkerDied when that worker is gone (never rerun
  // elsewhere).
  void submit(const Seat& seat, Request request, Completion done);
  std::future<Outcome> submit(const Seat& seat, Request request);

  // Fewer workers: idle ones end at once, busy ones when they are done.
  void resize(unsigned workers, unsigned per_worker);
  // New processes take over; each old one serves until a new one is ready or the owner refuses the start, then finishes what it
  // runs and ends.
  void reload();
  void reload(ChildCommand command);
  // Ends a worker that runs nothing and whose seats are free: the way to get back what it holds. The answer says whether it was.
  std::future<bool> retire_idle(std::uint64_t worker_id);
  // Asks every worker that holds this model to give it back; one that cannot unload is ended as soon as it runs nothing.
  void unload_model(std::string name);
  // Asks this worker alone, if it tells which models it holds. It answers with a list of them (WorkerObserver::models), also when
  // it could not, since the model is in use.
  void unload_model(std::uint64_t worker_id, std::string name);

  // No new requests; what is queued and running is finished; then the workers end. After `timeout`, as stop_now.
  void drain(std::chrono::milliseconds timeout);
  // Everything unfinished ends Refused (waiting) or WorkerDied (running); SIGTERM, then SIGKILL after kill_grace.
  void stop_now();
  // Waits until drain or stop_now is complete and every process is collected. false: not yet at `deadline`.
  bool wait_stopped(std::chrono::steady_clock::time_point deadline);

  PoolStatus status() const;

 private:
  explicit WorkerPool(std::shared_ptr<detail::PoolCore> core);
  std::shared_ptr<detail::PoolCore> core_;
};

}  // namespace worker
