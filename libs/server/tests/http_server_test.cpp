// What every client relies on: answers, keep-alive, bodies, identifiers, order.
#include <fcntl.h>

#include <filesystem>
#include <set>

#include "http_test_support.hpp"

namespace clams::server::testing {
namespace {

TEST(HttpServerTest, AGetIsAnsweredAtOnceWithItsLengthAndType) {
  TestServer test;
  const auto answer = ask(test.port(), get("/now"));
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body, "now");
  EXPECT_EQ(answer.header("Content-Length"), "3");
  EXPECT_EQ(answer.header("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(answer.header("Server"), "clams-cpp");
  EXPECT_EQ(answer.header("X-Request-ID").size(), 16U);
  EXPECT_EQ(test.handler().handled, 0);
}

TEST(HttpServerTest, APostRunsOnARequestThreadAndEchoes) {
  TestServer test;
  const auto io_independent = std::this_thread::get_id();
  test.handler().on_handle = [&](HttpRequest request, std::stop_token) {
    EXPECT_NE(std::this_thread::get_id(), io_independent);
    EXPECT_GE(request.body.text().capacity(), request.body.size() + kBodyPadding);
    EXPECT_EQ(request.remote.rfind("127.0.0.1:", 0), 0U);
    return text_answer(200, request.method + " " + request.path + "?" + request.query + " " + request.body.text());
  };
  EXPECT_EQ(ask(test.port(), post("/a%20b?x=%31&y", "body")).body, "POST /a%20b?x=%31&y body");
}

TEST(HttpServerTest, RequestsWithoutABodyHaveThePaddingToo) {
  TestServer test;
  test.handler().on_handle = [](HttpRequest request, std::stop_token) {
    return text_answer(request.body.text().capacity() >= kBodyPadding ? 200 : 500, "");
  };
  EXPECT_EQ(ask(test.port(), get("/slow")).status, 200U);
}

TEST(HttpServerTest, AConnectionServesOneRequestAfterAnother) {
  TestServer test;
  RawClient client(test.port());
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(client.send(i % 2 == 0 ? get("/now") : post("/", std::to_string(i))));
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.body, i % 2 == 0 ? "now" : std::to_string(i));
    EXPECT_FALSE(answer.closes());
  }
}

TEST(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  TestServer test;
  RawClient client(test.port());
  std::string all;
  for (int i = 0; i < 200; ++i) all += i % 3 == 0 ? get("/now") : post("/", "n" + std::to_string(i));
  ASSERT_TRUE(client.send(all));
  for (int i = 0; i < 200; ++i) ASSERT_EQ(client.read_answer().body, i % 3 == 0 ? "now" : "n" + std::to_string(i));
}

TEST(HttpServerTest, ARequestSentWhileAnotherRunsIsNotLost) {
  TestServer test;
  Gate gate;
  test.handler().on_handle = [&](HttpRequest request, std::stop_token) {
    if (request.body.text() == "first") gate.wait();
    return text_answer(200, request.body.text());
  };
  RawClient client(test.port());
  ASSERT_TRUE(client.send(post("/", "first")));
  ASSERT_TRUE(eventually([&] { return test.server().gauges().running == 1; }));
  ASSERT_TRUE(client.send(post("/", "second")));
  std::this_thread::sleep_for(600ms);  // long enough for the watch over the connection to begin
  ASSERT_TRUE(client.send(post("/", "third")));
  std::this_thread::sleep_for(100ms);
  gate.open();
  EXPECT_EQ(client.read_answer().body, "first");
  EXPECT_EQ(client.read_answer().body, "second");
  EXPECT_EQ(client.read_answer().body, "third");
}

TEST(HttpServerTest, MoreThanItKeepsMayArriveWhileARequestRuns) {
  TestServer test;
  Gate gate;
  test.handler().on_handle = [&](HttpRequest request, std::stop_token) {
    if (request.body.text() == "first") gate.wait();
    return text_answer(200, std::to_string(request.body.size()));
  };
  RawClient client(test.port());
  ASSERT_TRUE(client.send(post("/", "first")));
  ASSERT_TRUE(eventually([&] { return test.server().gauges().running == 1; }));
  std::thread sender([&] { EXPECT_TRUE(client.send(post("/", std::string(1 << 20, 'x')))); });
  std::this_thread::sleep_for(600ms);
  gate.open();
  sender.join();
  EXPECT_EQ(client.read_answer().body, "5");
  EXPECT_EQ(client.read_answer().body, std::to_string(1 << 20));
}

TEST(HttpServerTest, HeadGivesTheLengthAndNoBody) {
  TestServer test;
  RawClient client(test.port());
  ASSERT_TRUE(client.send("HEAD /now HTTP/1.1\r\nHost: x\r\n\r\n"));
  const auto head = client.read_answer(true);
  EXPECT_EQ(head.status, 200U);
  EXPECT_EQ(head.header("Content-Length"), "3");
  ASSERT_TRUE(client.send(get("/now")));
  EXPECT_EQ(client.read_answer().body, "now");
}

TEST(HttpServerTest, ConnectionCloseIsHonoured) {
  TestServer test;
  RawClient client(test.port());
  ASSERT_TRUE(client.send(get("/now", "Connection: close\r\n")));
  EXPECT_TRUE(client.read_answer().closes());
  EXPECT_TRUE(client.wait_for_close());
}

TEST(HttpServerTest, HttpOneZeroClosesUnlessAskedToKeep) {
  TestServer test;
  RawClient plain(test.port());
  ASSERT_TRUE(plain.send("GET /now HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(plain.read_answer().closes());
  EXPECT_TRUE(plain.wait_for_close());
  RawClient keeping(test.port());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(keeping.send("GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    const auto answer = keeping.read_answer();
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(answer.header("Connection"), "keep-alive");
  }
}

TEST(HttpServerTest, AClientMayOmitHostAsWithThePythonServer) {
  TestServer test;
  EXPECT_EQ(ask(test.port(), "GET /now HTTP/1.1\r\nHost: x\r\n\r\n").status, 200U);
}

TEST(HttpServerTest, TheRequestIdIsTakenOverWhenItIsClean) {
  TestServer test;
  EXPECT_EQ(ask(test.port(), get("/now", "X-Request-ID: job-7\r\n")).header("X-Request-ID"), "job-7");
  EXPECT_EQ(ask(test.port(), post("/", "x", "x-request-id: job-8\r\n")).header("X-Request-ID"), "job-8");
  EXPECT_EQ(ask(test.port(), get("/now", "X-Request-ID: two words\r\n")).header("X-Request-ID").size(), 16U);
  EXPECT_EQ(ask(test.port(), get("/now", "X-Request-ID: " + std::string(129, 'a') + "\r\n")).header("X-Request-ID").size(), 16U);
}

TEST(HttpServerTest, AnAnswerOfManySlicesArrivesWhole) {
  TestServer test;
  auto pieces = std::make_shared<std::vector<std::string>>();
  for (int i = 0; i < 500; ++i)
    pieces->push_back(std::string(static_cast<std::size_t>(i * 37 % 5000), static_cast<char>('a' + i % 26)));
  std::string expected;
  for (const auto& piece : *pieces) expected += piece;
  test.handler().on_handle = [pieces](HttpRequest, std::stop_token) {
    HttpResponse out;
    for (const auto& piece : *pieces) out.body.slices.emplace_back(piece);
    out.body.owner = pieces;
    return out;
  };
  EXPECT_EQ(ask(test.port(), post("/", "")).body, expected);
}

TEST(HttpServerTest, FiftyMegabytesGoInAndOut) {
  TestServer test;
  std::string body(50'000'000, 'a');
  for (std::size_t i = 0; i < body.size(); i += 4099) body[i] = static_cast<char>('b' + i % 20);
  RawClient client(test.port());
  std::thread sender([&] { EXPECT_TRUE(client.send(post("/", body))); });
  const auto answer = client.read_answer();
  sender.join();
  EXPECT_TRUE(answer.body == body);
}

TEST(HttpServerTest, AChunkedBodyIsJoinedWhereverItIsCut) {
  TestServer test;
  const std::string request =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n1;name=value\r\n \r\n0A\r\n0123456789\r\n0\r\nTrailer: dropped\r\n\r\n";
  for (std::size_t cut = 1; cut < request.size(); cut += 3) {
    RawClient client(test.port());
    ASSERT_TRUE(client.send(request.substr(0, cut)));
    std::this_thread::sleep_for(1ms);
    ASSERT_TRUE(client.send(request.substr(cut)));
    ASSERT_EQ(client.read_answer().body, "hello 0123456789") << "cut at " << cut;
    ASSERT_TRUE(client.send(get("/now")));
    ASSERT_EQ(client.read_answer().body, "now");
  }
}

TEST(HttpServerTest, ARequestThatComesByteByByteIsServed) {
  TestServer test;
  RawClient client(test.port());
  for (const char c : post("/x", "abc", "A: b\r\n")) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.read_answer().body, "abc");
  for (const char c : std::string("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
    ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.read_answer().body, "abc");
}

TEST(HttpServerTest, ALargeChunkedBodyIsJoined) {
  TestServer test;
  std::string request = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string expected;
  for (int i = 0; i < 2'000; ++i) {
    const std::string chunk(static_cast<std::size_t>(1 + i * 131 % 7000), static_cast<char>('a' + i % 26));
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
    request.append(size).append(chunk).append("\r\n");
    expected += chunk;
  }
  request += "0\r\n\r\n";
  RawClient client(test.port());
  std::thread sender([&] { EXPECT_TRUE(client.send(request)); });
  EXPECT_TRUE(client.read_answer().body == expected);
  sender.join();
}

TEST(HttpServerTest, AClientThatExpectsContinueGetsItBeforeItSends) {
  TestServer test;
  RawClient client(test.port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(client.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(client.send("body"));
  EXPECT_EQ(client.read_answer().body, "body");
}

TEST(HttpServerTest, AnAbsoluteTargetIsItsPath) {
  TestServer test;
  EXPECT_EQ(ask(test.port(), "GET http://host:80/now?a HTTP/1.1\r\nHost: host\r\n\r\n").body, "now");
}

TEST(HttpServerTest, UnknownMethodsReachTheHandler) {
  TestServer test;
  test.handler().on_handle = [](HttpRequest request, std::stop_token) { return text_answer(405, request.method); };
  EXPECT_EQ(ask(test.port(), "BREW / HTTP/1.1\r\nHost: x\r\n\r\n").body, "BREW");
  EXPECT_EQ(ask(test.port(), "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").body, "OPTIONS");
}

TEST(HttpServerTest, AHandlerThatThrowsGivesABareFiveHundredAndALogLine) {
  TestServer test;
  test.handler().on_handle = [](HttpRequest, std::stop_token) -> HttpResponse { throw std::runtime_error("broken handler"); };
  const auto answer = ask(test.port(), post("/", "x"));
  EXPECT_EQ(answer.status, 500U);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(test.log().count("broken handler"), 1U);
  test.handler().on_answer_now = [](const HttpRequest&) -> std::optional<HttpResponse> {
    throw std::runtime_error("broken quick");
  };
  EXPECT_EQ(ask(test.port(), get("/")).status, 500U);
  EXPECT_EQ(test.log().count("broken quick"), 1U);
}

TEST(HttpServerTest, EachExchangeIsReportedOnce) {
  TestServer test;
  const auto first = ask(test.port(), get("/now?q=1", "User-Agent: probe/1\r\n"));
  const auto second = ask(test.port(), post("/do?z", "12345", "User-Agent: probe/2\r\nX-Request-ID: two\r\n"));
  ASSERT_TRUE(eventually([&] { return test.exchanges().size() == 2; }));
  const auto all = test.exchanges();
  EXPECT_EQ(all[0].path, "/now");
  EXPECT_EQ(all[0].query, "q=1");
  EXPECT_EQ(all[0].user_agent, "probe/1");
  EXPECT_EQ(all[0].request_id, first.header("X-Request-ID"));
  EXPECT_EQ(all[0].bytes_out, first.head.size() + first.body.size());
  EXPECT_EQ(all[1].method, "POST");
  EXPECT_EQ(all[1].path, "/do");
  EXPECT_EQ(all[1].query, "z");
  EXPECT_EQ(all[1].user_agent, "probe/2");
  EXPECT_EQ(all[1].request_id, "two");
  EXPECT_EQ(all[1].status, 200U);
  EXPECT_EQ(all[1].bytes_out, second.head.size() + second.body.size());
}

TEST(HttpServerTest, SeveralEventLoopsServeAlike) {
  HttpServerOptions options;
  options.io_threads = 3;
  TestServer test(options);
  std::vector<std::thread> clients;
  for (int i = 0; i < 12; ++i) {
    clients.emplace_back([&, i] {
      RawClient client(test.port());
      for (int j = 0; j < 50; ++j) {
        ASSERT_TRUE(client.send(post("/", std::to_string(i * 1000 + j))));
        ASSERT_EQ(client.read_answer().body, std::to_string(i * 1000 + j));
      }
    });
  }
  for (auto& client : clients) client.join();
}

TEST(HttpServerTest, APortInUseIsAConfigurationErrorThatSaysWhatToDo) {
  TestServer test;
  HttpServerOptions options;
  options.port = test.port();
  const auto second = HttpServer::listen(options, std::make_shared<FakeHandler>(), {}, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::ErrorCode::Configuration);
  EXPECT_EQ(second.error().message, "port " + std::to_string(test.port()) +
                                        " on 127.0.0.1 is in use (another server is running there); choose another with --port");
}

TEST(HttpServerTest, AHostThatIsNotHereIsAConfigurationError) {
  HttpServerOptions options;
  options.port = 0;
  options.host = "203.0.113.7";
  const auto elsewhere = HttpServer::listen(options, std::make_shared<FakeHandler>(), {}, {});
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().code, base::ErrorCode::Configuration);
  EXPECT_NE(elsewhere.error().message.find("--host"), std::string::npos);
}

TEST(HttpServerTest, TheIpv6WildcardTakesBothKindsOfClients) {
  HttpServerOptions options;
  options.host = "::";
  TestServer test(options);
  RawClient v4(test.port(), "127.0.0.1");
  ASSERT_TRUE(v4.send(get("/now")));
  EXPECT_EQ(v4.read_answer().status, 200U);
  RawClient v6(test.port(), "::1");
  ASSERT_TRUE(v6.send(get("/now")));
  EXPECT_EQ(v6.read_answer().status, 200U);
  ASSERT_TRUE(eventually([&] { return test.exchanges().size() == 2; }));
  EXPECT_EQ(test.exchanges()[0].remote.rfind("127.0.0.1:", 0), 0U);
  EXPECT_EQ(test.exchanges()[1].remote.rfind("[::1]:", 0), 0U);
}

TEST(HttpServerTest, NoneOfItsDescriptorsReachesAChildProcess) {
  const auto open_descriptors = [] {
    std::set<int> out;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) out.insert(std::stoi(entry.path().filename()));
    return out;
  };
  const auto before = open_descriptors();
  TestServer test;
  RawClient client(test.port());
  ASSERT_TRUE(client.send(get("/now")));
  ASSERT_EQ(client.read_answer().status, 200U);
  std::size_t checked = 0;
  for (const int fd : open_descriptors()) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (before.contains(fd) || flags < 0) continue;  // the directory's own descriptor is closed again
    EXPECT_NE(flags & FD_CLOEXEC, 0) << "descriptor " << fd;
    ++checked;
  }
  EXPECT_GE(checked, 4U) << "listener, event loop, client and its other end";
}

}  // namespace
}  // namespace clams::server::testing
