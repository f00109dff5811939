#include "worker/channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace worker {
namespace {

constexpr std::size_t kMaxDescriptors = 4;  // room to receive (and close) more than the one allowed

base::Status widen(int fd) {
  // The kernel doubles the figure and caps it by net.core.wmem_max; 192 KiB fit into what its default leaves.
  const int size = 1 << 20;
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) != 0)
    return base::error_from_errno("cannot size the socket of a worker", errno);
  return {};
}

std::vector<base::Fd> take_descriptors(msghdr& header) {
  std::vector<base::Fd> result;
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(item) + i * sizeof(int), sizeof fd);
      result.emplace_back(fd);
    }
  }
  return result;
}

base::Result<Received> assemble(std::string_view bytes, std::vector<base::Fd> descriptors, std::uint64_t max_document) {
  BASE_TRY_ASSIGN(Frame frame, decode(bytes));
  if (descriptors.size() != (frame.memfd_bytes ? 1U : 0U)) {
    return base::Error{base::ErrorCode::InvalidArgument,
                       "a frame came with " + std::to_string(descriptors.size()) + " descriptors"};
  }
  Received received{ChannelState::Message, {}};
  if (frame.memfd_bytes) {
    if (*frame.memfd_bytes > max_document) {
      return base::Error{base::ErrorCode::InvalidArgument, "a document of " + std::to_string(*frame.memfd_bytes) +
                                                               " bytes came (limit " + std::to_string(max_document) + ")"};
    }
    BASE_TRY_ASSIGN(received.message.document, Document::from_sealed(std::move(descriptors.front()), *frame.memfd_bytes));
  } else if (!frame.body.empty()) {
    received.message.document = Document::of(std::exchange(frame.body, {}));
  }
  received.message.frame = std::move(frame);
  return received;
}

}  // namespace

base::Result<std::pair<base::Fd, base::Fd>> make_channel() {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return base::error_from_errno("cannot create the socket of a worker", errno);
  }
  std::pair<base::Fd, base::Fd> pair{base::Fd(ends[0]), base::Fd(ends[1])};
  BASE_TRY(widen(ends[0]));
  BASE_TRY(widen(ends[1]));
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return base::error_from_errno("cannot prepare the socket of a worker", errno);
  return pair;
}

base::Result<Received> receive(int fd, std::uint64_t max_document) {
  thread_local std::vector<char> buffer(kMaxFrameBytes);
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control{};
  iovec part{buffer.data(), buffer.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t got = -1;
  bool unread = false;
  // ECONNRESET is told once when the peer closed with packets unread; what it sent before is still in the queue behind it.
  do {
    got = ::recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
    unread = unread || (got < 0 && errno == ECONNRESET);
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Received{ChannelState::WouldBlock, {}, unread};
  if (got < 0) return base::error_from_errno("cannot receive from the other end of a worker's socket", errno);
  std::vector<base::Fd> descriptors = take_descriptors(header);
  if (got == 0 && descriptors.empty()) return Received{ChannelState::Closed, {}, unread};
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return base::Error{base::ErrorCode::InvalidArgument, "a packet larger than a frame may be, or with too many descriptors"};
  }
  auto received = assemble(std::string_view(buffer.data(), static_cast<std::size_t>(got)), std::move(descriptors), max_document);
  if (received) received->peer_left_unread = unread;
  return received;
}

base::Result<Packet> pack(Frame frame, const Document& document) {
  Packet packet;
  if (document.in_memfd() || document.size() > kMaxInlineBody) {
    BASE_TRY_ASSIGN(packet.document, document.as_memfd());
    frame.memfd_bytes = packet.document.size();
  } else {
    frame.body = document.view();
  }
  BASE_TRY_ASSIGN(packet.bytes, encode(frame));
  return packet;
}

base::Result<bool> send(int fd, const Packet& packet) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec part{const_cast<char*>(packet.bytes.data()), packet.bytes.size()};  // sendmsg does not write there
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (packet.document.in_memfd()) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* item = CMSG_FIRSTHDR(&header);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int));
    const int passed = packet.document.descriptor();
    std::memcpy(CMSG_DATA(item), &passed, sizeof passed);
  }
  for (;;) {
    if (::sendmsg(fd, &header, MSG_NOSIGNAL) >= 0) return true;
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
    if (errno == EPIPE || errno == ECONNRESET) {
      return base::Error{base::ErrorCode::Unavailable, "the other end of a worker's socket is closed", errno};
    }
    return base::error_from_errno("cannot send over a worker's socket", errno);
  }
}

}  // namespace worker
