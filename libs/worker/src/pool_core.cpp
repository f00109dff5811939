#include "pool_core.hpp"

namespace worker::detail {

PoolCore::PoolCore(PoolOptions options, std::shared_ptr<WorkerObserver> observer, base::Logger logger,
                   std::unique_ptr<EventLoop> loop)
    : options_(std::move(options)), observer_(std::move(observer)), logger_(std::move(logger)), loop_(std::move(loop)) {
  loop_->after_round([this] { publish(); });
}

PoolCore::~PoolCore() = default;

void PoolCore::run_threads() {
  // The functions posted by the starter hold a plain pointer: they run on the loop's thread only, which this object outlives.
  starter_ = std::make_unique<Starter>(
      observer_, [this](const WorkerRef& worker, std::shared_ptr<StartedWorker> process, std::optional<StartFailure> failure) {
        loop_->post([this, worker, process = std::move(process), failure = std::move(failure)] {
          start_finished(worker, process, failure);
        });
      });
  loop_->post([this] { ensure_workers(); });
  thread_ = std::thread([this] { loop_->run(); });
}

void PoolCore::join() {
  // The loop first: its last functions still speak to the starter. What the starter sends afterwards is dropped, and a process with
  // it.
  loop_->stop();
  if (thread_.joinable()) thread_.join();
  starter_.reset();
}

void PoolCore::post(std::function<void(PoolCore&)> function) {
  loop_->post([self = shared_from_this(), function = std::move(function)] { function(*self); });
}

bool PoolCore::wait_stopped(SteadyTime deadline) {
  std::unique_lock lock(stopped_mutex_);
  return stopped_changed_.wait_until(lock, deadline, [this] { return stopped_; });
}

PoolStatus PoolCore::status() const {
  return published_.with([](const PoolStatus& status) { return status; });
}

void PoolCore::publish() {
  PoolStatus status = counters_;
  status.queued = queue_.size();
  status.draining = draining_;
  status.start_error = start_error_;
  for (const auto& slot : slots_) {
    status.running += slot->running.size();
    WorkerRef ref = slot->ref;
    if (!has_process(slot->state)) ref.pid = 0;  // the number may be anybody's by now
    status.workers.push_back({ref, slot->state, static_cast<unsigned>(slot->places.size()), slot->models, slot->requests,
                              slot->memory, slot->idle_since});
  }
  published_.with([&](PoolStatus& published) { published = std::move(status); });
}

}  // namespace worker::detail
