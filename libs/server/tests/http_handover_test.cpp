// A drain of a server whose listening sockets outlive it: a successor gets what it did not accept, and no request is turned away.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>

#include "http_test_support.hpp"

namespace clams::server::testing {
namespace {

// The service manager's end of a listening socket.
struct Door {
  Door() {
    fd = base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd.get(), SOMAXCONN), 0);
  }
  std::vector<base::Fd> passed() const {
    std::vector<base::Fd> list;
    list.emplace_back(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    return list;
  }
  base::Fd fd;
};

TEST(HttpHandoverTest, AConnectionThatNobodyAcceptedIsServedByTheSuccessor) {
  Door door;
  TestServer old({}, door.passed());
  old.server().drain();
  ASSERT_TRUE(old.wait_for_end());
  RawClient client(old.port());
  ASSERT_TRUE(client.send(post("/", "waits in the kernel")));
  TestServer successor({}, door.passed());
  EXPECT_EQ(client.read_answer().body, "waits in the kernel");
}

TEST(HttpHandoverTest, WhileARequestRunsNewConnectionsWaitForTheSuccessor) {
  Door door;
  Gate gate;
  TestServer old({}, door.passed());
  std::atomic<int> begun{0};
  old.handler().on_handle = [&](HttpRequest, std::stop_token) {
    ++begun;
    gate.wait();
    return text_answer(200, "old");
  };
  RawClient running(old.port());
  ASSERT_TRUE(running.send(post("/", "x")));
  ASSERT_TRUE(eventually([&] { return begun == 1; }));
  old.server().drain();
  std::this_thread::sleep_for(100ms);
  RawClient late(old.port());
  ASSERT_TRUE(late.send(post("/", "new")));
  gate.open();
  const auto answer = running.read_answer();
  EXPECT_EQ(answer.body, "old");
  EXPECT_TRUE(answer.closes());
  ASSERT_TRUE(old.wait_for_end());
  TestServer successor({}, door.passed());
  EXPECT_EQ(late.read_answer().body, "new");
}

TEST(HttpHandoverTest, ARequestOnAConnectionThatWasIdleAtTheDrainIsStillRun) {
  Door door;
  TestServer old({}, door.passed());
  RawClient client(old.port());
  ASSERT_TRUE(client.send(get("/now")));
  ASSERT_EQ(client.read_answer().status, 200U);
  RawClient fresh(old.port());
  ASSERT_TRUE(eventually([&] { return old.server().gauges().connections == 2; }));
  old.server().drain();
  for (auto* each : {&client, &fresh}) {
    ASSERT_TRUE(each->send(post("/", "after the drain began")));
    const auto answer = each->read_answer();
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(answer.body, "after the drain began");
    EXPECT_TRUE(answer.closes());
  }
  EXPECT_TRUE(old.wait_for_end());
}

TEST(HttpHandoverTest, AnIdleConnectionDoesNotHoldTheEndUp) {
  Door door;
  TestServer old({}, door.passed());
  RawClient idle(old.port());
  ASSERT_TRUE(eventually([&] { return old.server().gauges().connections == 1; }));
  old.server().drain();
  EXPECT_TRUE(idle.wait_for_close());
  EXPECT_TRUE(old.wait_for_end());
}

TEST(HttpHandoverTest, ABodyThatIsStillComingIsTakenAndRun) {
  Door door;
  TestServer old({}, door.passed());
  RawClient client(old.port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf "));
  ASSERT_EQ(ask(old.port(), get("/now")).status, 200U);
  old.server().drain();
  std::this_thread::sleep_for(1s);
  EXPECT_FALSE(old.ended());
  ASSERT_TRUE(client.send("whole"));
  EXPECT_EQ(client.read_answer().body, "half whole");
  EXPECT_TRUE(old.wait_for_end());
}

TEST(HttpHandoverTest, AfterItsTimeEvenAHandoverEnds) {
  Door door;
  HttpServerOptions options;
  options.drain_timeout = 100ms;
  TestServer old(options, door.passed());
  RawClient client(old.port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf "));
  ASSERT_EQ(ask(old.port(), get("/now")).status, 200U);
  old.server().drain();
  EXPECT_EQ(client.read_answer().status, 503U);
  EXPECT_TRUE(old.wait_for_end());
}

TEST(HttpHandoverTest, NoneOfManyClientsIsTurnedAwayByManyRestarts) {
  Door door;
  for (const unsigned io_threads : {1U, 3U}) {
    HttpServerOptions options;
    options.io_threads = io_threads;
    std::atomic<bool> stop{false};
    std::atomic<int> answered{0}, lost{0};
    auto server = std::make_unique<TestServer>(options, door.passed());
    const auto port = server->port();
    std::vector<std::jthread> clients;
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back([&] {
        while (!stop) ++(ask(port, post("/", "x")).status == 200 ? answered : lost);
      });
    }
    for (int i = 0; i < 8; ++i) {
      const int before = answered;
      ASSERT_TRUE(eventually([&] { return answered > before + 20; }));
      server->server().drain();
      ASSERT_TRUE(server->wait_for_end());
      server = std::make_unique<TestServer>(options, door.passed());
    }
    stop = true;
    clients.clear();
    EXPECT_EQ(lost, 0) << "of " << answered;
  }
}

TEST(HttpHandoverTest, ServesSeveralSocketsAUnixOneAmongThem) {
  Door first, second;
  std::string directory = (std::filesystem::temp_directory_path() / "clams-handover.XXXXXX").string();
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (directory + "/s").c_str(), sizeof address.sun_path - 1);
  base::Fd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(local.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(local.get(), 8), 0);
  auto sockets = first.passed();
  sockets.push_back(std::move(second.passed().front()));
  sockets.push_back(std::move(local));
  TestServer server({}, std::move(sockets));
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  ASSERT_EQ(::getsockname(second.fd.get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
  EXPECT_EQ(ask(server.port(), get("/now")).status, 200U);
  EXPECT_EQ(ask(ntohs(bound.sin_port), get("/now")).status, 200U);
  base::Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const auto request = get("/now", "Connection: close\r\n");
  ASSERT_EQ(::send(client.get(), request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  const auto answer = base::read_all(client.get(), "answer");
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(eventually([&] { return server.exchanges().size() == 3; }));
  EXPECT_EQ(server.exchanges().back().remote, "unix");
  std::filesystem::remove_all(directory);
}

TEST(HttpHandoverTest, TheLoopTurnsWhileItServesAndMayDrain) {
  HttpServerOptions options;
  std::atomic<int> turns{0};
  std::atomic<HttpServer*> server{nullptr};
  options.on_turn = [&] {
    if (++turns > 3 && server != nullptr) server.load()->drain();
  };
  TestServer test(options);
  server = &test.server();
  EXPECT_TRUE(test.wait_for_end());
  EXPECT_GT(turns, 3);
}

}  // namespace
}  // namespace clams::server::testing
