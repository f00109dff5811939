#include "starter.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "worker/channel.hpp"
#include "worker/worker_pool.hpp"

namespace worker {
namespace {

base::Result<std::shared_ptr<StartedWorker>> execute(ChildCommand command, StartGrant grant) {
  BASE_TRY_ASSIGN(auto channel, make_channel());
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return base::error_from_errno("cannot create the life line of a worker", errno);
  const base::Fd life_read(ends[0]);
  base::Fd life_write(ends[1]);
  std::vector<InheritedFd> inherited{{channel.second.get(), kChannelFd}, {life_read.get(), kLifeLineFd}};
  for (const base::Fd& extra : grant.descriptors)
    inherited.push_back({extra.get(), kChannelFd + static_cast<int>(inherited.size())});
  command.environment.insert(command.environment.end(), grant.environment.begin(), grant.environment.end());
  command.arguments.insert(command.arguments.end(), grant.arguments.begin(), grant.arguments.end());
  BASE_TRY_ASSIGN(ChildProcess child, ChildProcess::start(command, inherited));
  return std::make_shared<StartedWorker>(
      StartedWorker{std::move(child), std::move(channel.first), std::move(life_write), std::move(grant.until_death)});
}

}  // namespace

Starter::Starter(std::shared_ptr<WorkerObserver> observer, ResultFunction result)
    : observer_(std::move(observer)), result_(std::move(result)), thread_([this](const std::stop_token& stop) { work(stop); }) {}

Starter::~Starter() = default;  // jthread: requests stop, joins

void Starter::enqueue(StartJob job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void Starter::work(const std::stop_token& stop) {
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, stop, [this] { return !jobs_.empty(); });
    if (jobs_.empty()) return;  // told to stop
    StartJob job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    start(std::move(job), stop);
  }
}

void Starter::start(StartJob job, const std::stop_token& stop) {
  if (stop.stop_requested()) {
    result_(job.worker, nullptr, StartFailure{{base::ErrorCode::Cancelled, "the workers are being shut down"}, false});
    return;
  }
  auto grant = observer_->before_start(job.worker, stop);
  if (!grant) {
    result_(job.worker, nullptr, StartFailure{std::move(grant).error(), true});
    return;
  }
  auto started = execute(std::move(job.command), std::move(grant).value());
  if (!started) {
    result_(job.worker, nullptr, StartFailure{std::move(started).error(), false});
    return;
  }
  result_(job.worker, std::move(started).value(), std::nullopt);
}

}  // namespace worker
