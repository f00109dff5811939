#include "worker/worker_pool.hpp"

#include <array>

#include "pool_core.hpp"

namespace worker {

std::string_view name_of(Ending ending) noexcept {
  constexpr std::array<std::string_view, 6> names{"answered", "failed", "worker died", "timed out", "cancelled", "refused"};
  return names[static_cast<std::size_t>(ending)];
}

Seat& Seat::operator=(Seat&& other) noexcept {
  if (this == &other) return *this;
  release();
  pool_ = std::move(other.pool_);
  number_ = std::exchange(other.number_, 0);
  worker_ = other.worker_;
  models_ = std::move(other.models_);
  return *this;
}

void Seat::release() noexcept {
  const std::uint64_t number = std::exchange(number_, 0);
  if (number == 0) return;
  if (const auto pool = pool_.lock()) pool->release_place(number);
}

WorkerPool::WorkerPool(std::shared_ptr<detail::PoolCore> core) : core_(std::move(core)) {}

base::Result<std::unique_ptr<WorkerPool>> WorkerPool::start(PoolOptions options, std::shared_ptr<WorkerObserver> observer,
                                                            base::Logger logger) {
  if (options.command.program.empty()) return base::Error{base::ErrorCode::InvalidArgument, "a worker pool needs a program to run"};
  if (options.workers == 0 || options.per_worker == 0)
    return base::Error{base::ErrorCode::InvalidArgument, "a worker pool needs at least one worker with room for one request"};
  BASE_TRY_ASSIGN(auto loop, EventLoop::create());
  if (!observer) observer = std::make_shared<WorkerObserver>();
  auto core = std::make_shared<detail::PoolCore>(std::move(options), std::move(observer), std::move(logger), std::move(loop));
  core->run_threads();
  return std::unique_ptr<WorkerPool>(new WorkerPool(std::move(core)));
}

WorkerPool::~WorkerPool() {
  stop_now();
  // What is not collected by then is stuck in the kernel; the loop's end kills it once more and waits for it.
  core_->wait_stopped(std::chrono::steady_clock::now() + std::chrono::seconds(30));
  core_->join();
}

void WorkerPool::submit(Request request, Completion done) { core_->submit(std::move(request), std::move(done), {}, 0); }

std::future<Outcome> WorkerPool::submit(Request request) {
  auto promise = std::make_shared<std::promise<Outcome>>();
  auto future = promise->get_future();
  submit(std::move(request), [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
  return future;
}

void WorkerPool::acquire(Request wish, SeatCompletion done) { core_->submit(std::move(wish), {}, std::move(done), 0); }

std::future<base::Result<Seat>> WorkerPool::acquire(Request wish) {
  auto promise = std::make_shared<std::promise<base::Result<Seat>>>();
  auto future = promise->get_future();
  acquire(std::move(wish), [promise](base::Result<Seat> seat) { promise->set_value(std::move(seat)); });
  return future;
}

void WorkerPool::submit(const Seat& seat, Request request, Completion done) {
  if (seat) return core_->submit(std::move(request), std::move(done), {}, seat.number_);
  done(detail::unanswered(Ending::Refused, detail::invalid("the seat is empty")));
}

std::future<Outcome> WorkerPool::submit(const Seat& seat, Request request) {
  auto promise = std::make_shared<std::promise<Outcome>>();
  auto future = promise->get_future();
  submit(seat, std::move(request), [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
  return future;
}

void WorkerPool::resize(unsigned workers, unsigned per_worker) {
  core_->post([=](detail::PoolCore& core) { core.resize(workers, per_worker); });
}

void WorkerPool::reload() {
  core_->post([](detail::PoolCore& core) { core.reload(std::nullopt); });
}

void WorkerPool::reload(ChildCommand command) {
  core_->post([command = std::move(command)](detail::PoolCore& core) { core.reload(command); });
}

std::future<bool> WorkerPool::retire_idle(std::uint64_t worker_id) {
  auto promise = std::make_shared<std::promise<bool>>();
  auto future = promise->get_future();
  core_->post([promise, worker_id](detail::PoolCore& core) { promise->set_value(core.retire_idle(worker_id)); });
  return future;
}

void WorkerPool::unload_model(std::string name) {
  core_->post([name = std::move(name)](detail::PoolCore& core) { core.unload_model(name); });
}

void WorkerPool::unload_model(std::uint64_t worker_id, std::string name) {
  core_->post([worker_id, name = std::move(name)](detail::PoolCore& core) { core.unload_model(worker_id, name); });
}

void WorkerPool::drain(std::chrono::milliseconds timeout) {
  core_->post([timeout](detail::PoolCore& core) { core.drain(timeout); });
}

void WorkerPool::stop_now() {
  core_->post([](detail::PoolCore& core) { core.stop_now(); });
}

bool WorkerPool::wait_stopped(std::chrono::steady_clock::time_point deadline) { return core_->wait_stopped(deadline); }
PoolStatus WorkerPool::status() const { return core_->status(); }

}  // namespace worker
