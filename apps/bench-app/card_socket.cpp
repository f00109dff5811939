#include "card_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "clams/exceptions.hpp"

CardSocket::CardSocket(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw clams::RuntimeError("the path of the card's socket is too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw clams::RuntimeError(base::error_from_errno("cannot reach the card at '" + path + "'", errno).message);
  }
}

std::string CardSocket::ask(const std::string& line) {
  if (const auto sent = base::write_all(fd_.get(), line, "the card"); !sent) throw clams::RuntimeError(sent.error().message);
  std::string answer;
  for (char c = 0; c != '\n';) {
    const ssize_t got = ::read(fd_.get(), &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw clams::RuntimeError("the card closed the connection");
    answer += c;
  }
  answer.pop_back();
  return answer;
}

bool CardSocket::alloc(std::uint64_t megabytes) {
  const std::string answer = ask("alloc " + std::to_string(megabytes) + " " + std::to_string(::getpid()) + "\n");
  if (answer != "ok" && answer != "oom") throw clams::RuntimeError("the card answered '" + answer + "'");
  return answer == "ok";
}

void CardSocket::free() { ask("free\n"); }
