// A front for a test: starts workers, makes them busy in the worst ways, prints their process ids, and waits to be killed.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>

#include "worker/worker_pool.hpp"

namespace {

// Prints each worker as it becomes ready.
class Printer final : public worker::WorkerObserver {
 public:
  void ready(const worker::WorkerRef& worker, const worker::MemoryReport&) override {
    std::printf("%d\n", worker.pid);
    std::fflush(stdout);
  }
};

}  // namespace

int main(int, char** argv) {
  worker::PoolOptions options;
  options.command.program = (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "worker_odd_worker").string();
  options.command.arguments = {"--ignore-term"};
  options.workers = options.start_ahead = 3;
  auto pool = worker::WorkerPool::start(options, std::make_shared<Printer>(), {});
  if (!pool) return 1;
  for (const char* kind : {"hang", "fork", "stop"}) {
    worker::Request request;
    request.kind = kind;
    (*pool)->submit(request, [](const worker::Outcome&) {});
  }
  // The pool's threads may end before the process: what counts is the process.
  if (std::string(argv[1]) == "exit-quickly") return std::this_thread::sleep_for(std::chrono::milliseconds(300)), ::_exit(0), 0;
  for (;;) ::pause();
}
