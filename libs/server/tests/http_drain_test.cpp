// The end: drain and stop_now.
#include "http_test_support.hpp"

namespace clams::server::testing {
namespace {

struct SlowHandler {
  Gate gate;
  std::atomic<int> started{0}, stops_seen{0};
  bool obeys = true;
  void install(TestServer& test) {
    test.handler().on_handle = [this](HttpRequest request, std::stop_token stop) {
      ++started;
      bool seen = false;
      while (!gate.wait(5ms)) {
        if (stop.stop_requested() && !std::exchange(seen, true)) ++stops_seen;
        if (seen && obeys) return text_answer(503, "stopped");
      }
      return text_answer(200, request.body.text());
    };
  }
};

TEST(HttpDrainTest, AnIdleServerEndsAtOnceAndClosesIdleConnections) {
  TestServer test;
  RawClient served(test.port());
  RawClient fresh(test.port());
  ASSERT_TRUE(served.send(get("/now")));
  ASSERT_EQ(served.read_answer().status, 200U);
  ASSERT_TRUE(eventually([&] { return test.server().gauges().connections == 2; }));
  test.server().drain();
  EXPECT_TRUE(served.wait_for_close());
  EXPECT_TRUE(fresh.wait_for_close());
  EXPECT_TRUE(test.wait_for_end());
  EXPECT_TRUE(test.server().draining());
}

TEST(HttpDrainTest, DrainBeforeRunEndsRun) {
  HttpServerOptions options;
  options.port = 0;
  auto server = HttpServer::listen(options, std::make_shared<FakeHandler>(), {}, {});
  ASSERT_TRUE(server);
  (*server)->drain();
  (*server)->drain();
  (*server)->run();
}

TEST(HttpDrainTest, AServerThatNeverRanIsDestroyedCleanly) {
  HttpServerOptions options;
  options.port = 0;
  EXPECT_TRUE(HttpServer::listen(options, std::make_shared<FakeHandler>(), {}, {}));
}

TEST(HttpDrainTest, RunningAndQueuedRequestsEndWithTheirResults) {
  HttpServerOptions options;
  options.request_threads = 1;
  TestServer test(options);
  SlowHandler slow;
  slow.install(test);
  RawClient running(test.port());
  RawClient queued(test.port());
  ASSERT_TRUE(running.send(post("/", "one")));
  ASSERT_TRUE(eventually([&] { return slow.started == 1; }));
  ASSERT_TRUE(queued.send(post("/", "two")));
  ASSERT_TRUE(eventually([&] { return test.server().gauges().queued == 1; }));
  test.server().drain();
  std::this_thread::sleep_for(300ms);
  EXPECT_FALSE(test.ended());
  EXPECT_EQ(slow.stops_seen, 0);
  slow.gate.open();
  for (auto* client : {&running, &queued}) {
    const auto answer = client->read_answer();
    EXPECT_EQ(answer.status, 200U);
    EXPECT_TRUE(answer.closes());
    EXPECT_TRUE(client->wait_for_close());
  }
  EXPECT_TRUE(test.wait_for_end());
}

// What takes a moment, but is no request: see HttpHandler::takes_a_moment.
TEST(HttpDrainTest, PagesAreAnsweredWhileEveryThreadIsBusyAndWhileItDrains) {
  HttpServerOptions options;
  options.request_threads = 1;
  options.queue = 0;
  TestServer test(options);
  SlowHandler slow;
  slow.install(test);
  std::atomic<bool> on_io_thread{false};
  test.handler().is_page = [](const HttpRequest& request) { return request.path == "/page"; };
  test.handler().on_answer_now = [&](const HttpRequest& request) -> std::optional<HttpResponse> {
    on_io_thread = on_io_thread || request.path == "/page";
    return std::nullopt;
  };
  test.handler().on_handle = [&, run = test.handler().on_handle](HttpRequest request, std::stop_token stop) {
    return request.path == "/page" ? text_answer(200, "page") : run(std::move(request), std::move(stop));
  };
  RawClient running(test.port());
  ASSERT_TRUE(running.send(post("/", "one")));
  ASSERT_TRUE(eventually([&] { return slow.started == 1; }));
  EXPECT_EQ(ask(test.port(), post("/", "two")).status, 429U);
  EXPECT_EQ(ask(test.port(), get("/page")).body, "page");
  test.server().drain();
  EXPECT_EQ(ask(test.port(), get("/page")).body, "page");
  EXPECT_FALSE(on_io_thread);
  slow.gate.open();
  EXPECT_EQ(running.read_answer().status, 200U);
  EXPECT_TRUE(test.wait_for_end());
}

TEST(HttpDrainTest, WhileItDrainsHealthIsAnsweredAndWorkIsRefused) {
  TestServer test;
  SlowHandler slow;
  slow.install(test);
  test.handler().on_answer_now = [&](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.path != "/health") return std::nullopt;
    return test.server().draining() ? text_answer(503, "draining (health)") : text_answer(200, "ok");
  };
  RawClient running(test.port());
  ASSERT_TRUE(running.send(post("/", "one")));
  ASSERT_TRUE(eventually([&] { return slow.started == 1; }));
  test.server().drain();
  EXPECT_EQ(ask(test.port(), get("/health")).body, "draining (health)");
  const auto refused = ask(test.port(), post("/", "late"));
  EXPECT_EQ(refused.status, 503U);
  EXPECT_EQ(refused.body, "draining\n");
  EXPECT_EQ(refused.header("Retry-After"), "5");
  EXPECT_TRUE(refused.closes());
  EXPECT_EQ(ask(test.port(), get("/other")).status, 503U);
  slow.gate.open();
  EXPECT_EQ(running.read_answer().status, 200U);
  EXPECT_TRUE(test.wait_for_end());
}

TEST(HttpDrainTest, AfterItsTimeRunningRequestsAreAskedToStop) {
  HttpServerOptions options;
  options.drain_timeout = 200ms;
  TestServer test(options);
  SlowHandler slow;
  slow.install(test);
  RawClient client(test.port());
  ASSERT_TRUE(client.send(post("/", "x")));
  ASSERT_TRUE(eventually([&] { return slow.started == 1; }));
  test.server().drain();
  EXPECT_EQ(client.read_answer().body, "stopped");
  EXPECT_TRUE(test.wait_for_end());
  EXPECT_EQ(slow.stops_seen, 1);
}

TEST(HttpDrainTest, ARequestThatIgnoresTheRequestToStopIsAnsweredAnyway) {
  HttpServerOptions options;
  options.drain_timeout = 100ms;
  auto slow = std::make_shared<SlowHandler>();
  slow->obeys = false;
  std::atomic<bool> handler_left{false};
  {
    TestServer test(options);
    test.handler().on_handle = [&handler_left, slow](HttpRequest, std::stop_token) {
      ++slow->started;
      slow->gate.wait();
      handler_left = true;
      return text_answer(200, "too late");
    };
    RawClient client(test.port());
    ASSERT_TRUE(client.send(post("/", "x")));
    ASSERT_TRUE(eventually([&] { return slow->started == 1; }));
    test.server().drain();
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status, 503U);
    EXPECT_TRUE(answer.closes());
    EXPECT_TRUE(test.wait_for_end()) << "run() returns although the handler does not";
    EXPECT_EQ(test.log().count("ignored the request to stop"), 1U);
  }
  slow->gate.open();
  EXPECT_TRUE(eventually([&] { return handler_left.load(); }));
}

TEST(HttpDrainTest, HalfSentRequestsAreToldAndDoNotHoldTheEndUp) {
  TestServer test;
  RawClient head(test.port());
  RawClient body(test.port());
  ASSERT_TRUE(head.send("POST / HTTP/1.1\r\nHos"));
  ASSERT_TRUE(body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"));
  // Its one loop takes what came first, first: once this is answered, the halves have been read.
  ASSERT_EQ(ask(test.port(), get("/now")).status, 200U);
  test.server().drain();
  for (auto* client : {&head, &body}) {
    const auto answer = client->read_answer();
    EXPECT_EQ(answer.status, 503U);
    EXPECT_EQ(answer.header("Retry-After"), "5");
  }
  EXPECT_TRUE(test.wait_for_end());
}

TEST(HttpDrainTest, AnAnswerThatIsBeingTakenIsFinished) {
  TestServer test;
  test.handler().on_handle = [](HttpRequest, std::stop_token) { return text_answer(200, std::string(16 << 20, 'x')); };
  RawClient client(test.port());
  ASSERT_TRUE(client.send(post("/", "x")));
  ASSERT_TRUE(client.wait_for_bytes()) << "more than the sockets hold: the rest waits in the server";
  test.server().drain();
  EXPECT_EQ(client.read_answer().body.size(), std::size_t{16} << 20);
  EXPECT_TRUE(test.wait_for_end());
}

TEST(HttpDrainTest, StopNowEndsWithoutWaitingForAnyone) {
  HttpServerOptions options;
  options.io_threads = 2;
  TestServer test(options);
  SlowHandler slow;
  slow.install(test);
  RawClient running(test.port());
  RawClient idle(test.port());
  ASSERT_TRUE(running.send(post("/", "x")));
  ASSERT_TRUE(eventually([&] { return slow.started == 1; }));
  test.server().stop_now();
  EXPECT_TRUE(running.wait_for_close());
  EXPECT_TRUE(idle.wait_for_close());
  EXPECT_TRUE(test.wait_for_end());
  EXPECT_EQ(slow.stops_seen, 1);
}

TEST(HttpDrainTest, DrainWithSeveralLoopsEndsThemAll) {
  HttpServerOptions options;
  options.io_threads = 4;
  TestServer test(options);
  std::vector<RawClient> clients;
  for (int i = 0; i < 40; ++i) {
    clients.emplace_back(test.port());
    ASSERT_TRUE(clients.back().send(get("/now")));
    ASSERT_EQ(clients.back().read_answer().status, 200U);
  }
  std::thread first([&] { test.server().drain(); });
  std::thread second([&] { test.server().drain(); });
  first.join();
  second.join();
  EXPECT_TRUE(test.wait_for_end());
  EXPECT_EQ(test.server().gauges().connections, 0U);
}

}  // namespace
}  // namespace clams::server::testing
