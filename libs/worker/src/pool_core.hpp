// The inside of WorkerPool. Everything here runs on the event thread, except where marked.
//
// Invariants
//  - A task is in exactly one of: the queue; running on a place (in its slot's `running`); gone. A task whose completion was
//  already called
//    (timed out, cancelled) stays running until its worker answers or is collected, since only then its memory is free.
//  - A place belongs to one living process. `slot.places` holds the numbers of the places in that slot's process; it is empty
//  without a process. A
//    place lives while its seat is held or a task runs on it. A held seat whose process has died keeps its number in `places_` with
//    slot = nullptr.
//  - Ready <=> process ready and no places; Busy and Draining <=> at least one place.
//  - Every change of a slot's state goes through `move`, which obeys the table of worker_state.hpp.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/guarded.hpp"
#include "event_loop.hpp"
#include "line_splitter.hpp"
#include "starter.hpp"
#include "worker/channel.hpp"
#include "worker/worker_pool.hpp"

namespace worker::detail {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Task {
  std::uint64_t id = 0;
  Request request;
  Completion done;        // empty once called
  SeatCompletion seated;  // set for a wish for a seat; empty once called
  std::uint64_t place = 0;
  WorkerRef worker;
  bool running = false;
  bool overdue = false;
  unsigned attempts = 0;  // times that a worker has read it
  unsigned unread = 0;    // times that a worker died before it read it
  bool on_seat = false;
  SteadyTime submitted{}, started{};
  EventLoop::TimerId deadline_timer = 0, hang_timer = 0;
  std::unique_ptr<std::stop_callback<std::function<void()>>> on_stop;
  bool waited_for() const { return done || seated; }
};

struct Slot {
  explicit Slot(unsigned number) { ref.slot = number; }
  WorkerRef ref;
  WorkerState state = WorkerState::Dead;
  std::uint64_t generation = 0;
  std::shared_ptr<StartedWorker> process;
  EventLoop::WatchId channel_watch = 0, pidfd_watch = 0, output_watch = 0, error_watch = 0;
  std::unique_ptr<LineSplitter> output, error_output;
  struct Outgoing {
    Packet packet;
    std::uint64_t request = 0;  // whose frame it is; 0: another frame
  };
  std::deque<Outgoing> outgoing;       // what the socket has not taken yet
  std::set<std::uint64_t> never_sent;  // requests that the socket refused: it was closed
  std::uint64_t last_sent = 0;         // the request whose frame the socket took last; 0: another frame
  bool left_unread = false;            // it has closed without reading the last frame that the socket took
  unsigned capacity = 0, announced_capacity = 1;
  std::set<std::uint64_t> places;
  std::map<std::uint64_t, Task*> running;
  unsigned overdue = 0;
  bool hung = false;
  bool retire_when_empty = false;
  bool told_to_end = false;  // its end is no crash
  bool killed_by_us = false;
  std::string cause;    // why we end it, for the outcomes of what it runs
  std::string program;  // from Hello
  std::optional<std::uint64_t> oom_kills_before;
  EventLoop::TimerId life_timer = 0;  // start, finish, stop and kill deadlines, back-off: one at a time
  EventLoop::TimerId ping_timer = 0;
  std::uint64_t pings = 0;
  std::set<std::string> models;
  bool reports_models = false;
  std::deque<std::string> kin;  // of the latest requests, each once, the newest first
  std::optional<MemoryReport> memory;
  struct Baseline {
    std::optional<base::Bytes> host, device;  // after the first request with these models
  } baseline;
  std::uint64_t requests = 0;
  SteadyTime ready_since{}, idle_since{};

  bool holds(const Request& request) const;  // its model
  bool had_kin_of(const Request& request) const;
  bool surely_unread(std::uint64_t request) const;  // its process has not seen the request
  bool open() const;                                // for new requests, if it has a free place
};

struct Place {
  Slot* slot = nullptr;
  WorkerRef worker;
  bool held = false;
  std::uint64_t task = 0;
};

// Why a process is ended, and what its end counts as.
enum class EndReason {
  Asked,  // somebody wants it to end: no crash
  Fault,  // it hangs, lies or does not become ready: counts as its own failure
};

class PoolCore : public std::enable_shared_from_this<PoolCore> {
 public:
  PoolCore(PoolOptions options, std::shared_ptr<WorkerObserver> observer, base::Logger logger, std::unique_ptr<EventLoop> loop);
  ~PoolCore();
  PoolCore(const PoolCore&) = delete;
  PoolCore& operator=(const PoolCore&) = delete;

  // Any thread.
  void run_threads();
  void join();
  void submit(Request request, Completion done, SeatCompletion seated, std::uint64_t place);
  void release_place(std::uint64_t number) noexcept;
  void post(std::function<void(PoolCore&)> function);
  bool wait_stopped(SteadyTime deadline);
  PoolStatus status() const;

  // Event thread (pool_control.cpp).
  void resize(unsigned workers, unsigned per_worker);
  void reload(std::optional<ChildCommand> command);
  bool retire_idle(std::uint64_t worker_id);
  void unload_model(const std::string& name);
  void unload_model(std::uint64_t worker_id, const std::string& name);
  void drain(std::chrono::milliseconds timeout);
  void stop_now();

 private:
  void check_stopped();
  bool nobody_waits_for(const Slot& slot) const;

  // pool_queue.cpp: tasks, places, routing
  void accept(std::unique_ptr<Task> task);
  std::optional<base::Error> why_refused() const;
  void run_on_seat(std::unique_ptr<Task> task);
  void watch_for_end(Task& task);
  void pump();
  Slot* choose(const Request& request);
  bool waits_for_holder(const Request& request) const;
  static void remember_kin(Slot& slot, const std::string& kin);
  void give(Task& task, Slot& slot);
  void run(Task& task, Slot& slot);
  void cancel_task(std::uint64_t id);
  void deadline_passed(std::uint64_t id);
  void leave_queue(std::uint64_t id);
  void finish_task(Task& task, Outcome outcome);
  void answer(Task& task, Outcome outcome);
  void answer_early(Task& task, Ending ending, const base::Error& error);
  void task_over(Task& task);
  void drop_place(std::uint64_t number);
  void place_free(std::uint64_t number);
  void refuse_queue(const base::Error& error);

  // pool_processes.cpp: birth and death
  void ensure_workers();
  Slot& free_slot();
  unsigned wanted_workers() const;
  void retire_surplus(unsigned wanted);
  void start_slot(Slot& slot);
  void start_process(Slot& slot);
  void start_finished(const WorkerRef& worker, const std::shared_ptr<StartedWorker>& process,
                      const std::optional<StartFailure>& failure);
  enum class StartTrouble { Failed, RefusedByOwner, KilledFromOutside };
  void start_failed(Slot& slot, const base::Error& error, StartTrouble trouble);
  void adopt(Slot& slot, std::shared_ptr<StartedWorker> process);
  void became_ready(Slot& slot, const Frame& frame);
  void retire_older();
  void retire(Slot& slot, const std::string& cause);
  void drained_a_bit(Slot& slot);
  enum class StopStep { Ask, Terminate, Kill };
  void stop(Slot& slot, StopStep step, const std::string& cause, EndReason reason = EndReason::Asked);
  void escalate(Slot& slot, StopStep step);
  void child_ended(Slot& slot);
  ExitReason collect(Slot& slot);
  void close_process(Slot& slot);
  void end_tasks_of(Slot& slot, const std::string& words);
  void count_death(const Slot& slot, const ExitReason& reason);
  void back_off(bool by_bad_luck);
  std::size_t live_workers() const;

  // pool_traffic.cpp: sockets and pipes
  void on_channel(Slot& slot, std::uint32_t events);
  bool read_channel(Slot& slot, int limit);
  void on_frame(Slot& slot, Message message);
  void on_hello(Slot& slot, const Frame& frame);
  void on_answer(Slot& slot, Message message);
  void on_report(Slot& slot, const Frame& frame);
  void on_progress(Slot& slot, const Frame& frame);
  void on_models(Slot& slot, const Frame& frame);
  void distrust(Slot& slot, const std::string& why);
  void post_frame(Slot& slot, const Frame& frame);
  void send_packet(Slot& slot, Packet packet, std::uint64_t request = 0);
  void flush(Slot& slot);
  void on_output(Slot& slot, bool error_output);
  bool read_output(Slot& slot, bool error_output, int limit);
  void log_line(const Slot& slot, std::string_view line);

  // pool_health.cpp: hang, leak, ping
  void check_leaks(Slot& slot, const std::string& model);
  void hang_grace_over(std::uint64_t id);
  void plan_ping(Slot& slot);
  void ping(Slot& slot);

  void move(Slot& slot, WorkerEvent event);
  Slot* slot_of(std::uint64_t worker_id);
  void arm(Slot& slot, std::chrono::milliseconds delay, std::function<void(Slot&)> function);
  std::string describe(const Slot& slot) const;
  void publish();

  PoolOptions options_;
  std::shared_ptr<WorkerObserver> observer_;
  base::Logger logger_;
  std::unique_ptr<EventLoop> loop_;
  OomKillCounter oom_kills_;

  std::unordered_map<std::uint64_t, std::unique_ptr<Task>> tasks_;
  std::deque<std::uint64_t> queue_;
  std::map<std::uint64_t, Place> places_;
  std::deque<std::unique_ptr<Slot>> slots_;  // number = index; pointers stay valid
  std::uint64_t next_task_ = 1, next_worker_ = 1, next_place_ = 1, generation_ = 1;
  unsigned crashes_in_a_row_ = 0;
  SteadyTime no_start_before_{};
  std::optional<base::Error> start_error_;  // of the last start, while none has succeeded since
  bool draining_ = false, stopping_ = false;
  EventLoop::TimerId drain_timer_ = 0;
  PoolStatus counters_;  // only the counters are used
  base::Guarded<PoolStatus> published_;

  std::mutex stopped_mutex_;
  std::condition_variable stopped_changed_;
  bool stopped_ = false;  // under stopped_mutex_
  std::unique_ptr<Starter> starter_;
  std::thread thread_;
};

inline base::Error unavailable(std::string message) { return {base::ErrorCode::Unavailable, std::move(message)}; }
inline base::Error invalid(std::string message) { return {base::ErrorCode::InvalidArgument, std::move(message)}; }
inline Outcome unanswered(Ending ending, base::Error error) {
  Outcome outcome;
  outcome.ending = ending;
  outcome.error = std::move(error);
  return outcome;
}

}  // namespace worker::detail
