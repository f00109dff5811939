#include "worker/worker_server.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "worker/channel.hpp"
#include "worker/life_line.hpp"

namespace worker {
namespace {

class FrameReports final : public WorkerReports {
 public:
  explicit FrameReports(int fd) : fd_(fd) {}

  void progress(std::uint64_t request, double fraction, std::string_view text) override {
    Frame frame;
    frame.type = MessageType::Progress;
    frame.id = request;
    frame.number = static_cast<std::uint32_t>(std::clamp(fraction, 0.0, 1.0) * 1e6);
    frame.text = text.substr(0, kMaxTextBytes);
    put(std::move(frame));
  }
  void log(std::uint64_t request, base::LogLevel level, std::string_view line) override {
    Frame frame;
    frame.type = MessageType::Log;
    frame.id = request;
    frame.number = static_cast<std::uint32_t>(level);
    frame.text = line.substr(0, kMaxTextBytes);
    put(std::move(frame));
  }
  void memory(const MemoryReport& report) override {
    Frame frame;
    frame.type = MessageType::Memory;
    frame.memory = report;
    put(std::move(frame));
  }
  void models(const std::vector<ResidentModel>& held, const Attributes& attributes) override {
    Frame frame;
    frame.type = MessageType::Models;
    frame.models = held;
    frame.attributes = attributes;
    put(std::move(frame));
  }
  // One packet is sent whole or not at all, so threads need no lock among them.
  base::Status send_frame(Frame frame, const Document& document) const {
    BASE_TRY_ASSIGN(const Packet packet, pack(std::move(frame), document));
    BASE_TRY(send(fd_, packet));
    return {};
  }

 private:
  void put(Frame frame) const { (void)send_frame(std::move(frame), {}); }
  int fd_;
};

class Server final : public WorkerServer {
 public:
  Server(base::Fd channel, LifeLine line) : channel_(std::move(channel)), line_(std::move(line)), reports_(channel_.get()) {}
  WorkerReports& reports() override { return reports_; }
  base::Status hello(const std::string& program) {
    Frame frame;
    frame.type = MessageType::Hello;
    frame.kind = program;
    frame.pid = static_cast<std::uint32_t>(::getpid());
    frame.version_min = frame.version_max = kProtocolVersion;
    return reports_.send_frame(std::move(frame), {});
  }
  base::Status serve(WorkerHandler& handler, unsigned concurrency, const MemoryReport& memory) override;

 private:
  struct Job {
    std::uint64_t id;
    ServedRequest request;
    std::stop_source stop;
  };
  base::Status receive_all(WorkerHandler& handler);
  void accept(Message message);
  void cancel(std::uint64_t id);
  void work(WorkerHandler& handler);
  void finish(const Job& job, ServedAnswer answer);

  base::Fd channel_;
  LifeLine line_;
  FrameReports reports_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;                            // under mutex_; at most what the front gives at once
  std::map<std::uint64_t, std::stop_source> open_;  // under mutex_: waiting and running
  bool closing_ = false;                            // under mutex_
};

base::Status Server::serve(WorkerHandler& handler, unsigned concurrency, const MemoryReport& memory) {
  Frame frame;
  frame.type = MessageType::Ready;
  frame.number = std::max(1U, concurrency);
  frame.memory = memory;
  BASE_TRY(reports_.send_frame(std::move(frame), {}));
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1U, concurrency); ++i) threads.emplace_back([&] { work(handler); });
  const base::Status status = receive_all(handler);
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  return status;
}

base::Status Server::receive_all(WorkerHandler& handler) {
  for (;;) {
    BASE_TRY_ASSIGN(Received received, receive(channel_.get(), UINT64_MAX));
    if (received.state == ChannelState::Closed) return {};
    if (received.state == ChannelState::WouldBlock) continue;
    const Frame& frame = received.message.frame;
    switch (frame.type) {
      case MessageType::Request: accept(std::move(received.message)); break;
      case MessageType::Cancel: cancel(frame.id); break;
      case MessageType::UnloadModel: handler.unload(frame.kind, reports_); break;
      case MessageType::Shutdown: return {};
      case MessageType::Ping: {
        Frame pong;
        pong.type = MessageType::Pong;
        pong.id = frame.id;
        BASE_TRY(reports_.send_frame(std::move(pong), {}));
        break;
      }
      default:
        return base::Error{base::ErrorCode::InvalidArgument,
                           "the front sent '" + std::string(name_of(frame.type)) + "', which only workers send"};
    }
  }
}

void Server::accept(Message message) {
  Job job{message.frame.id, {std::move(message.frame.kind), std::move(message.frame.attributes), std::move(message.document)}, {}};
  {
    const std::lock_guard lock(mutex_);
    open_.emplace(job.id, job.stop);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void Server::cancel(std::uint64_t id) {
  std::stop_source stop(std::nostopstate);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = open_.find(id); found != open_.end()) stop = found->second;
  }
  stop.request_stop();  // runs callbacks of the app: not under the lock
}

void Server::work(WorkerHandler& handler) {
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    ServedAnswer answer;
    if (job.stop.stop_requested()) {
      answer.code = WorkerCode::Cancelled;
      answer.error = "cancelled before it began";
    } else {
      answer = handler.handle(job.id, std::move(job.request), job.stop.get_token(), reports_);
    }
    finish(job, std::move(answer));
  }
}

void Server::finish(const Job& job, ServedAnswer answer) {
  {
    const std::lock_guard lock(mutex_);
    open_.erase(job.id);
  }
  Frame frame;
  frame.id = job.id;
  frame.code = answer.code;
  frame.memory = std::move(answer.memory);
  const bool failed = !answer.error.empty();
  frame.type = failed ? MessageType::Error : MessageType::Result;
  frame.text = answer.error.substr(0, kMaxTextBytes);
  if (!failed) frame.attributes = std::move(answer.attributes);
  const base::Status sent = reports_.send_frame(std::move(frame), failed ? Document() : answer.document);
  if (sent || sent.error().code == base::ErrorCode::Unavailable) return;
  // The answer cannot be sent as it is (a limit, no memory): the front must hear of the end all the same.
  Frame apology;
  apology.type = MessageType::Error;
  apology.id = job.id;
  apology.code = WorkerCode::Internal;
  apology.text = "the answer could not be sent: " + sent.error().message.substr(0, 1000);
  (void)reports_.send_frame(std::move(apology), {});
}

}  // namespace

void WorkerHandler::unload(std::string_view, WorkerReports&) {}

base::Result<std::unique_ptr<WorkerServer>> WorkerServer::open(int channel_fd, int life_line_fd, std::string program) {
  int type = 0;
  socklen_t length = sizeof type;
  if (::getsockopt(channel_fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_SEQPACKET) {
    return base::Error{base::ErrorCode::InvalidArgument,
                       "descriptor " + std::to_string(channel_fd) +
                           " is not the socket of a worker: workers are started by a worker pool, not by hand"};
  }
  base::Fd channel(channel_fd);
  if (::fcntl(channel_fd, F_SETFD, FD_CLOEXEC) != 0) return base::error_from_errno("cannot prepare the socket of a worker", errno);
  BASE_TRY_ASSIGN(LifeLine line, LifeLine::hold(life_line_fd));
  auto server = std::make_unique<Server>(std::move(channel), std::move(line));
  BASE_TRY(server->hello(program));
  return std::unique_ptr<WorkerServer>(std::move(server));
}

}  // namespace worker
