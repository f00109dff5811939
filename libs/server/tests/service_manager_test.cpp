// What a service manager passes and is told, against a socket that stands for it.
#include "service_manager.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <filesystem>

#include "inherited_sockets.hpp"

namespace clams::server {
namespace {

using namespace std::chrono_literals;

base::Fd bound_unix(int type, const std::string& address) {
  base::Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, address.data(), address.size());
  if (address.front() == '@') name.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), size), 0) << std::strerror(errno);
  return fd;
}

class Manager : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "clams-notify.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory = name;
    listen(directory + "/notify");
  }
  void TearDown() override { std::filesystem::remove_all(directory); }

  void listen(const std::string& where) {
    address = where;
    socket = bound_unix(SOCK_DGRAM, where);
  }
  // The next datagram; empty when there is none.
  std::string heard() {
    std::array<char, 4096> text{};
    const auto size = ::recv(socket.get(), text.data(), text.size(), 0);
    return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "";
  }
  ServiceReporter reporter(std::chrono::microseconds watchdog = 0us) {
    auto opened = NotifySocket::open(address);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return {std::move(*opened), watchdog};
  }

  std::string directory, address;
  base::Fd socket;
  const ServiceReporter::TimePoint now{1000s};
};

TEST_F(Manager, IsToldOnceThatTheServiceIsReadyAndOnceThatItStops) {
  auto service = reporter();
  service.report({}, now);
  EXPECT_EQ(heard(), "");
  service.report({.ready = true}, now);
  EXPECT_EQ(heard(), "READY=1");
  service.report({.ready = true, .stopping = true, .stop_time = 50s}, now);
  EXPECT_EQ(heard(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=50000000");
  service.report({.ready = true, .stopping = true}, now + 5s);
  EXPECT_EQ(heard(), "");
}

TEST_F(Manager, IsReachedByAnAbstractNameToo) {
  listen("@clams-notify-test-" + std::to_string(::getpid()));
  auto service = reporter();
  service.report({.ready = true}, now);
  EXPECT_EQ(heard(), "READY=1");
}

TEST_F(Manager, IsToldWhenAReloadBeganAndEnded) {
  auto service = reporter();
  service.report({.ready = true}, now);
  EXPECT_EQ(heard(), "READY=1");
  service.report({.ready = true, .reloading = true}, now);
  EXPECT_EQ(heard(), "RELOADING=1\nMONOTONIC_USEC=1000000000");
  service.report({.ready = true, .reloading = true}, now + 1s);
  EXPECT_EQ(heard(), "");
  service.report({.ready = true}, now + 2s);
  EXPECT_EQ(heard(), "READY=1");
}

TEST_F(Manager, HearsNothingOfAReloadBeforeTheServiceIsReady) {
  auto service = reporter();
  service.report({.reloading = true}, now);
  service.report({}, now);
  EXPECT_EQ(heard(), "");
}

TEST_F(Manager, HearsAStatusAtMostOnceASecondAndOnlyWhenItDiffers) {
  auto service = reporter();
  service.report({.status = "1 running"}, now);
  EXPECT_EQ(heard(), "STATUS=1 running");
  service.report({.status = "2 running"}, now + 999ms);
  EXPECT_EQ(heard(), "");
  service.report({.status = "2 running"}, now + 1000ms);
  EXPECT_EQ(heard(), "STATUS=2 running");
  service.report({.status = "2 running"}, now + 10s);
  EXPECT_EQ(heard(), "");
}

TEST_F(Manager, IsTheOnlyReasonToWordAStatus) {
  auto service = reporter();
  EXPECT_TRUE(service.wants_status(now));
  service.report({.status = "1 running"}, now);
  EXPECT_FALSE(service.wants_status(now + 999ms));
  EXPECT_TRUE(service.wants_status(now + 1s));
  service.report({.status = "1 running"}, now + 1s);
  EXPECT_FALSE(service.wants_status(now + 1500ms)) << "unchanged, and seen";
  address.clear();
  EXPECT_FALSE(reporter().wants_status(now));
}

TEST_F(Manager, CannotBeToldAnythingElseByAStatusWithLineBreaks) {
  auto service = reporter();
  service.report({.status = "fine\nMAINPID=1"}, now);
  EXPECT_EQ(heard(), "STATUS=fine MAINPID=1");
}

TEST_F(Manager, HearsSignsOfLifeAtHalfTheWatchdogsTime) {
  auto service = reporter(2s);
  service.report({}, now);
  EXPECT_EQ(heard(), "WATCHDOG=1");
  service.report({}, now + 999ms);
  EXPECT_EQ(heard(), "");
  service.report({}, now + 1s);
  EXPECT_EQ(heard(), "WATCHDOG=1");
}

TEST_F(Manager, ThatTakesNothingForAWhileHearsItLater) {
  auto service = reporter(2s);
  const auto moved = address + ".away";
  std::filesystem::rename(address, moved);
  service.report({.ready = true, .status = "up"}, now);
  std::filesystem::rename(moved, address);
  EXPECT_EQ(heard(), "");
  service.report({.ready = true, .status = "up"}, now);
  EXPECT_EQ(heard(), "READY=1");
  EXPECT_EQ(heard(), "STATUS=up");
  EXPECT_EQ(heard(), "WATCHDOG=1");
}

TEST_F(Manager, WithAFullQueueDoesNotBlockTheService) {
  auto service = reporter();
  auto flood = NotifySocket::open(address);
  ASSERT_TRUE(flood);
  while (flood->send("STATUS=x")) {}
  service.report({.ready = true}, now);
  while (!heard().empty()) {}
  service.report({.ready = true}, now);
  EXPECT_EQ(heard(), "READY=1");
}

TEST(NotifySocketTest, WithoutAnAddressEverythingIsFine) {
  auto none = NotifySocket::open("");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->send("READY=1"));
}

TEST(NotifySocketTest, AddressesOfOtherKindsAreRefused) {
  for (const std::string address : {"vsock:2:1234", "relative/path", "@", "/"})
    EXPECT_FALSE(NotifySocket::open(address)) << address;
  EXPECT_FALSE(NotifySocket::open("/" + std::string(200, 'x')));
}

TEST(NotifyOptionsTest, AWatchdogCountsForItsProcessOnly) {
  const auto of = [](std::optional<std::string> usec, std::optional<std::string> pid) {
    return notify_options({"/run/notify", std::move(usec), std::move(pid)}, 42);
  };
  EXPECT_EQ(of("2000000", "42")->watchdog, 2s);
  EXPECT_EQ(of("2000000", std::nullopt)->watchdog, 2s);
  EXPECT_EQ(of("2000000", "43")->watchdog, 0s);
  EXPECT_EQ(of(std::nullopt, "42")->watchdog, 0s);
  EXPECT_EQ(notify_options({std::nullopt, "2000000", "42"}, 42)->watchdog, 0s) << "nobody would hear it";
}

TEST(NotifyOptionsTest, WhatIsNoNumberIsAConfigurationError) {
  for (const char* usec : {"", "x", "1x", "-5", "0", "99999999999999999999999"}) {
    const auto options = notify_options({"/run/notify", usec, std::nullopt}, 42);
    ASSERT_FALSE(options) << usec;
    EXPECT_EQ(options.error().code, base::ErrorCode::Configuration);
  }
  EXPECT_FALSE(notify_options({"/run/notify", "5", "me"}, 42));
}

// Descriptors 200 and up stand for 3 and up.
class Inherited : public ::testing::Test {
 protected:
  static constexpr int kFirst = 200;
  void TearDown() override {
    for (int i = 0; i < next; ++i) ::close(kFirst + i);
  }
  void pass(const base::Fd& fd) {
    ASSERT_EQ(::dup2(fd.get(), kFirst + next), kFirst + next);
    ++next;
  }
  static base::Fd tcp(bool listens, int family = AF_INET) {
    base::Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage address{};
    address.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET)
      reinterpret_cast<sockaddr_in*>(&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
      reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr = in6addr_loopback;
    EXPECT_EQ(
        ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)), 0);
    if (listens) ::listen(fd.get(), 8);
    return fd;
  }
  base::Result<std::vector<Listener>> take(std::string count, std::optional<std::string> names = std::nullopt,
                                           std::string pid = "42") {
    auto taken = inherited_sockets({std::move(pid), std::move(count), std::move(names)}, 42, kFirst);
    if (taken) next = 0;  // they are closed with their owners
    return taken;
  }
  int next = 0;
};

TEST_F(Inherited, ListeningSocketsAreTakenAndNoChildGetsThem) {
  pass(tcp(true));
  std::string directory = (std::filesystem::temp_directory_path() / "clams-listen.XXXXXX").string();
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  base::Fd local = bound_unix(SOCK_STREAM, directory + "/s");
  ASSERT_EQ(::listen(local.get(), 8), 0);
  pass(local);
  const auto taken = take("2", "http:local");
  ASSERT_TRUE(taken) << taken.error().message;
  ASSERT_EQ(taken->size(), 2U);
  EXPECT_NE(taken->at(0).port, 0);
  EXPECT_EQ(taken->at(0).address, "127.0.0.1:" + std::to_string(taken->at(0).port));
  EXPECT_EQ(taken->at(1).address, "unix:" + directory + "/s");
  for (const auto& socket : *taken) {
    EXPECT_EQ(::fcntl(socket.fd.get(), F_GETFD), FD_CLOEXEC);
    EXPECT_NE(::fcntl(socket.fd.get(), F_GETFL) & O_NONBLOCK, 0);
  }
  std::filesystem::remove_all(directory);
}

TEST_F(Inherited, AnIPv6SocketIsOne) {
  pass(tcp(true, AF_INET6));
  const auto taken = take("1");
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_TRUE(taken->at(0).is_ipv6);
  EXPECT_EQ(taken->at(0).address, "[::1]:" + std::to_string(taken->at(0).port));
}

TEST_F(Inherited, WhatIsMeantForAnotherProcessIsLeftAlone) {
  pass(tcp(true));
  const auto taken = take("1", std::nullopt, "43");
  ASSERT_TRUE(taken);
  EXPECT_TRUE(taken->empty());
  EXPECT_NE(::fcntl(kFirst, F_GETFD), -1) << "still open";
  next = 1;
}

TEST_F(Inherited, WithoutTheVariablesThereAreNone) {
  EXPECT_TRUE(inherited_sockets({}, 42, kFirst)->empty());
  EXPECT_TRUE(inherited_sockets({"42", std::nullopt, std::nullopt}, 42, kFirst)->empty());
  EXPECT_TRUE(inherited_sockets({"42", "0", std::nullopt}, 42, kFirst)->empty());
}

TEST_F(Inherited, ABoundSocketThatDoesNotListenIsRefusedByItsName) {
  pass(tcp(false));
  const auto taken = take("1", "web");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, base::ErrorCode::Configuration);
  EXPECT_EQ(
      taken.error().message,
      "descriptor 200 (web) of LISTEN_FDS is no listening socket; correct the .socket unit (ListenStream=, Accept=no) or stop "
      "it, then --host and --port count");
}

TEST_F(Inherited, DatagramSocketsFilesAndClosedDescriptorsAreRefused) {
  EXPECT_FALSE(take("1")) << "nothing is open there";
  pass(base::Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  EXPECT_FALSE(take("1"));
  TearDown();
  next = 0;
  pass(base::Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  EXPECT_FALSE(take("1"));
}

TEST_F(Inherited, NumbersThatAreNoneAreRefused) {
  for (const char* count : {"", "x", "-1", "1.5", "1000", "99999999999999999999"}) EXPECT_FALSE(take(count)) << count;
  EXPECT_FALSE(inherited_sockets({"me", "1", std::nullopt}, 42, kFirst));
}

}  // namespace
}  // namespace clams::server
