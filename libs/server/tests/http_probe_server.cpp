// A bare server for measuring the HTTP layer: GET answers 3 KB at once, everything else echoes its body from a request thread.
//   http_probe_server PORT [IO_THREADS] [log]     "log": a line for each request on standard error
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "clams/server/http.hpp"

namespace {

using namespace clams::server;

class ProbeHandler final : public HttpHandler {
 public:
  std::optional<HttpResponse> answer_now(const HttpRequest& request) override {
    if (request.method != "GET") return std::nullopt;
    HttpResponse out;
    out.body.slices.emplace_back(*page_);
    out.body.owner = page_;
    return out;
  }
  HttpResponse handle(HttpRequest request, std::stop_token) override {
    HttpResponse out;
    out.body = BodySlices::of(std::move(request.body).take_text());
    return out;
  }
  HttpResponse refusal(unsigned status, std::string_view reason) override {
    HttpResponse out;
    out.status = status;
    out.body = BodySlices::of(std::string(reason));
    return out;
  }

 private:
  std::shared_ptr<const std::string> page_ = std::make_shared<const std::string>(3072, 'x');
};

void log_request(const Exchange& e) {
  std::fprintf(stderr, "%.*s %.*s %u %llu %lld us %.*s\n", static_cast<int>(e.method.size()), e.method.data(),
               static_cast<int>(e.path.size()), e.path.data(), e.status, static_cast<unsigned long long>(e.bytes_out),
               static_cast<long long>(e.total.count() / 1000), static_cast<int>(e.request_id.size()), e.request_id.data());
}

}  // namespace

int main(int argc, char** argv) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  HttpServerOptions options;
  options.port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  options.io_threads = static_cast<unsigned>(argc > 2 ? std::atoi(argv[2]) : 1);
  const bool log = argc > 3 && std::string(argv[3]) == "log";
  auto server =
      HttpServer::listen(options, std::make_shared<ProbeHandler>(), log ? ExchangeObserver(log_request) : ExchangeObserver(), {});
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 78;
  }
  std::fprintf(stderr, "listening on port %d\n", (*server)->port());
  std::jthread watcher([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    (*server)->drain();
  });
  (*server)->run();
  pthread_kill(watcher.native_handle(), SIGTERM);  // if it was not a signal that ended run()
  return 0;
}
