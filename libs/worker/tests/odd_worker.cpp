// A worker that does what workers should not. Arguments: --at-start WHAT [--concurrency N] [--ignore-term]; the kinds of requests
// below do the rest.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "worker/channel.hpp"
#include "worker/worker_server.hpp"

namespace {

using namespace std::chrono_literals;

void send_raw(const std::string& bytes) { (void)!::send(worker::kChannelFd, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

std::string half_a_frame() {
  worker::Frame frame;
  frame.type = worker::MessageType::Log;
  frame.text = "this will be cut in the middle of its text";
  const std::string whole = worker::encode(frame).value();
  return whole.substr(0, whole.size() / 2);
}

[[noreturn]] void hang() {
  for (;;) std::this_thread::sleep_for(1s);
}

[[noreturn]] void die_by_fault() {
  ::signal(SIGSEGV, SIG_DFL);
  ::raise(SIGSEGV);
  ::_exit(99);
}

// A grandchild that keeps the worker's socket and pipes open, and answers to nobody.
void fork_a_keeper() {
  const pid_t child = ::fork();
  if (child != 0) return;
  for (;;) ::pause();
}

void print_megabytes(std::size_t megabytes) {
  const std::string line(99, 'x');
  for (std::size_t i = 0; i < megabytes * 10'000; ++i) std::fprintf(i % 2 == 0 ? stdout : stderr, "%s\n", line.c_str());
  std::fflush(stdout);
}

class OddHandler final : public worker::WorkerHandler {
 public:
  worker::ServedAnswer handle(std::uint64_t id, worker::ServedRequest request, std::stop_token stop,
                              worker::WorkerReports& reports) override {
    const std::string* argument = worker::find_attribute(request.attributes, "argument");
    const long number = argument != nullptr ? std::strtol(argument->c_str(), nullptr, 10) : 0;
    worker::ServedAnswer answer;
    answer.attributes = {{"pid", std::to_string(::getpid())}};
    if (const std::string* model = worker::find_attribute(request.attributes, "model")) hold(*model, reports);
    if (request.kind == "echo") {
      answer.document = request.document;
    } else if (request.kind == "sleep") {
      for (long waited = 0; waited < number && !stop.stop_requested(); waited += 5) std::this_thread::sleep_for(5ms);
      if (stop.stop_requested()) {
        answer.code = worker::WorkerCode::Cancelled;
        answer.error = "stopped as asked";
      }
    } else if (request.kind == "progress") {
      reports.progress(id, 0.5, "half");
      reports.log(id, base::LogLevel::Info, "a line about this request");
    } else if (request.kind == "last-words") {
      for (long i = 0; i < number; ++i) reports.progress(id, 0.5, "still here");
      std::thread([] {
        std::this_thread::sleep_for(20ms);
        die_by_fault();
      }).detach();
    } else if (request.kind == "memory") {
      worker::DeviceMemory device;
      device.device = "GPU-1";
      device.held_after = base::Bytes(static_cast<std::uint64_t>(number));
      answer.memory.emplace().devices.push_back(device);
    } else if (request.kind == "fail") {
      answer.code = static_cast<worker::WorkerCode>(number);
      answer.error = "it went wrong";
    } else if (request.kind == "environment") {
      const char* value = std::getenv("ODD_VALUE");
      answer.document = worker::Document::of(value != nullptr ? value : "(none)");
    } else if (request.kind == "descriptors") {
      answer.document = worker::Document::of(open_descriptors());
    } else {
      misbehave(request.kind, number);
    }
    return answer;
  }
  void unload(std::string_view model, worker::WorkerReports& reports) override {
    const std::lock_guard lock(mutex_);
    models_.erase(std::string(model));
    report(reports);
  }

 private:
  void hold(const std::string& model, worker::WorkerReports& reports) {
    const std::lock_guard lock(mutex_);
    if (models_.insert(model).second) report(reports);
  }
  void report(worker::WorkerReports& reports) const {
    std::vector<worker::ResidentModel> held;
    for (const std::string& name : models_) held.push_back({name, base::Bytes(1)});
    reports.models(held);
  }
  void misbehave(const std::string& kind, long number) {
    if (kind == "crash") die_by_fault();
    if (kind == "exit") ::_exit(static_cast<int>(number));
    if (kind == "hang") hang();
    if (kind == "print") print_megabytes(static_cast<std::size_t>(number));
    if (kind == "fork") fork_a_keeper();
    if (kind == "fork-then-crash") fork_a_keeper(), die_by_fault();
    if (kind == "garbage") send_raw("these bytes are no frame, whatever one may think of them"), hang();
    if (kind == "partial") send_raw(half_a_frame()), hang();
    if (kind == "close") ::shutdown(worker::kChannelFd, SHUT_RDWR), hang();
    if (kind == "stop") ::raise(SIGSTOP), hang();
    if (kind == "leak") leak(static_cast<std::size_t>(number) << 20);
  }
  void leak(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    leaked_.emplace_back(bytes, '\1');
  }
  static std::string open_descriptors() {
    std::string list;
    for (int fd = 0; fd < 1024; ++fd) {
      if (::fcntl(fd, F_GETFD) >= 0) list += std::to_string(fd) + " ";
    }
    return list;
  }
  std::mutex mutex_;
  std::set<std::string> models_;
  std::vector<std::vector<char>> leaked_;
};

int at_start(const std::string& what) {
  if (what == "exit") std::fprintf(stderr, "the configuration is missing\n"), ::_exit(7);
  if (what == "hang") hang();
  if (what == "garbage") send_raw("hello?"), hang();
  if (what == "ready-first") {
    worker::Frame frame;
    frame.type = worker::MessageType::Ready;
    send_raw(worker::encode(frame).value());
    hang();
  }
  if (what == "newer") {
    worker::Frame frame;
    frame.type = worker::MessageType::Hello;
    frame.version_min = 7;
    frame.version_max = 9;
    send_raw(worker::encode(frame).value());
    hang();
  }
  if (what == "slow") std::this_thread::sleep_for(300ms);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  unsigned concurrency = 1;
  std::string start;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--ignore-term") ::signal(SIGTERM, SIG_IGN);
    if (flag == "--at-start" && i + 1 < argc) start = argv[++i];
    if (flag == "--concurrency" && i + 1 < argc) concurrency = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
  }
  at_start(start);
  auto server = worker::WorkerServer::open(worker::kChannelFd, worker::kLifeLineFd, "odd-worker");
  if (!server) return std::fprintf(stderr, "%s\n", server.error().message.c_str()), 1;
  OddHandler handler;
  const auto status = (*server)->serve(handler, concurrency, {});
  return status ? 0 : 1;
}
