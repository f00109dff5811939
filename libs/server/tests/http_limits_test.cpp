// Limits: sizes, times, numbers of connections and requests; and clients that go away.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http_test_support.hpp"

namespace clams::server::testing {
namespace {

// Waits at the gate, or until it is asked to stop; counts both.
struct GatedHandler {
  Gate gate;
  std::atomic<int> started{0}, stopped{0};
  void install(TestServer& test) {
    test.handler().on_handle = [this](HttpRequest request, std::stop_token stop) {
      ++started;
      while (!stop.stop_requested() && !gate.wait(5ms)) {}
      if (stop.stop_requested()) ++stopped;
      return text_answer(stop.stop_requested() ? 503 : 200, request.body.text());
    };
  }
};

TEST(HttpLimitsTest, ALongerBodyThanAllowedIsRefusedBeforeItIsRead) {
  HttpServerOptions options;
  options.max_body = 1000;
  TestServer test(options);
  RawClient client(test.port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n"));
  const auto answer = client.read_answer();
  EXPECT_EQ(answer.status, 413U);
  EXPECT_TRUE(answer.closes());
  EXPECT_EQ(ask(test.port(), post("/", std::string(1000, 'x'))).status, 200U);
}

TEST(HttpLimitsTest, AClientThatSendsItsLargeBodyAnywayStillReadsTheRefusal) {
  HttpServerOptions options;
  options.max_body = 1000;
  TestServer test(options);
  RawClient client(test.port());
  ASSERT_TRUE(client.send(post("/", std::string(20'000'000, 'x'))));
  EXPECT_EQ(client.read_answer().status, 413U);
}

TEST(HttpLimitsTest, AChunkedBodyIsRefusedWhenItGrowsTooLarge) {
  HttpServerOptions options;
  options.max_body = 10;
  TestServer test(options);
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(ask(test.port(), head + "5\r\nhello\r\n6\r\n").status, 413U);
  EXPECT_EQ(ask(test.port(), head + "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n").body, "helloworld");
  EXPECT_EQ(ask(test.port(), head + "ffffffffffffffff\r\n").status, 413U);
}

TEST(HttpLimitsTest, AllBodiesTogetherStayWithinTheirMemory) {
  HttpServerOptions options;
  options.max_body = 1000;
  options.body_memory = 1500;
  options.request_threads = 4;
  TestServer test(options);
  GatedHandler gated;
  gated.install(test);
  RawClient running(test.port()), coming(test.port());
  ASSERT_TRUE(running.send(post("/", std::string(800, 'x'))));
  ASSERT_TRUE(eventually([&] { return gated.started == 1; }));
  EXPECT_EQ(test.server().gauges().body_bytes, 800U);
  // One that is only announced has its room from then on.
  ASSERT_TRUE(coming.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return test.server().gauges().body_bytes == 1400; }));
  RawClient refused(test.port());
  ASSERT_TRUE(refused.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n"));
  const auto answer = refused.read_answer();
  EXPECT_EQ(answer.status, 503U);
  EXPECT_EQ(answer.header("Retry-After"), "1");
  EXPECT_EQ(ask(test.port(), "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x')).status, 503U);
  // What fits still goes through, and all of it comes back.
  RawClient small(test.port());
  ASSERT_TRUE(small.send(post("/", std::string(100, 'x'))));
  ASSERT_TRUE(eventually([&] { return gated.started == 2; }));
  gated.gate.open();
  EXPECT_EQ(small.read_answer().status, 200U);
  EXPECT_EQ(running.read_answer().status, 200U);
  ASSERT_TRUE(coming.send(std::string(600, 'x')));
  EXPECT_EQ(coming.read_answer().status, 200U);
  EXPECT_TRUE(eventually([&] { return test.server().gauges().body_bytes == 0; }));
  EXPECT_EQ(ask(test.port(), post("/", std::string(1000, 'x'))).status, 200U);
}

TEST(HttpLimitsTest, RoomForABodyComesBackHoweverItsRequestEnds) {
  HttpServerOptions options;
  options.max_body = 1000;
  options.body_memory = 1000;
  options.queue = 0;
  options.request_threads = 1;
  TestServer test(options);
  GatedHandler gated;
  gated.install(test);
  const auto nothing_is_held = [&] { return eventually([&] { return test.server().gauges().body_bytes == 0; }); };
  {
    RawClient half(test.port());
    ASSERT_TRUE(half.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nhalf"));
    ASSERT_TRUE(eventually([&] { return test.server().gauges().body_bytes == 900; }));
  }
  EXPECT_TRUE(nothing_is_held()) << "the client went away while it sent";
  {
    RawClient gone(test.port());
    ASSERT_TRUE(gone.send(post("/", std::string(900, 'x'))));
    ASSERT_TRUE(eventually([&] { return gated.started == 1; }));
  }
  EXPECT_TRUE(nothing_is_held()) << "the client went away while it ran";
  {
    RawClient ends(test.port());
    ASSERT_TRUE(ends.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nhalf"));
    ends.shutdown_write();
    EXPECT_EQ(ends.read_answer().status, 400U);
  }
  EXPECT_TRUE(nothing_is_held()) << "it was refused";
  RawClient running(test.port());
  ASSERT_TRUE(running.send(post("/", "x")));
  ASSERT_TRUE(eventually([&] { return gated.started == 2; }));
  EXPECT_EQ(ask(test.port(), post("/", std::string(900, 'x'))).status, 429U);
  gated.gate.open();
  EXPECT_EQ(running.read_answer().status, 200U);
  EXPECT_TRUE(nothing_is_held()) << "the queue was full";
}

TEST(HttpLimitsTest, ALongRequestLineIsTakenUpToTheLimit) {
  HttpServerOptions options;
  options.max_header = 300'000;
  TestServer test(options);
  test.handler().on_handle = [](HttpRequest request, std::stop_token) {
    return text_answer(200, std::to_string(request.query.size()));
  };
  EXPECT_EQ(ask(test.port(), get("/?" + std::string(250'000, 'q'))).body, "250000");
  EXPECT_EQ(ask(test.port(), get("/?" + std::string(400'000, 'q'))).status, 431U);
}

TEST(HttpLimitsTest, TheDefaultLimitTakesSixtyThousandBytesOfParameters) {
  TestServer test;
  test.handler().on_handle = [](HttpRequest request, std::stop_token) {
    return text_answer(200, std::to_string(request.query.size()));
  };
  EXPECT_EQ(ask(test.port(), get("/?" + std::string(60'000, 'q'))).body, "60000");
}

TEST(HttpLimitsTest, ARequestBeyondTheQueueIsToldToComeBack) {
  HttpServerOptions options;
  options.request_threads = 1;
  options.queue = 1;
  TestServer test(options);
  GatedHandler gated;
  gated.install(test);
  RawClient running(test.port());
  RawClient waiting(test.port());
  ASSERT_TRUE(running.send(post("/", "a")));
  ASSERT_TRUE(eventually([&] { return gated.started == 1; }));
  ASSERT_TRUE(waiting.send(post("/", "b")));
  ASSERT_TRUE(eventually([&] { return test.server().gauges().queued == 1; }));
  RawClient refused(test.port());
  ASSERT_TRUE(refused.send(post("/", "c")));
  const auto answer = refused.read_answer();
  EXPECT_EQ(answer.status, 429U);
  EXPECT_EQ(answer.header("Retry-After"), "1");
  EXPECT_FALSE(answer.closes());
  EXPECT_EQ(ask(test.port(), get("/now")).status, 200U) << "answers that need no thread are given all the time";
  RawClient large(test.port());
  ASSERT_TRUE(large.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(large.read_answer().status, 429U) << "a large body is not even asked for";
  gated.gate.open();
  EXPECT_EQ(running.read_answer().body, "a");
  EXPECT_EQ(waiting.read_answer().body, "b");
  ASSERT_TRUE(refused.send(post("/", "d")));
  EXPECT_EQ(refused.read_answer().body, "d");
}

TEST(HttpLimitsTest, AClientThatClosesStopsItsRequest) {
  TestServer test;
  GatedHandler gated;
  gated.install(test);
  RawClient client(test.port());
  ASSERT_TRUE(client.send(post("/work", "x")));
  ASSERT_TRUE(eventually([&] { return gated.started == 1; }));
  client.close();
  EXPECT_TRUE(eventually([&] { return gated.stopped == 1; }));
  EXPECT_TRUE(eventually([&] { return test.saw_status(499); }));
  EXPECT_EQ(test.exchanges()[0].path, "/work");
}

TEST(HttpLimitsTest, AClientThatResetsStopsItsRequest) {
  TestServer test;
  GatedHandler gated;
  gated.install(test);
  RawClient client(test.port());
  ASSERT_TRUE(client.send(post("/", "x")));
  ASSERT_TRUE(eventually([&] { return gated.started == 1; }));
  client.reset();
  EXPECT_TRUE(eventually([&] { return gated.stopped == 1; }));
  EXPECT_TRUE(eventually([&] { return test.saw_status(499); }));
}

TEST(HttpLimitsTest, AnHttpOneZeroClientThatClosesStopsItsRequest) {
  TestServer test;
  GatedHandler gated;
  gated.install(test);
  RawClient client(test.port());
  ASSERT_TRUE(client.send("POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx"));
  ASSERT_TRUE(eventually([&] { return gated.started == 1; }));
  client.close();
  EXPECT_TRUE(eventually([&] { return gated.stopped == 1; }));
}

TEST(HttpLimitsTest, AClientThatClosesBehindPipelinedRequestsStopsItsRequest) {
  TestServer test;
  GatedHandler gated;
  gated.install(test);
  RawClient client(test.port());
  ASSERT_TRUE(client.send(post("/", "x")));
  ASSERT_TRUE(eventually([&] { return gated.started == 1; }));
  ASSERT_TRUE(client.send(post("/", std::string(20'000, 'y')) + get("/now")));
  client.close();
  EXPECT_TRUE(eventually([&] { return gated.stopped >= 1; }));
}

TEST(HttpLimitsTest, AHalfClosedClientStillGetsItsAnswer) {
  TestServer test;
  GatedHandler gated;
  gated.install(test);
  RawClient client(test.port());
  ASSERT_TRUE(client.send(post("/", "still here")));
  client.shutdown_write();
  EXPECT_EQ(client.read_head(), "HTTP/1.1 100 Continue\r\n\r\n") << "the question whether it is still there";
  std::this_thread::sleep_for(300ms);
  EXPECT_EQ(gated.stopped, 0);
  gated.gate.open();
  EXPECT_EQ(client.read_answer().body, "still here");
  EXPECT_TRUE(client.wait_for_close());
}

TEST(HttpLimitsTest, AHalfClosedClientOfAQuickRequestSeesNothingButTheAnswer) {
  TestServer test;
  RawClient client(test.port());
  ASSERT_TRUE(client.send(post("/", "quick")));
  client.shutdown_write();
  EXPECT_EQ(client.read_answer().body, "quick");
  EXPECT_TRUE(client.wait_for_close());
}

TEST(HttpLimitsTest, ARequestWhoseClientHasGoneLeavesTheQueueUnrun) {
  HttpServerOptions options;
  options.request_threads = 1;
  options.queue = 1;
  TestServer test(options);
  GatedHandler gated;
  gated.install(test);
  RawClient running(test.port());
  ASSERT_TRUE(running.send(post("/", "a")));
  ASSERT_TRUE(eventually([&] { return gated.started == 1; }));
  {
    RawClient waiting(test.port());
    ASSERT_TRUE(waiting.send(post("/gone", "b")));
    ASSERT_TRUE(eventually([&] { return test.server().gauges().queued == 1; }));
  }
  EXPECT_TRUE(eventually([&] { return test.server().gauges().queued == 0; }));
  EXPECT_TRUE(eventually([&] { return test.saw_status(499); }));
  gated.gate.open();
  EXPECT_EQ(running.read_answer().body, "a");
  EXPECT_EQ(gated.started, 1);
}

TEST(HttpLimitsTest, ARequestThatRunsTooLongIsAskedToStop) {
  HttpServerOptions options;
  options.request_timeout = 500ms;
  TestServer test(options);
  GatedHandler gated;
  gated.install(test);
  EXPECT_EQ(ask(test.port(), post("/", "x")).status, 503U);
  EXPECT_EQ(gated.stopped, 1);
}

TEST(HttpLimitsTest, AHeadSentByteByByteEndsWithItsTime) {
  HttpServerOptions options;
  options.header_timeout = 300ms;
  TestServer test(options);
  RawClient client(test.port());
  std::string head = "GET /now HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 400; ++i) head += "A: b\r\n";
  std::atomic<bool> answered{false};
  std::thread sender([&] {
    for (const char c : head) {
      if (answered || !client.send({&c, 1})) break;
      std::this_thread::sleep_for(20ms);
    }
  });
  EXPECT_EQ(client.read_answer().status, 408U);
  answered = true;
  sender.join();
}

TEST(HttpLimitsTest, ABodySentByteByByteEnds) {
  HttpServerOptions options;
  options.read_timeout = 400ms;  // a floor of 102 bytes in that time
  TestServer test(options);
  RawClient client(test.port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"));
  std::atomic<bool> answered{false};
  std::thread sender([&] {
    while (!answered && client.send("x")) std::this_thread::sleep_for(20ms);
  });
  EXPECT_EQ(client.read_answer().status, 408U);
  answered = true;
  sender.join();
}

TEST(HttpLimitsTest, ASlowButSteadyBodyPasses) {
  HttpServerOptions options;
  options.read_timeout = 2s;  // 512 bytes in that time; this client brings some 10,000
  TestServer test(options);
  RawClient client(test.port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12000\r\n\r\n"));
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(client.send(std::string(200, 'x')));
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_EQ(client.read_answer().status, 200U);
}

TEST(HttpLimitsTest, ABodyThatEndsTooEarlyIsRefused) {
  TestServer test;
  for (const std::string framing : {"Content-Length: 10\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n5\r\nhal"}) {
    RawClient client(test.port());
    ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: x\r\n" + framing));
    client.shutdown_write();
    EXPECT_EQ(client.read_answer().status, 400U);
  }
  EXPECT_EQ(test.handler().handled, 0);
}

TEST(HttpLimitsTest, AnIdleConnectionIsClosedSilently) {
  HttpServerOptions options;
  options.idle_timeout = 2s;
  TestServer test(options);
  RawClient client(test.port());
  ASSERT_TRUE(client.send(get("/now")));
  EXPECT_EQ(client.read_answer().status, 200U);
  EXPECT_TRUE(client.wait_for_close());
  EXPECT_EQ(test.exchanges().size(), 1U);
}

TEST(HttpLimitsTest, AClientThatDoesNotTakeItsAnswerIsGivenUp) {
  HttpServerOptions options;
  options.write_timeout = 300ms;
  TestServer test(options);
  test.handler().on_handle = [](HttpRequest, std::stop_token) { return text_answer(200, std::string(64 << 20, 'x')); };
  RawClient client(test.port());
  ASSERT_TRUE(client.send(post("/", "x")));
  EXPECT_TRUE(eventually([&] { return test.saw_status(499); }));
  EXPECT_TRUE(eventually([&] { return test.server().gauges().connections == 0; }));
}

TEST(HttpLimitsTest, ASlowReaderGetsItsWholeAnswer) {
  TestServer test;
  test.handler().on_handle = [](HttpRequest, std::stop_token) { return text_answer(200, std::string(8 << 20, 'x')); };
  RawClient client(test.port());
  ASSERT_TRUE(client.send(post("/", "x")));
  std::this_thread::sleep_for(500ms);
  EXPECT_EQ(client.read_answer().body.size(), std::size_t{8} << 20);
}

TEST(HttpLimitsTest, ConnectionsBeyondTheLimitAreToldSo) {
  HttpServerOptions options;
  options.max_connections = 3;
  TestServer test(options);
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(test.port());
    ASSERT_TRUE(clients.back().send(get("/now")));
    ASSERT_EQ(clients.back().read_answer().status, 200U);
  }
  {
    RawClient late(test.port());
    const auto answer = late.read_answer();
    EXPECT_EQ(answer.status, 503U);
    EXPECT_TRUE(answer.closes());
  }
  clients.clear();
  EXPECT_TRUE(eventually([&] { return test.server().gauges().connections == 0; }));
  EXPECT_EQ(ask(test.port(), get("/now")).status, 200U);
}

TEST(HttpLimitsTest, WithoutFileDescriptorsClientsWaitAndTheLogGetsOneLine) {
  TestServer test;
  RawClient before(test.port());
  ASSERT_TRUE(before.send(get("/now")));
  ASSERT_EQ(before.read_answer().status, 200U);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const rlimit small{256, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
  std::vector<int> hogs;
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) hogs.push_back(fd);
  ASSERT_FALSE(hogs.empty());
  ::close(hogs.back());
  hogs.pop_back();
  {
    RawClient waiting(test.port());  // takes the last descriptor; the server has none to accept it
    ASSERT_TRUE(waiting.send(get("/now")));
    EXPECT_TRUE(eventually([&] { return test.log().count("cannot accept connections now") == 1; }));
    std::this_thread::sleep_for(500ms);
    for (const int fd : hogs) ::close(fd);
    EXPECT_EQ(waiting.read_answer().status, 200U);
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_EQ(test.log().count("cannot accept connections now"), 1U);
}

TEST(HttpLimitsTest, AnswersFlowWhileManyClientsIdleAndManyTrickle) {
  TestServer test;
  std::vector<RawClient> others;
  for (int i = 0; i < 150; ++i) others.emplace_back(test.port());
  for (int i = 0; i < 50; ++i) {
    others.emplace_back(test.port());
    ASSERT_TRUE(others.back().send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n"));
  }
  for (int round = 0; round < 20; ++round) {
    for (std::size_t i = 150; i < others.size(); ++i) ASSERT_TRUE(others[i].send("A"));
    ASSERT_EQ(ask(test.port(), post("/", "x")).body, "x");
  }
}

}  // namespace
}  // namespace clams::server::testing
